"""Port lists as records: read in the style of `rtl/`, changed by returning new ones, printed once.

A list is a tuple of `Port`. Names stand in one column and comments in another, whatever was put
between; a comment for which a line has no room stands above its port.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tpe.base.errors import TpeError
from tpe.hdl.foreign import slang_ports

Ports = tuple["Port", ...]

LINE = 100  # columns
_BEFORE_NAME, _BEFORE_COMMENT = 3, 2  # columns between the widest and what follows it
_CODE = re.compile(r"(input|output|inout)\b\s*(.*?)\s*([A-Za-z_]\w*|\\\S+)\s*,?\s*$")
_TYPE = re.compile(r"(.*?)\s*((?:\[[^\[\]]*\]\s*)*)$")
_NETS = {"wire", "tri", "wand", "wor", "tri0", "tri1", "triand", "trior", "uwire"}
_ELEMENTS = re.compile(r"\[(.*)\*(\w+)-1:0\]")


@dataclass(frozen=True)
class Port:
    """A port as a module declares it.

    net: `wire`, or empty. type: what else stands before the dimensions (`logic`, `logic signed`).
    dims: the packed dimensions, `[Rows*Width-1:0]`, or empty for one bit. comment: text behind it.
    above: lines of comment that open a group of ports before it.
    """

    name: str
    direction: str
    dims: str = ""
    comment: str = ""
    net: str = ""
    type: str = "logic"
    above: tuple[str, ...] = ()

    @property
    def elements(self) -> tuple[str, str]:
        """How many elements a vector `[count*width-1:0]` has, and the parameter of their width.

        Raises TpeError for dimensions of another form.

        >>> Port("a_i", "input", "[Rows*Lanes*AWidth-1:0]").elements
        ('Rows*Lanes', 'AWidth')
        """
        found = _ELEMENTS.fullmatch(self.dims)
        if found is None:
            raise TpeError(
                f"port '{self.name}' is {self.dims or 'a bit'}; legal: [count*width-1:0]"
            )
        return found.group(1), found.group(2)


def input_port(name: str, dims: str = "", comment: str = "") -> Port:
    """An input in the style of `rtl/`."""
    return Port(name, "input", dims, comment, "wire")


def output_port(name: str, dims: str = "", comment: str = "") -> Port:
    """An output in the style of `rtl/`."""
    return Port(name, "output", dims, comment)


# ---- reading ----


def read(text: str) -> Ports:
    """The ports of a list with one port a line, as it stands between a module's parentheses.

    Raises TpeError for a line that is neither a port nor a comment.

    >>> found = read("    // the beat\\n    input  wire  logic [W-1:0]   a_i,  // of A")
    >>> found[0].name, found[0].dims, found[0].comment, found[0].above
    ('a_i', '[W-1:0]', 'of A', ('the beat',))
    """
    found: list[Port] = []
    above: list[str] = []
    for line in text.splitlines():
        code, _, comment = (part.strip() for part in line.partition("//"))
        if code:
            found.append(_port(code, comment, tuple(above)))
            above = []
        elif comment:
            above.append(comment)
    return tuple(found)


def read_head(head: slang_ports.Head) -> Ports:
    """The ports of a module that a parser has read, in whatever style it is written.

    >>> from tpe.hdl.foreign.slang_ports import head
    >>> print(text(read_head(head("module m (input a, b, output reg [3:0] c); endmodule"))))
        input  wire        a,
        input  wire        b,
        output reg [3:0]   c
    """
    return tuple(_port(f"{p.direction} {p.declared} {p.name}", "", ()) for p in head.ports)


def _port(code: str, comment: str, above: tuple[str, ...]) -> Port:
    declared = _CODE.match(code)
    if declared is None:
        raise TpeError(f"no port is declared by '{code}'; legal: a direction, a type, a name")
    direction, kind, name = declared.groups()
    words, dims = _TYPE.fullmatch(kind).groups()  # type: ignore[union-attr]
    first, _, rest = words.partition(" ")
    net, rest = (first, rest.strip()) if first in _NETS else ("", words)
    return Port(name, direction, dims.strip(), comment, net, rest, above)


# ---- changing ----


def find(ports: Sequence[Port], name: str) -> Port:
    """The port of a name. Raises TpeError if the list has none."""
    for port in ports:
        if port.name == name:
            return port
    names = ", ".join(port.name for port in ports)
    raise TpeError(f"no port '{name}'; legal: {names}")


def replaced(ports: Sequence[Port], name: str, port: Port) -> Ports:
    """The list with another port in the place of the one called `name`."""
    old = find(ports, name)
    return tuple(port if one is old else one for one in ports)


def renamed(ports: Sequence[Port], name: str, other: str) -> Ports:
    """The list with another name for a port.

    >>> [port.name for port in renamed((input_port("a_i"), input_port("b_i")), "b_i", "c_i")]
    ['a_i', 'c_i']
    """
    return replaced(ports, name, replace(find(ports, name), name=other))


def resized(ports: Sequence[Port], name: str, width: str, times: int = 1) -> Ports:
    """The list with as many elements in a port as before, each as wide as the parameter `width`.

    times: so many in place of each.

    >>> one = (input_port("a_i", "[Rows*CodeWidth-1:0]"),)
    >>> resized(one, "a_i", "AWidth")[0].dims, resized(one, "a_i", "AWidth", 2)[0].dims
    ('[Rows*AWidth-1:0]', '[Rows*2*AWidth-1:0]')
    """
    port = find(ports, name)
    count, _ = port.elements
    many = count if times == 1 else f"{count}*{times}"
    return replaced(ports, name, replace(port, dims=f"[{many}*{width}-1:0]"))


def inserted(ports: Sequence[Port], behind: str, *more: Port) -> Ports:
    """The list with ports put in behind the one called `behind`.

    >>> a, b, c = map(input_port, ("a_i", "b_i", "c_i"))
    >>> [port.name for port in inserted((a, c), "a_i", b)]
    ['a_i', 'b_i', 'c_i']
    """
    at = ports.index(find(ports, behind)) + 1
    return (*ports[:at], *more, *ports[at:])


# ---- printing ----


def text(ports: Sequence[Port]) -> str:
    """The list as it stands between a module's parentheses, a port a line.

    >>> print(text((input_port("a_i", "[W-1:0]", "a beat"), output_port("done_o"))))
        input  wire  logic [W-1:0]   a_i,    // a beat
        output       logic           done_o
    """
    typed = [_typed(port, any(p.net and p.type for p in ports)) for port in ports]
    column = max(map(len, typed), default=0) + _BEFORE_NAME
    lines = [
        f"{kind:{column}}{port.name}{',' if port is not ports[-1] else ''}"
        for port, kind in zip(ports, typed, strict=True)
    ]
    margin = max(map(len, lines), default=0) + _BEFORE_COMMENT
    printed: list[str] = []
    for port, line in zip(ports, lines, strict=True):
        beside = f"{line:{margin}}// {port.comment}"
        fits = not port.comment or len(beside) <= LINE
        printed += [f"    // {note}" for note in (*port.above, *([] if fits else [port.comment]))]
        printed.append(beside if port.comment and fits else line)
    return "\n".join(printed)


def _typed(port: Port, columns: bool) -> str:
    """All that stands before a port's name; with `columns`, types stand in one behind the nets."""
    net = f"{port.net:5}" if columns and port.type else port.net
    words = (f"    {port.direction:6}", net, port.type, port.dims)
    return " ".join(word for word in words if word)
