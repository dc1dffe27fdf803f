"""A cell that was put beside ours: whether every array can connect it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from tpe.base.errors import TpeError

PORTS = (
    *("clk_i", "rst_ni", "en_i", "valid_i", "first_i"),
    *("code_i", "b_i", "plane_i", "psum_i", "psum_o"),
)
STEPPED = ("start_i", "ready_o")  # besides, of a cell whose steps take several cycles
_RANGE = re.compile(r"\[([^\]]*)\]")
_NAME = re.compile(r"(?<![\w'$])[A-Za-z_]\w*")


def check_cell(
    module: str,
    ports: str,
    names: Sequence[str],
    parameters: Collection[str],
    stepped: bool,
    wanted_parameters: Collection[str] = (),
) -> None:
    """TpeError unless a cell has the ports and parameters that arrays connect, and as wide ones.

    `ports` is its port list, `names` are theirs; `parameters` are those of its own that an array
    sets, of `wanted_parameters`.

    >>> check_cell("tpe_pe_x", "input wire clk", ["clk"], (), False)
    Traceback (most recent call last):
    tpe.TpeError: tpe_pe_x: has no port 'clk_i', which arrays connect; legal: ports clk_i, \
rst_ni, en_i, valid_i, first_i, code_i, b_i, plane_i, psum_i, psum_o
    """
    wanted = (*PORTS, *(STEPPED if stepped else ()))
    legal = f"legal: ports {', '.join(wanted)}"
    for name in wanted:
        if name not in names:
            raise TpeError(f"{module}: has no port '{name}', which arrays connect; {legal}")
    for name in names:
        if name not in wanted:
            raise TpeError(f"{module}: port '{name}' is connected by no array; {legal}")
    for name in wanted_parameters:
        if name not in parameters:
            raise TpeError(
                f"{module}: has no parameter '{name}', which arrays set; "
                f"legal: parameters {', '.join(wanted_parameters)}, unused if need be"
            )
    for line in ports.splitlines():
        code = line.split("//")[0]
        for name in (x for text in _RANGE.findall(code) for x in _NAME.findall(text)):
            if name not in parameters:
                raise TpeError(
                    f"{module}: port '{code.split()[-1].rstrip(',')}' is as wide as '{name}' says, "
                    f"which no array sets; legal: {', '.join(parameters)}"
                )
