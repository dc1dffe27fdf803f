"""What an engine does: runs of GEMMs."""
