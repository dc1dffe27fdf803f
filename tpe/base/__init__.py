"""What every room stands on: files, and later errors, caches, tables."""
