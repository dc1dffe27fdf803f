"""Input-stationary systolic array: activations stay in the cells, rows of weights stream.

It is `systolic_ws` with `encode` = weights, which computes the transposed product C.T = B.T @ A.T
(decision D14): what stays is then A. RTL, schedule, sizes and parameters are that array's; this is
its name where dataflows have three, such as SCALE-Sim's.
"""

from __future__ import annotations

from dataclasses import replace

from tpe.array import systolic_ws

RECORD = replace(
    systolic_ws.RECORD,
    name="systolic_is",
    title="input-stationary systolic array",
    source="arXiv:1811.02883 (SCALE-Sim, dataflow is)",
    aliases=("is",),
    fixed={"encode": "weights"},
)
