"""Spaces of engines, and their points: described, run, kept, searched."""
