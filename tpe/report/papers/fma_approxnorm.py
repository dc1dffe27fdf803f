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
EXACT, NONE, ROUNDING = "exact", "none", "fma"
TITLES = (*DESIGNS, EXACT, NONE, ROUNDING)
AREA, ENERGY = 0.16, 0.13


def _engine(title: str, **more: Any) -> Engine:
    if title == ROUNDING:
        return Engine("fma", "systolic_ws", (16, 16), **more)
    if title in DESIGNS:
        k, lam = DESIGNS[title]
        more |= {"norm_k": k, "norm_lambda": lam}
    if title in (EXACT, NONE):
        more["normaliser"] = title
    return Engine("fma_approxnorm", "systolic_ws", (16, 16), **more)


def _contests(stages: int) -> tuple[Contest, Contest]:
    """All, and all but `fma`, at whose clocks the others are far from their own."""
    head = f"cells of {'one stage' if stages == 1 else 'two stages'}"
    every = tuple(Entrant(x, _engine(x, stages=stages)) for x in TITLES)
    energy = stages == 1  # a register more in all of them moves no ratio that costs minutes
    return (
        Contest(head, every, (EXACT, ROUNDING), energy),
        Contest(f"{head}, without {ROUNDING}", every[:-1], (EXACT,), energy),
    )


def _savings(contest: Contest) -> list[Saving]:
    """What is claimed over exact normalisation; of the others the paper says nothing."""
    found = []
    for quantity, claimed in (("area", AREA), ("energy", ENERGY)):
        if quantity == "energy" and not contest.energy:
            continue
        found.append(Saving(quantity, contest.title, tuple(DESIGNS), EXACT, claimed, "abs"))
        found.append(Saving(quantity, contest.title, (NONE,), EXACT))
        if ROUNDING in contest.baselines:
            found.append(Saving(quantity, contest.title, tuple(DESIGNS), ROUNDING))
    return found


_CONTESTS = (*_contests(1), *_contests(2))

PAPER = CellPaper(
    name="fma_approxnorm",
    title="Approximate normalisation in fused multiply-add (arXiv:2408.11997)",
    operands="normal:1",
    contests=_CONTESTS,
    savings=tuple(saving for contest in _CONTESTS for saving in _savings(contest)),
    engines=tuple((title, _engine(title)) for title in TITLES),
    lengths=(16, 256, 4096),
    facts=(
        "The paper: bf16, area -16 % and power -13 % on average (abstract), over exact "
        "normalisation; an-k-lambda are its configurations, `exact` its baseline: the same "
        "datapath, normalised by a count of leading zeros.",
        "`none` has no normaliser: what it saves is the most that a cheaper one could. `fma` "
        "rounds in every step.",
        "Here: operands bf16, C in fp32, 16 fraction bits of the psum, truncating alignment, B "
        "stationary; all that the paper leaves open stands in `tpe show --pe fma_approxnorm`.",
        "Power at one clock is energy in proportion, so that its claim stands beside energies: of "
        "cells of one stage in an array of 4x4, 16 products to a sum.",
        "Not modelled: the paper's own datapath, node and clock, which the abstract does not give; "
        "registers that hold B and pass A, 32 a cell, alike in all and in no area here, with which "
        "shares would be smaller; glitches, wires, the clock tree; the accuracy of transformers.",
    ),
)
