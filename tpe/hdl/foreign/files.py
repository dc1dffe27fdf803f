"""Which files a design is read from: named ones, file lists, and libraries searched by name."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tpe.base import files
from tpe.base.errors import TpeError

ENDINGS = (".v", ".sv")
LARGEST = 64 << 20  # bytes of a file
_MOST_LISTS = 64  # file lists within each other
_LEGAL = (
    "files, -f LIST, -F LIST, -y DIR, -v FILE, -I DIR, -D NAME=VALUE, +incdir+DIR, "
    "+define+NAME=VALUE, +libext+.v"
)
Name = str | os.PathLike[str]


@dataclass
class FileSet:
    """What a design is read from; `endings` are those of files in `libraries`."""

    files: list[Path] = field(default_factory=list)
    include: list[Path] = field(default_factory=list)
    define: dict[str, str] = field(default_factory=dict)
    libraries: list[Path] = field(default_factory=list)
    endings: list[str] = field(default_factory=list)
    lists: int = 0

    def take(self, words: Iterable[str], where: str, beside: Path | None = None) -> None:
        """Add what words of a command line or a file list name; `where` stands in errors.

        Paths are relative to `beside` if it is given, else to the working directory.
        """
        waiting = list(words)
        while waiting:
            word = waiting.pop(0)
            option, value = _split(word)
            if option in ("-f", "-F", "-y", "-v", "-I", "-D") and not value:
                if not waiting:
                    raise TpeError(f"{where}: {word} names nothing; legal: {_LEGAL}")
                value = waiting.pop(0)
            self._take(option, value, where, beside)

    def _take(self, option: str, value: str, where: str, beside: Path | None) -> None:
        def path(text: str) -> Path:
            expanded = Path(os.path.expandvars(text))
            return beside / expanded if beside is not None else expanded

        parts = [x for x in value.split("+") if x]
        if option in ("", "-v"):
            self.files.append(path(value))
        elif option in ("-f", "-F"):
            self.read(path(value), beside_itself=option == "-F")
        elif option == "-y":
            self.libraries.append(path(value))
        elif option == "-I":
            self.include.append(path(value))
        elif option == "-D":
            name, _, text = value.partition("=")
            self.define[name] = text
        elif option == "+incdir+":
            self.include += [path(x) for x in parts]
        elif option == "+define+":
            self.define |= {x.partition("=")[0]: x.partition("=")[2] for x in parts}
        elif option == "+libext+":
            self.endings += parts
        else:
            raise TpeError(f"{where}: '{option}' is not legal: {_LEGAL}")

    def read(self, path: Name, beside_itself: bool = False) -> None:
        """Add what a file list names; comments are `//`, `#` and `/* */`."""
        self.lists += 1
        if self.lists > _MOST_LISTS:
            raise TpeError(f"{path}: over {_MOST_LISTS} file lists; does one name itself?")
        text = files.read_text(path, "file list")
        text = re.sub(r"/\*.*?\*/", lambda x: "\n" * x.group().count("\n"), text, flags=re.DOTALL)
        beside = Path(path).parent if beside_itself else None
        for number, line in enumerate(text.splitlines(), 1):
            code = re.sub(r"(^|\s)(//|#).*", "", line)
            try:
                words = shlex.split(code)
            except ValueError as error:
                raise TpeError(f"{path}:{number}: {error}") from None
            # An option and its value may stand on one line only.
            self.take(words, f"{path}:{number}", beside)

    def check(self) -> None:
        """TpeError for a file, or a directory of a library, that cannot be read."""
        if not self.files:
            raise TpeError("no file given; legal: one Verilog or SystemVerilog file or more")
        for file in self.files:
            if not file.exists():
                raise TpeError(f"cannot read {file}: no such file")
            files.read_bytes(file, "Verilog", LARGEST)
        for folder in self.libraries:
            if not folder.is_dir():
                raise TpeError(f"-y {folder}: no such directory")

    def find(self, name: str) -> Path | None:
        """The file of a library that is called like a module or a package."""
        for folder in self.libraries:
            for ending in self.endings or ENDINGS:
                path = folder / f"{name}{ending}"
                if path.is_file():
                    files.read_bytes(path, "Verilog", LARGEST)
                    return path
        return None


def file_set(
    named: Sequence[Name],
    include: Sequence[Name],
    define: Mapping[str, object],
    libraries: Sequence[Name],
    file_lists: Sequence[Name],
) -> FileSet:
    """The files of a call: those named, in order, behind those of file lists."""
    found = FileSet()
    for path in file_lists:
        found.read(path)
    found.take([os.fspath(x) for x in named], "file")
    found.include += [Path(x) for x in include]
    found.define |= {name: str(value) for name, value in define.items()}
    found.libraries += [Path(x) for x in libraries]
    found.check()
    return found


def _split(word: str) -> tuple[str, str]:
    """An option and its value: ("+incdir+", "a+b"), ("-I", "a"), or ("", a file)."""
    plus = re.match(r"\+\w+\+", word)
    if plus:
        return plus.group(), word[plus.end() :]
    if word[:1] in "+-":
        return (word[:2], word[2:]) if word[:2] in ("-I", "-D") else (word, "")
    return "", word
