"""A folder of sources: their order, and writing it whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tpe.base.errors import TpeError


def leaves_first(modules: Mapping[str, str], top: str) -> list[str]:
    """Names so that each module stands behind all that it instantiates or takes names from."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        for other in sorted(modules):
            used = f"  {other} " in modules[name] or f"{other}::" in modules[name]
            if other != name and used:
                visit(other)
        order.append(name)

    visit(top)
    return order


def write_folder(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write the files into a new folder beside and rename it into place; refuse a full one."""
    work = None
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise TpeError(
                f"{folder} exists and is no empty directory; choose another, or empty it"
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        work.chmod(0o755)
        for name, text in texts.items():
            (work / name).write_text(text)
        os.replace(work, folder)
    except OSError as error:
        raise TpeError(f"cannot write {folder}: {error.strerror or error}") from None
    finally:
        if work is not None:
            shutil.rmtree(work, ignore_errors=True)
    return [folder / name for name in texts]
