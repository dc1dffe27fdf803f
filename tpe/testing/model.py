"""What the contract says of a model alone: exact values, cycles that add up, a record in order."""

from __future__ import annotations

import pickle
from collections.abc import Iterator

import numpy as np

from tpe import array as arrays
from tpe.array.base import TERMS, Array
from tpe.base.jit import compiled
from tpe.nest.readings import evaluate
from tpe.numbers.digits import encoding
from tpe.pe.base import PE
from tpe.pe.parameters import ENCODERS
from tpe.testing.cases import engine, fits, operands, right, types_for, variants, wrapped
from tpe.testing.check import Check, of

CELLS, LANES = 5, 7  # of the check on lanes


def of_pe(pe: PE) -> Iterator[Check]:
    """Checks of a PE by itself."""
    yield of(pe.name, record, pe)
    yield of(pe.name, lanes, pe)


def of_array(pe: PE, array: Array) -> Iterator[Check]:
    """Checks of a PE in an array."""
    subject = f"{pe.name}-{array.name}"
    for run in (values, types, cycles):
        yield of(subject, run, pe, array)


def record(pe: PE) -> None:
    """The record says what it is, and travels between processes."""
    assert pe.title and len(pe.title.split()) <= 5, f"title: {pe.title!r}; legal: one to five words"
    assert pe.source, "source is empty; legal: where the PE is described"
    assert pickle.loads(pickle.dumps(pe)) == pe, "it is not the same after pickling"
    names = [parameter.name for parameter in pe.parameters]
    assert len(set(names)) == len(names), f"parameters {names}: a name twice"
    for parameter in pe.parameters:
        assert parameter.default in parameter.legal, f"{parameter.name}: default is not legal"


def lanes(pe: PE) -> None:
    """A step of many lanes is as many steps of one, if it is not fused: drivers rely on it."""
    array = _any_array(pe)
    for choice in variants(pe, array):
        e = engine(pe, array, (1, 1), **choice)
        kernel, widths = e.pe.kernel, e.widths
        facts = kernel.facts(widths, ENCODERS[e.encoder])
        step = compiled(kernel.step)
        rng = np.random.default_rng(0)
        codes, b = (
            np.array(number.read(number.drawn(rng, (LANES, CELLS)), "lanes", "lanes", "type"))
            for number in e.encoded_formats()
        )
        if e.pe.digit_serial:
            codes = encoding(e.encoder).encode(codes, widths.a).astype(np.int64)[..., 0].copy()
        together, apart = np.zeros((2, len(kernel.psum.words(widths)), CELLS), np.int64)
        if kernel.fused:  # lanes that a step has no operands for are zero
            codes, b = codes[: widths.lanes], b[: widths.lanes]
            rest = np.zeros((widths.lanes - len(b), CELLS), np.int64)
            step(np.concatenate([codes, rest]), np.concatenate([b, rest]), 0, apart, facts)
        step(codes, b, 0, together, facts)
        for lane in () if kernel.fused else range(LANES):
            step(codes[lane : lane + 1], b[lane : lane + 1], 0, apart, facts)
        assert (together == apart).all(), f"{choice}: psums differ"


def values(pe: PE, array: Array) -> None:
    """Every pair of short operands, and sums of them, by the kernel and by the fast path."""
    e = engine(pe, array, (4, 4))
    words = e.arithmetic.words
    every = e.a_format.sweep()[:, None], e.b_format.sweep()[None, :]
    differs = words(e.run(*every, values="bits").C) != right(e, *every)
    assert not differs.any(), f"{differs.sum()} of {differs.size} products differ"
    for m, n, k in ((1, 1, 1), (5, 3, 33), (2, 7, 600)):
        a, b = operands(e, m, n, k, seed=k)
        for path in ("bits", "fast"):
            same = words(e.run(a, b, values=path).C) == right(e, a, b)
            assert same.all(), f"{m}x{n}x{k}, values = {path}"


def types(pe: PE, array: Array) -> None:
    """Every choice of the PE with operands of other widths; a narrow accumulator wraps."""
    for choice in variants(pe, array):
        for kind in types_for(pe):
            if not fits(pe, array, choice, kind):
                continue
            e = engine(pe, array, (3, 4), **choice, **kind)
            a, b = operands(e, 5, 6, 17, seed=1)
            product, c = right(e, a, b), e.run(a, b, values="bits").C
            assert (e.arithmetic.words(c) == product).all(), f"{choice}, {kind}: kernel"
            if choice.get("encode") != "weights" and e.has_nest:
                value = wrapped(evaluate(e.nest, a, b, e.encoder, e.widths.a), e.widths.acc)
                assert (value == product).all(), f"{choice}, {kind}: nest"


def cycles(pe: PE, array: Array) -> None:
    """Where cycles go adds up to all of them, whatever the shape."""
    for m, n, k in ((1, 1, 1), (5, 4, 7), (9, 11, 40)):
        e = engine(pe, array, (3, 2))
        terms = e.run(*operands(e, m, n, k, seed=m)).terms
        each = [getattr(terms, name) for name in TERMS]
        assert all(x >= 0 for x in each) and sum(each) == terms.total, f"{m}x{n}x{k}: {terms}"


def _any_array(pe: PE) -> Array:
    return arrays.get(arrays.default_for(pe))
