"""The FuseSoC core description of a package (CAPI 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tpe.hdl.emit.templates import template
from tpe.version import __version__


@dataclass(frozen=True)
class Filesets:
    """File names of a package by what they are for, each list in its order."""

    rtl: Sequence[str]
    axis: Sequence[str]  # what the wrapper needs beside `rtl`
    properties: Sequence[str]
    smoke: Sequence[str]
    constraints: Sequence[str]


def core(prefix: str, title: str, filesets: Filesets) -> str:
    """The text of PREFIX.core; `title` says what the engine is."""
    return template(
        "package.core.j2", prefix=prefix, title=title, version=__version__, **vars(filesets)
    )
