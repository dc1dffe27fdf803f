"""The names of the integers that parameters of the RTL choose by, as `rtl/tpe_pkg.sv` has them.

A parameter Xxx takes the names of the type xxx_e, each Xxx and the model's word in capitals of its
own: `Rounding` of `half_up` is `RoundingHalfUp`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from tpe.base.errors import unknown
from tpe.hdl.emit import sources

PACKAGE = "tpe_pkg"
_TYPE = re.compile(r"typedef enum int unsigned \{(.*?)\} (\w+)_e;", re.DOTALL)
_NAME = re.compile(r"^ *(\w+) *= *(\d+),?", re.MULTILINE)
_WORD = re.compile(r"(?<!^)(?=[A-Z])")


@cache
def named(text: str = "") -> Mapping[str, Mapping[str, int]]:
    """Number by word by parameter, of the package's text; default: of `rtl/tpe_pkg.sv`.

    Raises ValueError for a name that does not begin as its type does.

    >>> dict(named()["Encoder"])
    {'booth': 0, 'ent': 1}
    """
    found = {}
    for body, kind in _TYPE.findall(text or sources.text(PACKAGE)):
        parameter = kind.title().replace("_", "")
        words = {}
        for name, number in _NAME.findall(body):
            if not name.startswith(parameter):
                raise ValueError(f"{PACKAGE}: {name} is no name of {kind}_e")
            words[_WORD.sub("_", name.removeprefix(parameter)).lower()] = int(number)
        found[parameter] = MappingProxyType(words)
    return MappingProxyType(found)


def number(parameter: str, word: str) -> int:
    """The integer that a word is in a parameter of the RTL. Raises TpeError for an unknown one.

    >>> number("Zero", "offset")
    2
    """
    words = named().get(parameter)
    if words is None:
        raise unknown("named parameter", parameter, named())
    if word not in words:
        raise unknown(parameter, word, words)
    return words[word]


def reference(parameter: str, value: Any) -> str | int:
    """A value of a parameter as RTL writes it: by its name in the package, if it has one there.

    That of a side, `ASpecial`, has those of `Special`.

    >>> reference("Encoder", 1), reference("Lanes", 4), reference("Zero", "none")
    ('tpe_pkg::EncoderEnt', 4, 'tpe_pkg::ZeroNone')
    """
    if isinstance(value, str):
        value = number(parameter, value)
    sided = parameter[:1] in ("A", "B") and parameter not in named()
    kind = parameter[1:] if sided else parameter
    for word, integer in named().get(kind, {}).items():
        if integer == value:
            return f"{PACKAGE}::{kind}{word.title().replace('_', '')}"
    return int(value)
