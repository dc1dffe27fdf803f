"""Fused multiply-add with approximate normalisation (arXiv:2408.11997), in bf16.

Its baseline is the same datapath with an exact normaliser, rounded once, at the end of a column;
`fma`, which rounds in every step, stands beside it.
"""

from __future__ import annotations

from typing import Any

from tpe.model.engine import Engine
from tpe.report.papers.cells import CellPaper, Saving
from tpe.study.contest import Contest, Entrant

DESIGNS = {"an-1-1": (1, 1), "an-1-2": (1, 2), "an-2-2": (2, 2)}  # k, lambda
EXACT, ROUNDING = "exact", "fma"
AREA, ENERGY = 0.16, 0.13


def _engine(title: str, **more: Any) -> Engine:
    if title == ROUNDING:
        return Engine("fma", "systolic_ws", (16, 16), **more)
    if title in DESIGNS:
        k, lam = DESIGNS[title]
        more |= {"norm_k": k, "norm_lambda": lam}
    if title == EXACT:
        more["normaliser"] = "exact"
    return Engine("fma_approxnorm", "systolic_ws", (16, 16), **more)


def _contests(stages: int) -> tuple[Contest, Contest]:
    """All five, and without `fma`, which is so slow that its clocks leave the others idle."""
    head = f"cells of {'one stage' if stages == 1 else 'two stages'}"
    five = tuple(Entrant(x, _engine(x, stages=stages)) for x in (*DESIGNS, EXACT, ROUNDING))
    energy = stages == 1  # a register more in all of them moves no ratio that costs minutes
    return (
        Contest(head, five, (EXACT, ROUNDING), energy),
        Contest(f"{head}, without {ROUNDING}", five[:-1], (EXACT,), energy),
    )


def _savings(contest: Contest) -> list[Saving]:
    """What is claimed over exact normalisation; of `fma` the paper says nothing."""
    found = []
    for quantity, claimed in (("area", AREA), ("energy", ENERGY)):
        own = (quantity, contest.title, tuple(DESIGNS))
        if quantity == "energy" and not contest.energy:
            continue
        found.append(Saving(*own, EXACT, claimed, "abs"))
        if ROUNDING in contest.baselines:
            found.append(Saving(*own, ROUNDING))
    return found


_CONTESTS = (*_contests(1), *_contests(2))

PAPER = CellPaper(
    name="fma_approxnorm",
    title="Approximate normalisation in fused multiply-add (arXiv:2408.11997)",
    operands="normal:1",
    contests=_CONTESTS,
    savings=tuple(saving for contest in _CONTESTS for saving in _savings(contest)),
    engines=tuple((title, _engine(title)) for title in (*DESIGNS, EXACT, ROUNDING)),
    lengths=(16, 256, 4096),
    facts=(
        "The paper: bf16, area -16 % and power -13 % on average (abstract), over exact "
        "normalisation; an-k-lambda are its configurations, `exact` its baseline: the same "
        "datapath, normalised by a count of leading zeros. `fma` rounds in every step.",
        "Here: operands bf16, C in fp32, 16 fraction bits of the psum, truncating alignment, B "
        "stationary; all that the paper leaves open stands in `tpe show --pe fma_approxnorm`.",
        "Power at one clock is energy in proportion, so that its claim stands beside energies.",
        "Not modelled: the paper's own datapath, node and clock, which the abstract does not give; "
        "registers that hold B and pass A, 32 a cell, alike in all and in no area here, with which "
        "shares would be smaller; glitches, wires, the clock tree; the accuracy of transformers.",
    ),
)
