"""How deep a text nests, counted before a parser sees it.

Parsers have limits of their own, or recurse until Python ends them: where a limit lies, and how it
is worded, depends on their version.
"""

from __future__ import annotations

import re

# What may hold a bracket that nests nothing (quoted text, a comment), and the brackets.
_MARKS = re.compile(r'"(?:\\[\s\S]|[^"\\])*(?:"|\\?\Z)' + r"|'[^']*(?:'|\Z)|(?<!\S)#.*|[\[{]|[\]}]")


def bracket_depth(text: str) -> int:
    """The deepest nesting of [] and {} in YAML or TOML, outside quotes and comments.

    >>> bracket_depth('- [a, {b: "[["}]  # [[['), bracket_depth("[" * 5000)
    (2, 5000)
    """
    depth = deepest = 0
    for mark in _MARKS.finditer(text):
        first = mark[0][0]
        depth += (first in "[{") - (first in "]}")
        deepest = max(deepest, depth)
    return deepest
