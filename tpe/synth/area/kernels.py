"""The timer's loops: loads, the order of gates, arrivals and slews, setup at the ends.

Arrivals stand by net in six columns: class * 2 + edge, where a class is what launched the edge: a
flip-flop before an input, one inside at the clock's rise, one inside at its fall.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tpe.base.jit import kernel
from tpe.synth.area.packed import Cells, Floats, Ints, Tables

CLASSES = 3
NEVER = -1e30  # the arrival of an edge that does not come
COMB, LAUNCH = 0, 1 << 20  # of a winner: (arc * 2 + edge in), launches above all others
POSITIVE_CLOCK, NEGATIVE_CLOCK = 1, 2


@kernel()
def locate(t: Tables, axis: int, at: float) -> tuple[int, int, float]:
    """(the points of an axis that a value lies between, how far along), beyond 0..1 outside."""
    if axis < 0:
        return 0, 0, 0.0
    n = t.axis_length[axis]
    if n == 1:
        return 0, 0, 0.0
    first = t.axis_start[axis]
    i = 0
    while i < n - 2 and at >= t.points[first + i + 1]:
        i += 1
    low = t.points[first + i]
    return i, i + 1, (at - low) / (t.points[first + i + 1] - low)


@kernel()
def between(t: Tables, table: int, i: int, i1: int, u: float, j: int, j1: int, v: float) -> float:
    """A table at a place among its points."""
    start = t.start[table]
    y = t.y[table]
    width = t.axis_length[y] if y >= 0 else 1
    near, far = start + i * width, start + i1 * width
    values = t.values
    low = values[near + j] * (1.0 - v) + values[near + j1] * v
    high = values[far + j] * (1.0 - v) + values[far + j1] * v
    found: float = low * (1.0 - u) + high * u
    return found


@kernel()
def at(t: Tables, table: int, x: float, y: float) -> float:
    """A table at (slew, load) or (related, constrained)."""
    i, i1, u = locate(t, t.x[table], x)
    j, j1, v = locate(t, t.y[table], y)
    return between(t, table, i, i1, u, j, j1, v)


@kernel()
def both(t: Tables, delay: int, slew: int, x: float, y: float) -> tuple[float, float]:
    """(delay, slew) of two tables, mostly over the same axes; no table of slew: 0."""
    i, i1, u = locate(t, t.x[delay], x)
    j, j1, v = locate(t, t.y[delay], y)
    first = between(t, delay, i, i1, u, j, j1, v)
    if slew < 0:
        return first, 0.0
    if t.x[slew] != t.x[delay]:
        i, i1, u = locate(t, t.x[slew], x)
    if t.y[slew] != t.y[delay]:
        j, j1, v = locate(t, t.y[slew], y)
    return first, max(0.0, between(t, slew, i, i1, u, j, j1, v))


@kernel()
def loads(c: Cells, kinds: Ints, pins: Ints, pin_from: Ints, count: int) -> tuple[Floats, Ints]:
    """What pins weigh on every net (count, 2), of a rise and of a fall, fF; how many inputs."""
    load = np.zeros((count, 2))
    fanout = np.zeros(count, np.int64)
    for g in range(len(kinds)):
        first = c.pin_from[kinds[g]]
        for p in range(pin_from[g], pin_from[g + 1]):
            net = pins[p]
            if net >= 0:
                own = first + p - pin_from[g]
                load[net, 0] += c.weights[own, 0]
                load[net, 1] += c.weights[own, 1]
                fanout[net] += c.inputs[own]
    return load, fanout


@kernel()
def wire_ns(c: Cells, wire: Floats, kind: int, pin: int, net: int, edge: int) -> float:
    """What an edge takes along a net's wire to one of its sinks: Elmore's delay, a branch each.

    A row of `wire` is (kohm, fF) of a sink's branch.
    """
    own = c.pin_from[kind] + pin
    found: float = wire[net, 0] * (wire[net, 1] + c.weights[own, edge]) * 1e-3
    return found


@kernel()
def drivers(c: Cells, kinds: Ints, pins: Ints, pin_from: Ints, count: int) -> tuple[Ints, int]:
    """(the gate that drives each net, -1 for none; a gate whose output another drives, or -1)."""
    driver = np.full(count, -1, np.int64)
    by = np.full(count, -1, np.int64)
    for g in range(len(kinds)):
        k, first = kinds[g], pin_from[g]
        for a in range(c.delay_from[k], c.delay_from[k + 1]):
            place = first + c.delays[a, 1]
            net = pins[place]
            if net >= 0:
                if by[net] >= 0 and by[net] != place:
                    return driver, g
                driver[net], by[net] = g, place
        for a in range(c.launch_from[k], c.launch_from[k + 1]):
            place = first + c.launches[a, 1]
            net = pins[place]
            if net >= 0:
                if by[net] >= 0 and by[net] != place:
                    return driver, g
                driver[net], by[net] = g, place
    return driver, -1


@kernel()
def ordered(c: Cells, kinds: Ints, pins: Ints, pin_from: Ints, driver: Ints) -> tuple[Ints, Ints]:
    """(gates, each behind those that its paths come from; how many each still waits for).

    A gate in a loop, or behind one, is not among the first and waits for some.
    """
    gates = len(kinds)
    waits = np.zeros(gates, np.int64)
    start = np.zeros(gates + 1, np.int64)
    for g in range(gates):  # every arc is an edge from its source's driver, if any
        k = kinds[g]
        for a in range(c.delay_from[k], c.delay_from[k + 1]):
            net = pins[pin_from[g] + c.delays[a, 0]]
            if net >= 0 and driver[net] >= 0 and pins[pin_from[g] + c.delays[a, 1]] >= 0:
                start[driver[net] + 1] += 1
                waits[g] += 1
    for g in range(gates):
        start[g + 1] += start[g]
    fill = start[:-1].copy()
    behind = np.zeros(start[gates], np.int64)
    for g in range(gates):
        k = kinds[g]
        for a in range(c.delay_from[k], c.delay_from[k + 1]):
            net = pins[pin_from[g] + c.delays[a, 0]]
            if net >= 0 and driver[net] >= 0 and pins[pin_from[g] + c.delays[a, 1]] >= 0:
                behind[fill[driver[net]]] = g
                fill[driver[net]] += 1
    order, stack = np.zeros(gates, np.int64), np.zeros(gates, np.int64)
    done = ready = 0
    for g in range(gates):
        if waits[g] == 0:
            stack[ready] = g
            ready += 1
    while ready > 0:  # the last first: what stands together in memory is met together
        ready -= 1
        g = stack[ready]
        order[done] = g
        done += 1
        for e in range(start[g], start[g + 1]):
            waits[behind[e]] -= 1
            if waits[behind[e]] == 0:
                stack[ready] = behind[e]
                ready += 1
    return order[:done], waits


@kernel()
def clocked(
    c: Cells, kinds: Ints, pins: Ints, pin_from: Ints, order: Ints, clock: int, count: int
) -> Ints:
    """Of every net how it follows the clock: 1 as it is, 2 inverted, 3 both ways, 0 not."""
    follows = np.zeros(count, np.int64)
    follows[clock] = 1
    for g in order:
        k, first = kinds[g], pin_from[g]
        for a in range(c.delay_from[k], c.delay_from[k + 1]):
            source, sink = pins[first + c.delays[a, 0]], pins[first + c.delays[a, 1]]
            if source < 0 or sink < 0 or follows[source] == 0:
                continue
            way, edges = follows[source], c.delays[a, 2]
            if edges & 0b1001:
                follows[sink] |= way
            if edges & 0b0110:
                follows[sink] |= (way >> 1) | (way & 1) << 1
    return follows


@kernel()
def propagate(
    c: Cells,
    t: Tables,
    kinds: Ints,
    pins: Ints,
    pin_from: Ints,
    roles: Ints,
    order: Ints,
    load: Floats,
    wire: Floats,
    follows: Ints,
    clock_slew: float,
) -> tuple[Floats, Floats, Ints]:
    """(arrivals, slews, winners) by net: the latest edge of each class, the worst slew of any."""
    count = len(load)
    arrival = np.full((count, 2 * CLASSES), NEVER)
    slew = np.zeros((count, 2))
    winner = np.full((count, 2 * CLASSES), -1, np.int64)
    for g in order:
        k, first = kinds[g], pin_from[g]
        for a in range(c.launch_from[k], c.launch_from[k + 1]):
            sink, clock = pins[first + c.launches[a, 1]], pins[first + c.launches[a, 0]]
            if sink < 0 or clock < 0:
                continue
            falling, way = c.launches[a, 2], follows[clock]
            x = clock_slew if way > 0 else slew[clock, falling]
            late = falling if way == 1 else 1 - falling
            column = 0 if roles[g] == 1 else 2 + 2 * late
            for e in range(2):
                table = c.launch_tables[a, e]
                if table < 0:
                    continue
                d, s = both(t, table, c.launch_slews[a, e], x, load[sink, e])
                slew[sink, e] = max(slew[sink, e], s)
                if way > 0 and d > arrival[sink, column + e]:
                    arrival[sink, column + e] = d
                    winner[sink, column + e] = LAUNCH + a
        for a in range(c.delay_from[k], c.delay_from[k + 1]):
            source, sink = pins[first + c.delays[a, 0]], pins[first + c.delays[a, 1]]
            if source < 0 or sink < 0:
                continue
            for e in range(2):
                table, slews = c.delay_tables[a, e], c.delay_slews[a, e]
                if table < 0:
                    continue
                for i in range(2):
                    bit = 1 << (2 * i + e)
                    if not c.delays[a, 3] & bit:
                        continue
                    d, s = both(t, table, slews, slew[source, i], load[sink, e])
                    d += wire_ns(c, wire, k, c.delays[a, 0], source, i)
                    slew[sink, e] = max(slew[sink, e], s)
                    if not c.delays[a, 2] & bit:
                        continue
                    for column in range(0, 2 * CLASSES, 2):
                        at_source = arrival[source, column + i]
                        if at_source > NEVER and at_source + d > arrival[sink, column + e]:
                            arrival[sink, column + e] = at_source + d
                            winner[sink, column + e] = 2 * a + i
    return arrival, slew, winner


@kernel()
def ends(
    c: Cells,
    t: Tables,
    kinds: Ints,
    pins: Ints,
    pin_from: Ints,
    roles: Ints,
    arrival: Floats,
    slew: Floats,
    wire: Floats,
    follows: Ints,
    clock_slew: float,
) -> tuple[Floats, Ints, int]:
    """(period, length; where each ends; a gate whose data is a clock, or -1) by kind of path.

    Kinds in the order of `path.KINDS`; `length` is that of the path which sets the period, setup
    time and all: half a period, between opposite edges of the clock. An end is (gate, setup arc,
    column of the arrival).
    """
    period = np.full((4, 2), NEVER)
    where = np.full((4, 3), -1, np.int64)
    for g in range(len(kinds)):
        k, first = kinds[g], pin_from[g]
        for a in range(c.setup_from[k], c.setup_from[k + 1]):
            data, clock = pins[first + c.setups[a, 0]], pins[first + c.setups[a, 1]]
            if data < 0 or clock < 0 or follows[clock] == 0:
                continue
            if follows[data] > 0 or follows[clock] == 3:
                return period, where, g
            falling = c.setups[a, 2]
            captured = falling if follows[clock] == 1 else 1 - falling
            for e in range(2):
                table = c.setup_tables[a, e]
                if table < 0:
                    continue
                setup = at(t, table, clock_slew, slew[data, e])
                setup += wire_ns(c, wire, k, c.setups[a, 0], data, e)
                for column in range(CLASSES):
                    came = arrival[data, 2 * column + e]
                    if came <= NEVER:
                        continue
                    launched = 1 if column == 2 else 0
                    length = came + setup
                    needed = length * (1.0 if launched == captured else 2.0)
                    kind = (1 if column == 0 else 0) + (2 if roles[g] == 2 else 0)
                    if needed > period[kind, 0]:
                        period[kind, 0], period[kind, 1] = needed, length
                        where[kind, 0], where[kind, 1] = g, a
                        where[kind, 2] = 2 * column + e
    return period, where, -1


def prepare() -> tuple[Any, ...]:
    """The kernels, compiled."""
    from tpe.base.jit import compiled

    kernels = (loads, drivers, ordered, clocked, propagate, ends)
    return tuple(compiled(one) for one in kernels)
