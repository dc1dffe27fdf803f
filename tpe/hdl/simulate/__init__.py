"""What runs the RTL, and what reads it before that."""
