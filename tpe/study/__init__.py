"""Several engines beside each other: how comparisons are shown and kept."""
