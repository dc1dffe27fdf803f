"""The grammar of a Liberty file: text -> a tree of groups, with the offset of every statement.

A file is one group `library (name) { ... }` that holds three kinds of statement: attributes
`name : value;`, lists `name (a, b);` and further groups. One regular expression takes one
statement at a time, so 13 MB are read in about a second; nothing here knows what a cell is.
Source: the Liberty Reference Manual, chapter 1, "General syntax".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tpe.base import files
from tpe.base.errors import TpeError

_WHAT = "Liberty"
_STATEMENT = re.compile(
    r"""[\s;\\]*+(?:
        (?P<close>\})
      | (?P<name>[A-Za-z_][\w.\-]*+)\s*+
        (?: \( (?P<args>(?:[^()"]++|"[^"]*+")*+) \) \s*+ (?P<open>\{)?
          | :[ \t]*+ (?P<value>"[^"]*+"|[^;{}\n"]*+) )
      | (?P<end>\Z)
    )""",
    re.VERBOSE,
)
_COMMENT = re.compile(r'"[^"]*+"|/\*.*?\*/|//[^\n]*+', re.DOTALL)
_ARGUMENT = re.compile(r'"([^"]*)"|([^\s,"\\]+)')


@dataclass(slots=True)
class Group:
    """One `kind (names) { ... }`; `offset` is where it begins in `Text.text`.

    `attributes` keeps the last value of a name, `lists` every list of a name, both as written
    (attributes without quotes).
    """

    kind: str
    names: tuple[str, ...]
    offset: int
    attributes: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The first name between the parentheses, or nothing."""
        return self.names[0] if self.names else ""

    def of(self, kind: str) -> list[Group]:
        """The groups of one kind directly inside this one, in order."""
        return [group for group in self.groups if group.kind == kind]


@dataclass(frozen=True)
class Text:
    """What a file holds, and where errors in it are: `path` as given, `text` without comments."""

    path: str
    text: str

    def error(self, offset: int, what: str) -> TpeError:
        """The error at an offset: one line that names the file and the line.

        >>> str(Text("a.lib", "one\\ntwo").error(5, "no"))
        'a.lib:2: no'
        """
        return TpeError(f"{self.path}:{self.text.count(chr(10), 0, offset) + 1}: {what}")


def load(path: Path) -> tuple[bytes, bool]:
    """The bytes of a file as they lie there, and whether they are gzipped; TpeError if unread."""
    raw = files.read_bytes(path, _WHAT)
    return raw, files.is_gzip(raw)


def decode(path: Path, raw: bytes, gzipped: bool) -> Text:
    """The text of a file, its comments replaced by the line breaks that they held."""
    if gzipped:
        raw = unpack(path, raw)
    text = files.decode(path, raw, _WHAT, errors="replace")
    if "/*" in text or "//" in text:
        text = _COMMENT.sub(_blank, text)
    return Text(str(path), text)


def unpack(path: Path, raw: bytes) -> bytes:
    """What a gzipped file holds; TpeError if it is cut off, damaged or too large."""
    return files.gunzip(path, raw, _WHAT)


def _blank(match: re.Match[str]) -> str:
    found = match.group()
    return found if found[0] == '"' else " " + "\n" * found.count("\n")


def parse(source: Text) -> Group:
    """The library group of a file; TpeError if the text is no Liberty or ends too early."""
    take, text = _STATEMENT.match, source.text
    first = take(text)
    if first is None or first["name"] != "library" or not first["open"]:
        start = text.lstrip().split("\n", 1)[0][:40]
        found = repr(start) if start else "an empty file"
        raise TpeError(f"{source.path}:1: not Liberty: expected 'library (name) {{', found {found}")
    library = Group("library", arguments(first["args"]), first.start("name"))
    stack, position = [library], first.end()
    while stack:
        match = take(text, position)
        if match is None:
            raise _refused(source, position, stack[-1])
        position, inner = match.end(), stack[-1]
        if match.lastgroup == "value":
            inner.attributes[match["name"]] = match["value"].strip().strip('"')
        elif match.lastgroup == "args":
            inner.lists.setdefault(match["name"], []).append(match["args"])
        elif match.lastgroup == "open":
            group = Group(match["name"], arguments(match["args"]), match.start("name"))
            inner.groups.append(group)
            stack.append(group)
        elif match.lastgroup == "close":
            stack.pop()
        else:
            raise _truncated(source, stack[-1])
    _end(source, position)
    return library


def _end(source: Text, position: int) -> None:
    """Nothing but space may follow the library."""
    match = _STATEMENT.match(source.text, position)
    if match is None or match.lastgroup != "end":
        at = re.compile(r"[\s;\\]*").match(source.text, position)
        where = at.end() if at else position
        raise source.error(where, "text after the end of the library: one '}' too many?")


def _refused(source: Text, position: int, inner: Group) -> TpeError:
    """The error for a statement that is none: the rest of the file is missing, or it is wrong."""
    skipped = re.compile(r"[\s;\\]*").match(source.text, position)
    start = skipped.end() if skipped else position
    rest = source.text[start:]
    if rest.startswith("/*"):
        return source.error(start, f"truncated: a comment is never closed, in {_where(inner)}")
    if rest.count('"') % 2 or not re.search(r"[;}]", rest):
        what = "a quote or parenthesis opened here is never closed: truncated or wrong"
        return source.error(start, f"{what}, in {_where(inner)}")
    return source.error(start, f"not a Liberty statement: {rest.splitlines()[0][:40]!r}")


def _truncated(source: Text, inner: Group) -> TpeError:
    opened = source.text.count("\n", 0, inner.offset) + 1
    what = f"truncated: {_where(inner)} of line {opened} is never closed"
    return source.error(len(source.text.rstrip()), what)


def _where(group: Group) -> str:
    return f"'{group.kind} ({', '.join(group.names)})'"


def arguments(text: str) -> tuple[str, ...]:
    """What stands between the parentheses of a list or a group.

    >>> arguments('1, "pf"')
    ('1', 'pf')
    """
    return tuple(quoted or bare for quoted, bare in _ARGUMENT.findall(text))
