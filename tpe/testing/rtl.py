"""What the contract says of RTL: in Verilator it has the model's values and cycles, bit by bit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from tpe.array.base import Array
from tpe.hdl import emit
from tpe.hdl.simulate import cell_cosim, slang
from tpe.hdl.simulate.build import lint
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.elaborate import elaborated
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS, battery
from tpe.model.engine import Engine
from tpe.numbers.operands import as_operands
from tpe.pe.base import PE
from tpe.testing.cases import engine, fitted, operands, right, variants
from tpe.testing.check import Check, of

SIZES = ((1, 1), (2, 3), (4, 1))
FUSED_SIZES = ((1, 1), (2, 1))  # of a PE whose lanes are one sum: all of them are in every cell
RANDOM_STEPS = 20000
Unit = tuple[str, int, int, int]  # primitive, fan-in, copies, bits


def of_array(pe: PE, array: Array) -> Iterator[Check]:
    """Checks of a PE's RTL in an array."""
    subject = f"{pe.name}-{array.name}"
    for run in (reads, cell, engines, inventory):
        yield of(subject, run, pe, array)


def built(pe: PE, array: Array) -> list[dict[str, Any]]:
    """Every choice that has RTL."""
    return [x for x in variants(pe, array) if engine(pe, array, (2, 2), **x).pe.rtl]


def reads(pe: PE, array: Array) -> None:
    """Verilator and slang read every choice without a warning."""
    for choice in built(pe, array):
        modules = emit.rename(emit.engine_modules(engine(pe, array, (2, 2), **choice)), "mine")
        warned = lint(modules, "mine")
        assert warned == "", f"{choice}: {warned}"
        findings = slang.check(modules, "mine")
        assert not findings.errors + findings.warnings, f"{choice}: {findings}"


def cell(pe: PE, array: Array) -> None:
    """One cell on every pair of short operands, and on random steps: frozen, idle, begun anew."""
    e = Engine(pe, array, fitted(pe, array, (1,) * len(array.sides), {}))
    every = e.a_format.sweep()[:, None], e.b_format.sweep()[None, :]
    codes = as_operands(*every, e.a_format, e.b_format, "pairs")
    a, b = (x.ravel() for x in np.broadcast_arrays(*codes))
    steps, index = cell_cosim.steps_of_pairs(e, a, b)
    differs = cell_cosim.rtl_steps(e, steps)[index].sum(axis=1) != right(e, *every).ravel()
    assert not differs.any(), f"{differs.sum()} of {differs.size} products differ"
    disturbed = disturb(e, steps)
    taken = np.flatnonzero(disturbed.en & disturbed.valid)
    shown, expected = cell_cosim.rtl_steps(e, disturbed), cell_cosim.model_steps(e, disturbed)
    wrong = (shown[taken] != expected[taken]).sum()
    assert not wrong, f"{wrong} of {len(taken)} random steps differ"


def disturb(e: Engine, steps: cell_cosim.CellStimulus) -> cell_cosim.CellStimulus:
    """Steps in random order; a third of the cycles frozen, a third without operands."""
    rng = np.random.default_rng(5)
    order = rng.integers(0, len(steps), RANDOM_STEPS)
    plane = steps.plane[order]
    found = replace(
        steps,
        code=steps.code[order],
        b=steps.b[order],
        plane=np.sort(plane) if e.pe.sparse and not e.pe.falling else plane,
        # A sum that is infinite stays so: one that may be begins anew more often.
        first=(rng.random(RANDOM_STEPS) < (0.02 if e.arithmetic.exact else 0.2)).astype(np.int64),
        en=(rng.random(RANDOM_STEPS) < 0.66).astype(np.int64),
        valid=(rng.random(RANDOM_STEPS) < 0.66).astype(np.int64),
    )
    found.first[np.flatnonzero(found.en & found.valid)[0]] = 1
    return found


def engines(pe: PE, array: Array) -> None:
    """Whole engines: every value and every cycle, of several sizes and of every choice."""
    cases: list[Case] = []
    for size in FUSED_SIZES if pe.kernel.fused else SIZES:
        cases += battery(engine(pe, array, size), seed=1)
    for choice in built(pe, array)[1:]:
        e = engine(pe, array, FUSED_SIZES[-1] if pe.kernel.fused else (2, 2), **choice)
        cases += [Case(e, *operands(e, 5, 4, k, seed=k), STALLS) for k in (1, 6, 33)]
    wrong = [
        f"{o.case.engine.name} {o.case.a.shape} {o.case.b.shape}: {o.mismatches} mismatches "
        f"{o.first_mismatch()}, cycles {o.cycles_rtl} in RTL, {o.cycles_model} in the model"
        for o in cosimulate(cases)
        if not o.ok
    ]
    assert not wrong, "\n".join(wrong[:5])


def inventory(pe: PE, array: Array) -> None:
    """What the nest says that the hardware is made of is what elaborates."""
    for choice in built(pe, array):
        e = engine(pe, array, (2, 2), **choice)
        if not e.has_nest:
            continue  # what it is made of is written down nowhere
        units = [unit for unit in e.inventory() if unit.op != "sync" and unit.copies]
        expected = copies_and_widest(
            (u.op, u.fan_in, u.copies, e.pe.built_bits(e.widths, u.op, u.fan_in)) for u in units
        )
        found = elaborated(emit.engine_modules(e), "tpe_engine")
        elaborates = copies_and_widest((x.op, x.fan_in, x.copies, x.bits) for x in found)
        assert elaborates == expected, f"{choice}: {elaborates} in RTL, {expected} in the nest"


def copies_and_widest(units: Iterable[Unit]) -> dict[tuple[str, int], tuple[int, int]]:
    """Copies and greatest width by primitive and fan-in, copies of several widths added up."""
    total: dict[tuple[str, int], tuple[int, int]] = {}
    for op, fan_in, copies, bits in units:
        before, widest = total.get((op, fan_in), (0, 0))
        total[op, fan_in] = (before + copies, max(widest, bits))
    return total
