"""What options name files and folders: which are read, which are written, and that none is both.

An option says it where it is declared, behind `typer.Option`: READS, WRITES or FILLS. From that
`refuse_clashes` knows what to compare before a command runs, and `tpe rerun` what not to overwrite.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tpe.base.errors import TpeError


@dataclass(frozen=True)
class Role:
    """What a command does with the path that an option holds."""

    written: bool
    folder: bool = False


READS = Role(False)  # a file, or a text that may name one: npz:FILE, FILE,FILE, a preset
WRITES = Role(True)  # one file
FILLS = Role(True, folder=True)


def role_of(annotation: Any) -> Role | None:
    """The role that an option's annotation declares, if its value is a path."""
    found = (x for x in getattr(annotation, "__metadata__", ()) if isinstance(x, Role))
    return next(found, None)


def option_names(annotation: Any) -> list[str]:
    """What an option is called; typer keeps the first name where a default may stand."""
    names = [
        name
        for option in getattr(annotation, "__metadata__", ())
        for name in (getattr(option, "default", None), *(getattr(option, "param_decls", ()) or ()))
    ]
    return [name for name in names if isinstance(name, str)]


def option_name(annotation: Any, parameter: str) -> str:
    """The one name that errors call an option by: `--json`, or of an argument its parameter."""
    return max(option_names(annotation), key=len, default=parameter)


@dataclass(frozen=True)
class NamedPath:
    """A path that an option of a command line holds."""

    option: str
    text: str
    role: Role

    @property
    def real(self) -> str:
        """Where it leads, links followed."""
        return os.path.realpath(self.text)

    @property
    def candidates(self) -> list[str]:
        """The paths that a text may name: itself, of a list, behind a prefix, before options."""
        parts = [self.text, *self.text.split(",")]
        found = []
        for part in parts:
            before, _, behind = part.partition(":")
            found += [part, before if "." in before else "", behind]  # FILE.gguf:tokens=4
        return [path for path in found if path]


def places(hints: Mapping[str, Any], options: Mapping[str, Any]) -> list[NamedPath]:
    """The paths of a command's options, of {parameter: annotation} and {parameter: value}."""
    found = []
    for parameter, value in options.items():
        role = role_of(hints.get(parameter))
        texts = [value] if isinstance(value, str) else value
        if role is not None and isinstance(texts, Sequence):
            name = option_name(hints[parameter], parameter)
            found += [NamedPath(name, text, role) for text in texts if text and text != "-"]
    return found


def refuse_clashes(paths: Sequence[NamedPath]) -> None:
    """TpeError if a path is written that is read too, or is written twice, or lies in a file."""
    written = [place for place in paths if place.role.written]
    for number, place in enumerate(written):
        for other in paths:
            if not other.role.written and any(_same(place.text, x) for x in other.candidates):
                raise TpeError(
                    f"{place.option} {place.text} is read too, by {other.option} {other.text}; "
                    f"legal: another path for {place.option}"
                )
        for other in written[number + 1 :]:
            if place.real == other.real or _same(place.text, other.text):
                raise TpeError(
                    f"{place.option} and {other.option} are both '{place.text}': name two files"
                )
            for outer, inner in ((place, other), (other, place)):
                if not outer.role.folder and inner.real.startswith(outer.real + os.sep):
                    raise TpeError(
                        f"{inner.option} {inner.text} lies in {outer.option} {outer.text}, a "
                        f"file; legal: another path for {outer.option}"
                    )


def refuse_default(folder: str, json_file: str | None) -> None:
    """The same of a folder that a command fills where `--output` names none."""
    named = json_file is not None and json_file not in ("", "-")
    own = [NamedPath("--json", str(json_file), WRITES)] if named else []
    refuse_clashes([NamedPath("--output", folder, FILLS), *own])


def _same(one: str, other: str) -> bool:
    """Whether both are there, and are one file or folder."""
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):
        return False
