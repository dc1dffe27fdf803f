"""The head of a module as somebody else wrote it: parameters, ports and instances, by a parser.

Port lists of this package's own modules have one port a line and are read as text. A module of
another hand may declare several on a line, in the manner of Verilog-1995, or by macros: it is
parsed with slang, which knows the whole grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tpe.base.errors import TpeError, missing_extra

_NETS = {"wire", "var", "tri", "wand", "wor", "tri0", "tri1", "triand", "trior", "uwire"}
_WORD = re.compile(r"[A-Za-z_]\w*")
_BASED = re.compile(r"'[sS]?[bodhBODH][0-9a-fA-F_xXzZ?]+")


@dataclass(frozen=True)
class HeadPort:
    """A port as declared: `type` is what stands between the direction and the name."""

    name: str
    direction: str
    type: str

    @property
    def declared(self) -> str:
        """The type with the net that it implies, which files without implicit nets must name."""
        implied = re.match(r"$|\[|signed\b|unsigned\b", self.type)
        if implied or (self.direction == "input" and not _NETS & set(self.type.split())):
            return f"wire {self.type}".rstrip()
        return self.type

    @property
    def words(self) -> frozenset[str]:
        """Names that its packed dimensions are computed from."""
        ranges = "".join(re.findall(r"\[[^\]]*\]", self.type))
        return frozenset(_WORD.findall(_BASED.sub("", ranges)))


@dataclass(frozen=True)
class Head:
    """What a module says of itself: `places` are a default's offsets in the text it came from."""

    module: str
    parameters: tuple[str, ...]
    places: Mapping[str, tuple[int, int]]
    ports: tuple[HeadPort, ...]
    instances: frozenset[str]


def slang() -> Any:
    """The parser; TpeError with the pip command if it is not installed."""
    try:
        import pyslang
        import pyslang.ast
        import pyslang.syntax
    except ImportError:
        raise missing_extra("pyslang", "rtl") from None
    return pyslang


@cache
def head(text: str, module: str = "") -> Head:
    """Parameters, ports and instances of a module of `text`; of its first one, unless named.

    Raises TpeError, one line with the line of the text, for text that does not parse, and for
    ports that cannot be written one by one.

    >>> found = head("module m #(parameter int W = 8, L = 2) (input [L*W-1:0] a, b); endmodule")
    >>> found.parameters, [port.name for port in found.ports], sorted(found.ports[1].words)
    (('W', 'L'), ['a', 'b'], ['L', 'W'])
    """
    tree, _manager = _parsed(text, module)
    for node in _modules(tree.root):
        if module in ("", _name(node.header.name)):
            return _head(node, text)
    raise TpeError(f"no module '{module}' in the text; legal: one of that name")


def tops(text: str) -> list[str]:
    """The modules of a text that none of its modules instantiates, in order.

    >>> tops("module a; endmodule module b; a u_a (); endmodule")
    ['b']
    """
    tree, _manager = _parsed(text)
    nodes = list(_modules(tree.root))
    used = {name for node in nodes for name in _instances(node)}
    return [name for name in (_name(node.header.name) for node in nodes) if name not in used]


def with_defaults(text: str, values: Mapping[str, int]) -> str:
    """The first module's text with these defaults of its parameters; others stay.

    >>> with_defaults("module m #(parameter A = 1, B = A + 1) (); endmodule", {"B": 7})
    'module m #(parameter A = 1, B = 7) (); endmodule'
    """
    content = text.encode()
    for name, (begin, end) in sorted(head(text).places.items(), key=lambda x: -x[1][0]):
        if name in values:
            content = content[:begin] + str(values[name]).encode() + content[end:]
    return content.decode()


# ---- the syntax tree ----


def _parsed(text: str, module: str = "") -> tuple[Any, Any]:
    """The syntax tree of a text, and slang's memory, which must live as long as the tree."""
    manager = slang().SourceManager()
    tree = slang().syntax.SyntaxTree.fromText(text, manager, "text")
    errors = [x for x in tree.diagnostics if x.isError()]
    if errors:
        first = re.search(r"\bmodule\s+([\w\\]\S*)", text)
        named = module or (first.group(1) if first else "the module")
        raise TpeError(f"{named}: {_told(tree, errors[0])}")
    return tree, manager


def _told(tree: Any, diagnostic: Any) -> str:
    manager = tree.sourceManager
    line = manager.getLineNumber(diagnostic.location)
    engine = slang().DiagnosticEngine(manager)
    return f"line {line}: {engine.formatMessage(diagnostic)}"


def _modules(root: Any) -> Iterator[Any]:
    if root.kind.name == "ModuleDeclaration":
        yield root
    for node in getattr(root, "members", ()):
        if getattr(node, "kind", None) is not None and node.kind.name == "ModuleDeclaration":
            yield node


def _name(token: Any) -> str:
    """An identifier as it is written; an escaped one keeps its backslash."""
    return str(token.rawText).strip()


def _text(node: Any) -> str:
    """The code of a node on one line: macros expanded, comments and directives left out."""
    printer = slang().syntax.SyntaxPrinter()
    printer.setIncludeComments(False).setIncludeDirectives(False)
    return " ".join(printer.print(node).str().split())


def _head(node: Any, text: str) -> Head:
    lists = [node.header.parameters.declarations] if node.header.parameters else []
    body = [x for x in node.members if x.kind.name == "ParameterDeclarationStatement"]
    if not lists:  # without a list in the head, those of the body can be set from outside
        lists = [[x.parameter for x in body]]
    names, places = [], {}
    for declaration in (x for items in lists for x in items if _is_node(x)):
        if declaration.keyword.valueText == "localparam":
            continue
        for item in filter(_is_node, declaration.declarators):
            names.append(_name(item.name))
            value = getattr(item, "initializer", None)
            if value is not None and _is_in(value.expr.sourceRange, text):
                span = value.expr.sourceRange
                places[names[-1]] = (span.start.offset, span.end.offset)
    return Head(
        _name(node.header.name),
        tuple(names),
        places,
        tuple(_ports(node)),
        frozenset(_instances(node)),
    )


def _is_in(span: Any, text: str) -> bool:
    """Whether a range lies in the text itself, not in what a macro stands for."""
    begin, end = span.start, span.end
    length = len(text.encode())
    return bool(begin.buffer == end.buffer and 0 < begin.offset < end.offset <= length)


def _is_node(item: Any) -> bool:
    """Whether an item of a separated list is no comma."""
    return hasattr(item, "sourceRange")


def _ports(node: Any) -> Iterator[HeadPort]:
    ports = node.header.ports
    name = _name(node.header.name)
    if ports is None:
        return
    if ports.kind.name == "NonAnsiPortList":
        yield from _old_ports(node, name)
        return
    if ports.kind.name != "AnsiPortList":
        raise TpeError(f"{name}: its ports are a wildcard; legal: ports by name")
    direction, kind = "inout", ""
    for item in filter(_is_node, ports.ports):
        port = _name(item.declarator.name) if hasattr(item, "declarator") else _text(item)
        if item.kind.name != "ImplicitAnsiPort" or not hasattr(item.header, "direction"):
            raise TpeError(f"{name}: port '{port}' is an interface or an expression; legal: a name")
        given, own = item.header.direction.valueText, _type(item.header)
        if given or own:  # else all is as of the port before
            direction, kind = given or direction, own
        yield _port(name, item.declarator, direction, kind)


def _type(header: Any) -> str:
    words = [getattr(header, word, None) for word in ("constKeyword", "varKeyword", "netType")]
    named = [str(word.valueText) for word in words if word is not None]
    return " ".join(x for x in (*named, _text(header.dataType)) if x)


def _port(module: str, declarator: Any, direction: str, kind: str) -> HeadPort:
    port = _name(declarator.name)
    if any(True for _ in declarator.dimensions):
        raise TpeError(f"{module}: port '{port}' is an unpacked array; legal: a vector of bits")
    return HeadPort(port, direction, kind)


def _old_ports(node: Any, module: str) -> Iterator[HeadPort]:
    """Ports of Verilog-1995: names in the head, directions and types in the body."""
    declared: dict[str, HeadPort] = {}
    types: dict[str, str] = {}
    for member in node.members:
        if member.kind.name == "PortDeclaration":
            direction, kind = member.header.direction.valueText, _type(member.header)
            for item in filter(_is_node, member.declarators):
                port = _port(module, item, direction, kind)
                declared[port.name] = port
        elif member.kind.name == "DataDeclaration":
            for item in filter(_is_node, member.declarators):
                types[_name(item.name)] = _text(member.type)
    for item in filter(_is_node, node.header.ports.ports):
        name = _text(item)
        if item.kind.name == "EmptyNonAnsiPort" or name not in declared:
            raise TpeError(
                f"{module}: port '{name}' of the list is not declared as one; legal: a name that "
                "an input, output or inout of the body declares"
            )
        port = declared[name]
        yield HeadPort(name, port.direction, types.get(name, port.type))


def _instances(node: Any) -> Iterator[str]:
    """Names of the modules that a node instantiates, in generate blocks too."""
    if node.kind.name == "HierarchyInstantiation":
        yield _name(node.type)
        return
    for child in node:
        if _is_node(child):
            yield from _instances(child)
