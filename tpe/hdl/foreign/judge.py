"""What a user's PE did, against what it should have done, in words and numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tpe.hdl.foreign.bench import Flags, Recorded
from tpe.hdl.foreign.model import Model
from tpe.hdl.foreign.report import Cosimulation, Mismatch
from tpe.hdl.foreign.stimulus import LEAD, Stimulus
from tpe.numbers.operands import Ints

SHOWN = 10  # mismatches that a report holds
_ENOUGH = 8  # wrong results that make what they share worth saying


@dataclass(frozen=True, eq=False)
class Reading:
    """Which cycle is taken for which vector's result, and what is wrong then.

    `when` has -1 for a vector without a result. `stray`: results that no operands asked for.
    """

    when: Ints
    wrong: Flags
    stray: int

    @property
    def mismatches(self) -> int:
        """Wrong or missing results, and stray ones."""
        return int(self.wrong.sum()) + self.stray


@dataclass(frozen=True, eq=False)
class Recording:
    """What was expected of each vector, and what the PE showed in each cycle."""

    model: Model
    stimulus: Stimulus
    expected: Ints
    shown: Ints
    valid: Flags | None  # None: `out_valid` is not mapped

    def at_latency(self, latency: int) -> Reading:
        """Every result so many cycles after its operands."""
        when = self.stimulus.at + latency
        wrong = self.shown[when] != self.expected
        if self.valid is None:
            return Reading(when, wrong, 0)
        rest = self.valid.copy()
        rest[when] = False
        missing = ~self.valid[when]
        stray = int(rest[self.stimulus.at[0] :].sum())
        return Reading(np.where(missing, -1, when), wrong | missing, stray)

    def in_order(self) -> Reading:
        """Result i where `out_valid` rises for the i-th time."""
        assert self.valid is not None
        count = len(self.expected)
        begin = int(self.stimulus.at[0])
        rises = begin + np.flatnonzero(self.valid[begin:])
        when = np.full(count, -1)
        when[: len(rises)] = rises[:count]
        wrong = (when < 0) | (self.shown[when] != self.expected)
        return Reading(when, wrong, max(0, len(rises) - count))


def traced(model: Model, stimulus: Stimulus, shown: Recorded) -> Recording:
    """What was expected and what came; of a PE with `ready`, vectors are where they were taken."""
    valid = shown.valid
    if stimulus.paced:
        assert shown.ready is not None and shown.offered is not None and shown.taken is not None
        at = np.full(len(stimulus.at), -1)
        when = np.flatnonzero(shown.offered & shown.ready)[: len(at)]
        at[: len(when)] = when
        stimulus = replace(stimulus, at=at)
        awake = np.arange(len(shown.out)) >= LEAD  # what reset shows is nothing
        valid = None if valid is None else valid & shown.taken & awake
    return Recording(
        model, stimulus, model.reduced(stimulus.expected), model.reduced(shown.out), valid
    )


def judge(
    base: Cosimulation, model: Model, stimulus: Stimulus, out: Recorded, latest: int
) -> Cosimulation:
    """The report on what the PE showed in each cycle. Latencies from 0 to `latest` are tried."""
    trace = traced(model, stimulus, out)
    if stimulus.paced:
        return paced(base, trace, out, latest)
    best, readings = _best(trace, latest)
    span: tuple[int, int] | None = (best, best)
    chosen = readings[best if base.latency is None else base.latency]
    if trace.valid is not None and readings[best].mismatches:
        ordered = trace.in_order()
        if ordered.mismatches < readings[best].mismatches:
            span = delays(trace, ordered)
            chosen = ordered if base.latency is None else chosen
    elif base.latency is not None and not chosen.mismatches:
        span = (base.latency, base.latency)
    if span == (best, best) and 2 * readings[best].mismatches > len(stimulus.at):
        span = None  # no latency explains the results
    report = _filled(base, trace, chosen, span)
    verdict = _verdict(report, trace, chosen, readings[best].mismatches == 0)
    return replace(report, verdict=verdict)


def _best(trace: Recording, latest: int) -> tuple[int, list[Reading]]:
    readings = [trace.at_latency(x) for x in range(latest + 1)]
    return min(range(latest + 1), key=lambda x: readings[x].mismatches), readings


def least(trace: Recording, latest: int) -> int:
    """Mismatches at the latency with fewest, or in the order of `out_valid`."""
    best, readings = _best(trace, latest)
    ordered = [] if trace.valid is None else [trace.in_order().mismatches]
    return min([readings[best].mismatches, *ordered])


def delays(trace: Recording, reading: Reading) -> tuple[int, int] | None:
    """The fewest and the most cycles from operands to their results."""
    there = (reading.when >= 0) & (trace.stimulus.at >= 0)
    cycles = (reading.when - trace.stimulus.at)[there]
    return (int(cycles.min()), int(cycles.max())) if len(cycles) else None


def _filled(
    base: Cosimulation, trace: Recording, chosen: Reading, span: tuple[int, int] | None
) -> Cosimulation:
    return replace(
        base,
        vectors=len(trace.stimulus.at),
        mismatches=chosen.mismatches,
        latency_found=span[0] if span and span[0] == span[1] else None,
        latency_range=span,
        first=tuple(_mismatches(trace, chosen)),
    )


# ---- with back-pressure ----


def paced(base: Cosimulation, trace: Recording, out: Recorded, latest: int) -> Cosimulation:
    """The report on a PE with `ready`: every vector taken once, every result given once."""
    at = trace.stimulus.at
    if trace.valid is not None:
        reading = _counted(trace, out)
    elif (at < 0).any():
        reading = Reading(np.full(len(at), -1), np.ones(len(at), bool), 0)
    else:
        room = len(out.out) - 1 - int(at[-1])
        found, readings = _best(trace, min(latest, room))
        reading = readings[found if base.latency is None else min(base.latency, room)]
    span = delays(trace, reading)
    late = base.latency is not None and span is not None and span != (base.latency, base.latency)
    report = _filled(base, trace, reading, span)
    if late and trace.valid is not None:
        report = replace(report, mismatches=report.mismatches + 1)
    return replace(report, verdict=_paced_verdict(report, trace, reading, out))


def _counted(trace: Recording, out: Recorded) -> Reading:
    """Result i where the i-th one is taken; a result that moves while it waits is a stray one."""
    assert trace.valid is not None
    count, arrivals = len(trace.expected), np.flatnonzero(trace.valid)
    when = np.full(count, -1)
    when[: len(arrivals)] = arrivals[:count]
    wrong = (when < 0) | (trace.shown[when] != trace.expected) | (trace.stimulus.at < 0)
    return Reading(when, wrong, max(0, len(arrivals) - count) + len(_unsteady(out)))


def _unsteady(out: Recorded) -> Ints:
    """Cycles in which a result that was refused is withdrawn or changes."""
    assert out.valid is not None and out.taken is not None
    refused = out.valid[:-1] & ~out.taken[:-1]
    refused[:LEAD] = False
    moved = ~out.valid[1:] | (out.out[1:] != out.out[:-1])
    return np.flatnonzero(refused & moved)


def _paced_verdict(report: Cosimulation, trace: Recording, reading: Reading, out: Recorded) -> str:
    count, at = f"{report.vectors:,}", trace.stimulus.at
    cycles = f"{len(out.out):,} cycles"
    if report.ok:
        return f"equal: {count} results right at {_at(report)}, none lost or doubled, in {cycles}"
    entered = int((at >= 0).sum())
    parts = []
    if entered < len(at):
        since = int(at.max()) if entered else 0
        parts.append(f"ready stays away after cycle {since}: {entered:,} of {count} operands taken")
    wrong = int(reading.wrong.sum())
    if wrong:
        parts.append(f"{wrong:,} of {count} results wrong or missing")
    elif report.mismatches > reading.mismatches:
        parts.append(f"all {count} results match at {_at(report)}, declared {report.latency}")
    if trace.valid is not None:
        parts += _slip(trace, reading)
        unsteady = _unsteady(out)
        if len(unsteady):
            parts.append(
                f"a refused result changes or is withdrawn {len(unsteady):,} times, first after "
                f"cycle {unsteady[0]}"
            )
    return "; ".join(parts)


def _slip(trace: Recording, reading: Reading) -> list[str]:
    """Whether the first wrong result is one that was lost, or one that came twice."""
    assert trace.valid is not None
    arrivals = np.flatnonzero(trace.valid)
    extra = len(arrivals) - len(trace.expected)
    shown = trace.shown[arrivals]
    wrong = np.flatnonzero(reading.wrong)
    first = int(wrong[0]) if len(wrong) else len(trace.expected)
    named = {1: "is lost", -1: "comes twice"}
    for step, words in named.items():
        here = shown[first : first + _ENOUGH]
        there = trace.expected[first + step : first + step + len(here)]
        if len(here) == _ENOUGH == len(there) and (here == there).all():
            return [f"result {first} {words}" if step > 0 else f"result {first - 1} {words}"]
    if extra > 0:
        return [f"{extra:,} more results than operands"]
    return [f"{-extra:,} results never come"] if extra < 0 else []


def _new(trace: Recording, reading: Reading) -> Flags:
    """Wrong results that are not the echo of an earlier one in the same sum."""
    if not trace.model.sums:
        return reading.wrong
    error = np.where(reading.when < 0, 0, trace.shown[reading.when] - trace.expected)
    before = np.concatenate([[0], error[:-1]])
    before[trace.stimulus.begins] = 0
    new: Flags = reading.wrong & (trace.model.reduced(error - before) != 0)
    return new if new.any() else reading.wrong


def _mismatches(trace: Recording, reading: Reading) -> Iterator[Mismatch]:
    """The first new mismatches; a missing result stands with the cycle of its operands."""
    for i in np.flatnonzero(_new(trace, reading))[:SHOWN]:
        operands: dict[str, int | list[int]] = {}
        for x in trace.model.operands:
            values = [int(v) for v in trace.stimulus.vectors[x.role][i]]
            operands[x.role] = values if x.lanes > 1 else values[0]
        when = int(reading.when[i])
        got = None if when < 0 else int(trace.shown[when])
        cycle = max(0, int(trace.stimulus.at[i])) if when < 0 else when
        yield Mismatch(operands, int(trace.expected[i]), got, cycle)


# ---- in words ----


def _verdict(report: Cosimulation, trace: Recording, reading: Reading, clean: bool) -> str:
    declared, found, count = report.latency, report.latency_found, f"{report.vectors:,}"
    if report.ok:
        return f"equal: {count} results right at {_at(report)}"
    if clean and declared is not None and found is not None:
        off = abs(found - declared)
        size = "one cycle" if off == 1 else f"{off} cycles"
        return f"off by {size}: all {count} results match at latency {found}, declared {declared}"
    parts = [f"{int(reading.wrong.sum()):,} of {count} results wrong"]
    if declared is not None:
        parts[0] += f" at latency {declared}"
    elif report.latency_range is None:
        parts[0] += "; no latency gives most of them"
    else:
        parts[0] += f" at {_at(report)}"
    missing = int((reading.when < 0).sum())
    if missing or reading.stray:
        parts.append(f"out_valid lacks for {missing:,} of them, and {reading.stray:,} are stray")
    parts += _shared(trace, reading)
    if any(_looks_signed(trace, reading, role) for role in report.undeclared):
        types = ", ".join(f"{role}=int{_bits(trace, role)}" for role in report.undeclared)
        parts.append(f"the ports are unsigned: if the operands are not, name types {types}")
    return "; ".join(parts)


def _at(report: Cosimulation) -> str:
    if report.latency_range and report.latency_found is None:
        low, high = report.latency_range
        return f"latency {low} to {high}, by out_valid"
    if report.latency_range is None:
        return "no latency"
    return f"latency {report.latency_found}"


def _shared(trace: Recording, reading: Reading) -> list[str]:
    """What the operands of all wrong results share, if anything."""
    which = np.flatnonzero(_new(trace, reading) & (reading.when >= 0))
    single = [x.role for x in trace.model.operands if x.lanes == 1]
    if len(which) < _ENOUGH:
        return []
    for role in single:
        value, rest = _most_common(trace, role, which)
        if not len(rest):
            return [f"every one has {role} = {value}"]
        for other in single:
            second, none_left = _most_common(trace, other, rest)
            if not len(none_left) and other != role and 4 * len(rest) > len(which):
                return [f"every one has {role} = {value} or {other} = {second}"]
    negative = np.zeros(len(which), bool)
    for values in trace.stimulus.vectors.values():
        negative |= (values[which] < 0).any(axis=1)
    return ["every one has a negative operand"] if negative.all() else []


def _most_common(trace: Recording, role: str, which: Ints) -> tuple[int, Ints]:
    """The value that most of these vectors have, and the vectors that have another."""
    values = trace.stimulus.vectors[role][which, 0]
    found, counts = np.unique(values, return_counts=True)
    value = int(found[counts.argmax()])
    return value, which[values != value]


def _bits(trace: Recording, role: str) -> int:
    return next(x.number.bits for x in trace.model.operands if x.role == role)


def _looks_signed(trace: Recording, reading: Reading, role: str) -> bool:
    """Whether results are wrong mostly where this operand's highest bit is set."""
    high = trace.stimulus.vectors[role].max(axis=1) >> (_bits(trace, role) - 1) & 1
    wrong = reading.wrong
    return bool(wrong.any() and high[wrong].mean() > 0.6)
