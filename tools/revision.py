"""The commit that a report is made from."""

from __future__ import annotations

import subprocess


def commit() -> str:
    """What `git describe` says of the working tree, `-dirty` if it differs from its commit."""
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
