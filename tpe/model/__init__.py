"""What an engine does: runs of GEMMs, and how they are shown and kept."""
