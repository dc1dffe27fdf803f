"""Figures with the limits they are held against, each a ratio of two times taken in one run."""
