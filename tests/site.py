"""A folder as an installer leaves it: packages with entry points, and `tpe` run beside them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_FILE = re.compile(r"^`([^`\n]+)`:\n\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def install(site: Path, package: str, groups: Mapping[str, Mapping[str, str]]) -> None:
    """What an installer writes of a package: its name, and its entry points by group."""
    folder = site / f"{package.replace('-', '_')}-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines: list[str] = []
    for group, points in groups.items():
        lines += [f"[{group}]", *(f"{name} = {home}" for name, home in points.items())]
    (folder / "entry_points.txt").write_text("\n".join(lines))


def install_page(site: Path, page: Path) -> None:
    """The package whose files a page of `docs/howto` prints."""
    files = dict(_FILE.findall(page.read_text()))
    project = tomllib.loads(files.pop("pyproject.toml"))["project"]
    for name, text in files.items():
        path = site / name.removeprefix("src/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    install(site, project["name"], project["entry-points"])


def python(site: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python with the packages of the folder, started there."""
    path = os.pathsep.join([str(site), str(ROOT)])
    return subprocess.run(
        [sys.executable, *words],
        cwd=site,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def tpe(site: Path, *words: str, **environment: Any) -> subprocess.CompletedProcess[str]:
    """The command line with the packages of the folder."""
    return python(site, "-m", "tpe.cli.main", *words, **environment)
