"""A SCALE-Sim configuration (`.cfg`) as an engine: its array and its dataflow.

    [architecture_presets]
    ArrayHeight: 32
    ArrayWidth: 32
    Dataflow: ws

os  output-stationary: `systolic_os`
ws  weight-stationary: `systolic_ws`
is  input-stationary: `systolic_is`

The PE is `mac` with int8 operands. What the file says of memories, bandwidth, data layout and
sparsity is not modelled: `not_modelled` names it. Source: scalesim/scale_config.py of
github.com/scalesim-project/SCALE-Sim.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from typing import Any

from tpe import array as arrays
from tpe import pe as pes
from tpe.base.errors import TpeError, unknown

SECTION = "architecture_presets"
MAX_SIDE = 1024
"""Most rows or columns, as of every engine."""

_DATAFLOWS = ("os", "ws", "is")  # each an alias of its array
_READ = ("arrayheight", "arraywidth", "dataflow")
_SWITCHES = ("sparsitysupport", "useramulatortrace", "ifmapcustomlayout", "filtercustomlayout")


def engine_content(text: str, where: str) -> dict[str, Any]:
    """What an `engine.toml` of the same engine holds; `where` opens every error.

    >>> text = "[architecture_presets]\\nArrayHeight: 8\\nArrayWidth: 4\\nDataflow: is"
    >>> engine_content(text, "a.cfg")
    {'pe': 'mac', 'array': 'systolic_is', 'size': '8x4', 'parameters': {}}
    """
    options = _section(_parsed(text, where), where)
    rows, cols = (_side(options, key, where) for key in ("ArrayHeight", "ArrayWidth"))
    flow = _value(options, "Dataflow", f"legal: {', '.join(_DATAFLOWS)}", where).lower()
    if flow not in _DATAFLOWS:
        raise TpeError(f"{where}: {unknown('Dataflow', flow, _DATAFLOWS)}")
    return {
        "pe": pes.BASELINE,
        "array": arrays.get(flow).name,
        "size": f"{rows}x{cols}",
        "parameters": {},
    }


def not_modelled(text: str, where: str) -> list[str]:
    """What the file sets and the engine has not, each as it is written there.

    >>> not_modelled("[architecture_presets]\\nBandwidth : 10\\nIfmapOffset: 0", "a.cfg")
    ['Bandwidth = 10']
    """
    parsed = _parsed(text, where)
    found = [
        f"{key} = {value}"
        for key, value in _section(parsed, where).items()
        if key.lower() not in _READ and not key.lower().endswith("offset")
    ]
    for name in parsed.sections():
        for key, value in parsed.items(name):
            if key.lower() in _SWITCHES and value.strip().lower() == "true":
                found.append(f"{key} = {value}")
    return found


def _parsed(text: str, where: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(
        interpolation=None, inline_comment_prefixes=("#", ";"), default_section=""
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except configparser.Error as error:
        line = getattr(error, "lineno", None)
        at = f": line {line}" if line else ""
        reason = " ".join(str(error).split())[:200]
        raise TpeError(f"{where}{at} is no SCALE-Sim configuration ({reason})") from None
    return parser


def _section(parsed: configparser.ConfigParser, where: str) -> Mapping[str, str]:
    for name in parsed.sections():
        if name.strip().lower() == SECTION:
            return dict(parsed.items(name))
    raise TpeError(f"{where} has no section [{SECTION}]; legal: a SCALE-Sim configuration")


def _value(options: Mapping[str, str], name: str, legal: str, where: str) -> str:
    """An option without the quotes that version 1 has; names in upper or lower case."""
    for key, value in options.items():
        if key.lower() == name.lower():
            return (value or "").strip().strip("\"'").strip()
    raise TpeError(f"{where}: {name} is missing; {legal}")


def _side(options: Mapping[str, str], name: str, where: str) -> int:
    legal = f"legal: an integer, 1 to {MAX_SIDE}"
    text = _value(options, name, legal, where)
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= MAX_SIDE:
        raise TpeError(f"{where}: {name} is '{text[:60]}'; {legal}")
    return int(text)
