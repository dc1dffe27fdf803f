"""How registers are reset: at once, as `rtl/` is written, or at the clock's edge.

`sync` is a rewriting of the text, module by module: the reset leaves the list of events of every
register that has it there, and what the register does while it is active stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tpe.base.errors import TpeError, pick

RESETS = ("async", "sync")

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_EDGE = r"(posedge|negedge)\s+(\w+)"
_EDGES = re.compile(r"\b(?:pos|neg)edge\b")
_MACRO = re.compile(r"(?:^|,|\bor\b)\s*`")  # where an edge would stand
_EVENT = re.compile(r"@\s*\(([^()]*)\)")
_RESET = re.compile(
    rf"@(\s*)\(\s*{_EDGE}\s*(?:\bor\b|,)\s*{_EDGE}\s*\)"  # the two edges of a register, and
    r"(?=\s*(?:begin\b\s*(?::\s*\w+)?)?\s*if\s*\(\s*[!~]?\s*(\w+)\s*\))"  # what it asks first
)


def checked(reset: str) -> str:
    """A kind of reset; TpeError for one that there is not.

    >>> checked("Sync")
    'sync'
    """
    return pick("reset", reset, RESETS)


def rewritten(modules: Mapping[str, str], reset: str) -> dict[str, str]:
    """The modules (name -> text) with registers that are reset so.

    Raises TpeError for an unknown kind, and for a module one of whose registers waits for two edges
    in a form in which the reset is not known from the clock: none may be left over.

    >>> text = "always_ff @(posedge clk_i or negedge rst_ni) if (!rst_ni) q <= 0; else q <= d;"
    >>> rewritten({"m": text}, "sync")["m"]
    'always_ff @(posedge clk_i) if (!rst_ni) q <= 0; else q <= d;'
    """
    if checked(reset) == "async":
        return dict(modules)
    return {name: _synchronous(name, text) for name, text in modules.items()}


def asynchronous(text: str) -> list[str]:
    """The lists of events in a source that hold more than one edge: of registers, a reset's.

    A macro in place of an edge may stand for any number of them.

    >>> asynchronous("always @(posedge c, negedge r) q <= d; // @(posedge a or posedge b)")
    ['posedge c, negedge r']
    >>> asynchronous("always @(`EDGES) q <= d; always @(posedge `CLOCK) q <= d;")
    ['`EDGES']
    """
    events = _EVENT.findall(_COMMENT.sub("", text))
    return [" ".join(x.split()) for x in events if len(_EDGES.findall(x)) > 1 or _MACRO.search(x)]


def _synchronous(name: str, text: str) -> str:
    new = _RESET.sub(_at_the_clock, text)
    left = asynchronous(new)
    if left:
        raise TpeError(
            f"{name}: no synchronous reset can be made of @({left[0]}); legal: two edges, and "
            "`if (!reset)` first behind them"
        )
    return new


def _at_the_clock(hit: re.Match[str]) -> str:
    """The list of a register without its reset; as it stands if the reset is neither edge."""
    space, *edges, asked = hit.groups()
    clocks = [
        f"{edge} {net}" for edge, net in zip(edges[::2], edges[1::2], strict=True) if net != asked
    ]
    return f"@{space}({clocks[0]})" if len(clocks) == 1 else hit.group()
