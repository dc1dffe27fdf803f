"""Lines of a table that takes hours, each kept in a file beside its page when it is made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def kept_lines(path: Path) -> list[Row]:
    """The lines of a file, a JSON object each; none if it is not there."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def keep_line(path: Path, row: Row) -> None:
    """Add a line to the file."""
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")
