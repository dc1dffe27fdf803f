"""Rewrites of a nest: each keeps the value A @ B, and raises `TpeError` where it lacks its licence.

The licence of a rewrite is one of the two facts a primitive declares (`Op.needs`, `Op.linear`) or
the well-formedness of the nest it makes. A rewrite's docstring reads `before -> after`; in it
"half" stands for half_reduce. Source: arXiv:2503.06342, whose OPT1 to OPT4 are the chains below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import takewhile

from tpe.base.errors import TpeError, unknown
from tpe.nest.notation import (
    ACCUMULATE,
    ADD,
    BW,
    ENCODE,
    HALF_REDUCE,
    MAP,
    SHIFT,
    SPACE,
    SPARSE,
    SPARSE_OP,
    SYNC,
    TIME,
    Dim,
    Dims,
    K,
    Loop,
    M,
    N,
    Nest,
    Op,
    Step,
    letters,
)

# ---- moving a linear op across a sum ----


def defer(nest: Nest, op: Op, past: Dim) -> Nest:
    """sum_k op(x_k)  ->  op(sum_k x_k)

    The op then runs once per sum instead of once per term. What is summed before an `add` is
    summed as pairs, so that sum becomes a half_reduce; adjacent half_reduces are one tree. Raises
    if op is not linear, needs `past`, or no sum over `past` follows it.

    >>> from tpe.nest.notation import mac, tile
    >>> [step.op.name for step in defer(mac(*tile(8, 8, 4)), ADD, past=K).steps]
    ['encode', 'map', 'shift', 'half_reduce', 'add']
    """
    _licence_linear("defer", op, "past", past)
    i, j = nest.index(op), _sum_over(nest, past)
    if j is None or j < i:
        raise TpeError(f"cannot defer {op.name} past {past.name}: no sum over it follows")
    between = nest.steps[i + 1 : j]
    # The op slides down over other linear ops; the sum is pulled up over what then still lies
    # between, which is sums over other dims: sums commute.
    slid = tuple(takewhile(lambda step: not step.sums, between))
    crossed = between[len(slid) :]
    moved, total = nest.steps[i], nest.steps[j]
    as_pairs = op == ADD or any(step.op == ADD for step in crossed)
    early_op = HALF_REDUCE if as_pairs else total.op
    early = Step(early_op, moved.over - {past}, sums=Dims({past}))
    late = (replace(total, sums=total.sums - {past}),) if total.sums != {past} else ()
    steps = (
        *nest.steps[:i],
        *slid,
        early,
        replace(moved, over=moved.over - {past}),
        *(replace(step, over=step.over - {past}) for step in crossed),
        *late,
        *nest.steps[j + 1 :],
    )
    return replace(nest, steps=_fuse(steps))


def advance(nest: Nest, op: Op, before: Dim) -> Nest:
    """op(sum_b x_b)  ->  sum_b op(x_b), the inverse of `defer`

    half{k,b} add         ->  half{k} add accumulate{b}
    half{k} shift half{b} add  ->  half{k} add shift accumulate{b}

    An `add` lands directly behind the half_reduce that leaves its pair, ahead of a shift: a pair
    is exact only modulo its width, so it is resolved before anything widens it. Raises if op is
    not linear, needs `before`, does not follow a sum over `before`, or would meet words.
    """
    _licence_linear("advance", op, "before", before)
    j = nest.index(op)
    t = next((i for i in reversed(range(j)) if nest.steps[i].sums), None)
    if t is None or before not in nest.steps[t].sums:
        raise TpeError(
            f"cannot advance {op.name} before {before.name}: the sum ahead of it is not over "
            f"{before.name}"
        )
    steps = _advance_add(nest, j, t, before) if op == ADD else _advance_other(nest, j, t)
    return replace(nest, steps=_fuse(steps))


def _advance_add(nest: Nest, j: int, t: int, before: Dim) -> tuple[Step, ...]:
    add, tree, behind = nest.steps[j], nest.steps[t], nest.steps[t + 1 : j]
    words = Step(ACCUMULATE, tree.over, sums=Dims({before}))
    if tree.sums != {before}:
        over = tree.over | {before}
        early = replace(tree, over=over, sums=tree.sums - {before})
        middle = (early, replace(add, over=over), words)
        return (*nest.steps[:t], *middle, *behind, *nest.steps[j + 1 :])
    p = next((i for i in reversed(range(t)) if nest.steps[i].op == HALF_REDUCE), None)
    if p is None or nest.entering(t) != "pair":
        raise TpeError(
            f"cannot advance add before {before.name}: {nest.entering(t)}s enter that sum, so no "
            "pair is there to resolve"
        )
    early_add = replace(add, over=nest.steps[p].over)
    head = (*nest.steps[: p + 1], early_add, *nest.steps[p + 1 : t])
    return (*head, words, *behind, *nest.steps[j + 1 :])


def _advance_other(nest: Nest, j: int, t: int) -> tuple[Step, ...]:
    moved, total, behind = nest.steps[j], nest.steps[t], nest.steps[t + 1 : j]
    early = replace(moved, over=moved.over | total.sums)
    return (*nest.steps[:t], early, total, *behind, *nest.steps[j + 1 :])


def _licence_linear(verb: str, op: Op, word: str, dim: Dim) -> None:
    if not op.linear:
        raise TpeError(f"cannot {verb} {op.name} {word} {dim.name}: {op.name} is not linear")
    if dim in op.needs:
        raise TpeError(f"cannot {verb} {op.name} {word} {dim.name}: its result depends on it")


def _sum_over(nest: Nest, dim: Dim) -> int | None:
    return next((i for i, step in enumerate(nest.steps) if dim in step.sums), None)


def _fuse(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """half{b} half{k}  ->  half{b,k}: adjacent half_reduces are one compressor tree."""
    out: list[Step] = []
    for step in steps:
        last = out[-1] if out else None
        if last and step.op == last.op == HALF_REDUCE and step.shared == last.shared:
            step = replace(step, sums=step.sums | out.pop().sums)
        out.append(step)
    return tuple(out)


# ---- sharing hardware ----


def hoist(nest: Nest, op: Op, out_of: Dim) -> Nest:
    """for n: op(a)  ->  op(a); for n: ...

    One op serves every n in space. Raises if its result or its input depends on `out_of`; `sparse`
    reads digits, so encode is hoisted before it.
    """
    i = nest.index(op)
    refused = f"cannot hoist {op.name} out of {out_of.name}"
    if out_of in op.needs:
        raise TpeError(f"{refused}: its result depends on it")
    if i >= nest.index(MAP):
        raise TpeError(f"{refused}: the {nest.entering(i)}s it takes depend on what map does")
    if out_of not in nest.steps[i].over:
        raise TpeError(f"{refused}: it is outside already")
    if op == SPARSE_OP and out_of in nest.steps[nest.index(ENCODE)].over:
        raise TpeError(f"{refused}: its digits are encoded inside it; hoist encode first")
    return _with_step(nest, i, replace(nest.steps[i], over=nest.steps[i].over - {out_of}))


def store(nest: Nest, op: Op) -> Nest:
    """op(a)  ->  results of op, stored beforehand

    The op then has no hardware. Raises if its result or its input is not known before the run: it
    must need M and K alone and stand outside of N.
    """
    i = nest.index(op)
    step = nest.steps[i]
    if not op.needs <= {M, K} or i >= nest.index(MAP):
        raise TpeError(f"cannot store {op.name}: its result depends on more than one operand")
    if N in step.over:
        raise TpeError(f"cannot store {op.name}: it runs for every n; hoist it out of N first")
    return _with_step(nest, i, replace(step, stored=True))


def encode_in(nest: Nest, where: str) -> Nest:
    """cell: for n: encode(a)  ->  edge: encode(a); for n: ...  ->  stored: for n: ..."""
    if where == "cell":
        return nest
    hoisted = hoist(nest, ENCODE, out_of=N)
    return store(hoisted, ENCODE) if where == "stored" else hoisted


def share(nest: Nest, op: Op, along: Dim) -> Nest:
    """space m: op(c)  ->  one op; for m in turn: op(c)

    One copy serves the PEs along M or N one after another while a tile drains. Licence: the op
    runs after the sum over K, which takes time, so its copies idle meanwhile.
    """
    refused = f"cannot share {op.name} along {along.name}"
    nest.index(op)  # named in an error if absent
    found = [i for i, s in enumerate(nest.steps) if s.op == op and K not in nest.remaining(i)]
    if not found:
        raise TpeError(f"{refused}: it runs at every k, so its copies are all busy at once")
    if not nest.has(K, TIME, SPARSE):
        raise TpeError(f"{refused}: the sum over K takes one cycle, so its copies are always busy")
    i = found[-1]
    step = nest.steps[i]
    if along not in step.over & {M, N}:
        raise TpeError(f"{refused}: legal: {letters(step.over & {M, N})}")
    if along in step.shared:
        raise TpeError(f"{refused}: it is shared already")
    if not nest.has(along, SPACE):
        raise TpeError(f"{refused}: {along.name} has no space loop, so there is one copy already")
    return _with_step(nest, i, replace(step, shared=step.shared | {along}))


def _with_step(nest: Nest, index: int, step: Step) -> Nest:
    return replace(nest, steps=(*nest.steps[:index], step, *nest.steps[index + 1 :]))


# ---- trading space for time ----


def serialise(nest: Nest, dim: Dim) -> Nest:
    """space bw(T)  ->  time bw(T), outermost of the loops that are summed

    space d(T), time d(U)  ->  time d(T * U), where the time loop was

    M and N go outermost of all. Raises if `dim` has no space loop, or if its sum is taken inside
    a sum that would then run inside it (BW of the plain MAC, summed for every k).
    """
    if not nest.has(dim, SPACE):
        raise TpeError(f"cannot serialise {dim.name}: it has no space loop")
    serial = Loop(dim, nest.trips({dim}, SPACE, TIME), TIME)
    loops = [loop for loop in nest.loops if loop.dim is not dim or loop.place is not SPACE]
    places = [i for i, loop in enumerate(loops) if loop.dim is dim and loop.place is TIME]
    if places:
        loops[places[0]] = serial
        return replace(nest, loops=tuple(loops))
    summed = [i for i, loop in enumerate(loops) if loop.dim in (K, BW)]
    at = min(summed, default=len(loops)) if dim in (K, BW) else 0
    return replace(nest, loops=(*loops[:at], serial, *loops[at:]))


def split(nest: Nest, dim: Dim, factor: int) -> Nest:
    """time k(T)  ->  time k(ceil(T / factor)), space k(factor)

    A factor of 1 changes nothing. Raises if `dim` has no time loop to split, or factor < 1.
    """
    if not isinstance(factor, int) or factor < 1:
        raise TpeError(f"cannot split {dim.name} by {factor!r}; legal: an integer of 1 or more")
    if not nest.has(dim, TIME):
        others = [loop.place.value for loop in nest.loops if loop.dim is dim]
        raise TpeError(
            f"cannot split {dim.name}: no time loop over it (its loops: {', '.join(others) or '-'})"
        )
    if factor == 1:
        return nest
    spatial = Loop(dim, nest.trips({dim}, SPACE) * factor, SPACE)
    loops: list[Loop] = []
    for loop in nest.loops:
        if loop.dim is dim and loop.place is TIME:
            loop = replace(loop, trips=-(-loop.trips // factor))
        loops.append(spatial if loop.dim is dim and loop.place is SPACE else loop)
    if spatial not in loops:  # a new loop, inside all others but the sparse one
        at = next((i for i, loop in enumerate(loops) if loop.place is SPARSE), len(loops))
        loops.insert(at, spatial)
    return replace(nest, loops=tuple(loops))


def skip_zeros(nest: Nest, dim: Dim, group: int) -> Nest:
    """time k(T)  ->  time k(ceil(T / group)), sparse k(group)

    encode ... ->  encode sparse ... sync: only non-zero digits of a group of consecutive k take a
    cycle, at least one per group; lanes, one per row of M, meet at `sync` once per output tile.
    Licence: a zero digit adds nothing, and one digit runs at a time, so BW is not in space.
    """
    refused = f"cannot skip zeros of {dim.name}"
    if dim is not K:
        raise TpeError(f"{refused}: digits are skipped along K, within one bit weight")
    if not isinstance(group, int) or group < 1:
        raise TpeError(f"{refused} in groups of {group!r}; legal: an integer of 1 or more")
    if nest.sparse:
        raise TpeError(f"{refused}: they are skipped already")
    if not nest.has(K, TIME):
        raise TpeError(f"{refused}: no time loop over it, so a skipped digit saves no cycle")
    if nest.has(BW, SPACE):
        raise TpeError(
            f"{refused}: BW is in space, so all digits take the same cycle; serialise it"
        )
    loops = tuple(
        replace(loop, trips=-(-loop.trips // group))
        if (loop.dim, loop.place) == (K, TIME)
        else loop
        for loop in nest.loops
    )
    i = nest.index(ENCODE) + 1
    sparse = Step(SPARSE_OP, nest.steps[i - 1].over | {BW})
    steps = (*nest.steps[:i], sparse, *nest.steps[i:], Step(SYNC, Dims({M})))
    return replace(nest, loops=(*loops, Loop(K, group, SPARSE)), steps=steps)


# ---- the paper's optimisations, each a chain ----


def opt1(nest: Nest) -> Nest:
    """accumulate{k}(add(half{bw}))  ->  add(half{bw,k}): carry-save accumulation."""
    return defer(nest, ADD, past=K)


def opt2(nest: Nest, kp: int = 1) -> Nest:
    """half{bw,k}(shift)  ->  half{bw}(shift(half{k})), kp of k in space: same-bit-weight trees."""
    return split(defer(opt1(nest), SHIFT, past=K), K, kp)


def opt3(nest: Nest, group: int = 4, lanes: int = 1) -> Nest:
    """space bw, time k  ->  time bw, sparse k: a non-zero digit a cycle; `lanes` of k in space."""
    resolved = advance(serialise(opt2(nest, lanes), BW), ADD, before=BW)
    return skip_zeros(resolved, K, group)


def opt4(nest: Nest, group: int = 4, lanes: int = 1) -> Nest:
    """for n: encode, sparse  ->  encode, sparse; for n: ... OPT4C; with lanes = 4, OPT4E."""
    encoded = hoist(opt3(nest, group, lanes), ENCODE, out_of=N)
    return hoist(encoded, SPARSE_OP, out_of=N)


# ---- everything within reach ----


def reachable(nest: Nest, depth: int) -> dict[Nest, tuple[str, ...]]:
    """Every nest at most `depth` single rewrites away, with a shortest path to it; `nest` has ().

    Splits K by 2, 4 and 8 and skips zeros in groups of 4. Breadth first: 4 steps from the MAC are
    some hundreds of nests, 5 some thousands.

    >>> from tpe.nest.notation import mac, tile
    >>> paths = reachable(mac(*tile(8, 8, 4)), depth=2)
    >>> paths[opt2(mac(*tile(8, 8, 4)))]
    ('defer(shift, past=K)',)
    """
    if depth < 0:
        raise TpeError(f"depth = {depth}; legal: 0 or more")
    paths: dict[Nest, tuple[str, ...]] = {nest: ()}
    frontier = [nest]
    for _ in range(depth):
        found: list[Nest] = []
        for start in frontier:
            for label, after in _single_rewrites(start):
                if after not in paths:
                    paths[after] = (*paths[start], label)
                    found.append(after)
        frontier = found
    return paths


def rewritten(nest: Nest, labels: Sequence[str]) -> Nest:
    """A nest after rewrites in turn, by the labels of `reachable`; TpeError for one that is none.

    >>> from tpe.nest.notation import mac, tile
    >>> rewritten(mac(*tile(8, 8, 4)), ["defer(add, past=K)"]) == opt1(mac(*tile(8, 8, 4)))
    True
    """
    known = dict(_CANDIDATES)
    for label in labels:
        if label not in known:
            raise unknown("rewrite", label, known)
        nest = known[label](nest)
    return nest


def _single_rewrites(nest: Nest) -> Iterator[tuple[str, Nest]]:
    for label, rewrite in _CANDIDATES:
        try:
            yield label, rewrite(nest)
        except TpeError:  # not licensed here
            continue


def _candidates() -> Iterator[tuple[str, Callable[[Nest], Nest]]]:
    for op in (ADD, SHIFT):
        for dim in (K, BW):
            yield f"defer({op.name}, past={dim.name})", partial(defer, op=op, past=dim)
            yield f"advance({op.name}, before={dim.name})", partial(advance, op=op, before=dim)
    for op in (ENCODE, SPARSE_OP):
        yield f"hoist({op.name}, out_of=N)", partial(hoist, op=op, out_of=N)
    for op in (SHIFT, HALF_REDUCE, ADD, ACCUMULATE):
        for dim in (M, N):
            yield f"share({op.name}, along={dim.name})", partial(share, op=op, along=dim)
    yield "store(encode)", partial(store, op=ENCODE)
    for dim in Dim:
        yield f"serialise({dim.name})", partial(serialise, dim=dim)
    for factor in (2, 4, 8):
        yield f"split(K, {factor})", partial(split, dim=K, factor=factor)
    yield "skip_zeros(K, group=4)", partial(skip_zeros, dim=K, group=4)


_CANDIDATES = tuple(_candidates())
