"""Encodings against published tables, an oracle written from the definition, and each other."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

from tpe.base.errors import TpeError
from tpe.numbers.digits import ENCODINGS, MAX_BITS, MIN_BITS, Encoding, encoding

INT8 = np.arange(-128, 128)
WIDTHS = range(MIN_BITS, MAX_BITS + 1)
every_encoding = pytest.mark.parametrize("enc", ENCODINGS.values(), ids=list(ENCODINGS))


def values(bits: int) -> np.ndarray:
    return np.arange(-(1 << (bits - 1)), 1 << (bits - 1))


def ent_by_definition(x: int) -> list[int]:
    """EN-T for int8, digit by digit, straight from the definition of arXiv:2404.11887."""
    s = -1 if x < 0 else 1
    m = -x if x < 0 else x
    c, out = 0, []
    for i in range(4):
        t = (m // 4**i) % 4 + c
        if i < 3 and t >= 3:
            out.append(s * (t - 4))
            c = 1
        else:
            out.append(s * t)
            c = 0
    return out


def test_ent_is_bit_exact_over_all_int8() -> None:
    assert ENCODINGS["ent"].encode(INT8, 8).tolist() == [ent_by_definition(int(x)) for x in INT8]


def test_booth_is_bit_exact_over_all_int8() -> None:
    def by_definition(x: int) -> list[int]:
        b = [0] + [(x & 255) >> i & 1 for i in range(8)]  # b[0] is the bit below the lowest
        return [-2 * b[2 * i + 2] + b[2 * i + 1] + b[2 * i] for i in range(4)]

    assert ENCODINGS["booth"].encode(INT8, 8).tolist() == [by_definition(int(x)) for x in INT8]


@every_encoding
@pytest.mark.parametrize("bits", WIDTHS)
def test_decode_inverts_encode_at_every_width(enc: Encoding, bits: int) -> None:
    x = values(bits)
    d = enc.encode(x, bits)
    assert d.dtype == np.int8
    assert d.shape == (x.size, enc.count(bits))
    assert np.array_equal(enc.decode(d), x)


@pytest.mark.parametrize("bits", WIDTHS)
def test_csd_has_no_adjacent_nonzeros(bits: int) -> None:
    nonzero = ENCODINGS["csd"].encode(values(bits), bits) != 0
    assert not (nonzero[:, 1:] & nonzero[:, :-1]).any()


@every_encoding
@pytest.mark.parametrize("bits", WIDTHS)
def test_bounds_and_masks_follow_from_the_digits(enc: Encoding, bits: int) -> None:
    x = values(bits)
    d = enc.encode(x, bits)
    low, high = enc.bounds(bits)
    assert np.array_equal(low, d.min(axis=0))
    assert np.array_equal(high, d.max(axis=0))
    masks = enc.nonzero_masks(bits)
    assert masks.dtype == np.uint32
    assert masks.shape == (1 << bits,)
    unpacked = masks[x & ((1 << bits) - 1), None] >> np.arange(d.shape[1]) & 1
    assert np.array_equal(unpacked.astype(bool), d != 0)


# Uniform int8: mean non-zero digits and the histogram of non-zeros, from 0 upwards. The EN-T and
# Booth rows are those of the encoders published with arXiv:2503.06342.
UNIFORM = {
    "ent": (2.9180, [1, 15, 60, 108, 72]),
    "booth": (3.0000, [1, 12, 54, 108, 81]),
    "csd": (2.7773, [1, 15, 72, 120, 48]),
    "twos": (4.0000, [1, 8, 28, 56, 70, 56, 28, 8, 1]),
    "magnitude": (3.5039, [1, 15, 42, 70, 70, 42, 14, 2]),
}


@pytest.mark.parametrize("name", UNIFORM)
def test_nonzero_digits_of_uniform_int8(name: str) -> None:
    nonzeros = (ENCODINGS[name].encode(INT8, 8) != 0).sum(axis=1)
    mean, histogram = UNIFORM[name]
    assert np.bincount(nonzeros).tolist() == histogram
    assert round(float(nonzeros.mean()), 4) == mean


# N(0, sigma): mean non-zero digits of EN-T, Booth and CSD, and EN-T's cycles per operand.
NORMAL = {
    10: (1.762, 1.925, 1.731, 2.077),
    20: (2.115, 2.294, 2.063, 2.342),
    30: (2.335, 2.530, 2.259, 2.466),
    40: (2.490, 2.673, 2.397, 2.559),
    50: (2.604, 2.769, 2.500, 2.643),
}


def normal_pmf(sigma: float) -> np.ndarray:
    """N(0, sigma) rounded to integers, given that the result lies in -128..127: exact."""
    edges = [(x - 0.5) / (sigma * math.sqrt(2)) for x in range(-128, 129)]
    mass = np.diff([0.5 * (1 + math.erf(edge)) for edge in edges])
    return mass / mass.sum()


@pytest.mark.parametrize("sigma", NORMAL)
def test_nonzero_digits_of_normal_int8(sigma: int) -> None:
    pmf = normal_pmf(sigma)
    means = [pmf @ (ENCODINGS[e].encode(INT8, 8) != 0).sum(axis=1) for e in ("ent", "booth", "csd")]
    assert means == pytest.approx(NORMAL[sigma][:3], rel=0.005)


@pytest.mark.parametrize("sigma", NORMAL)
def test_cycles_per_operand_of_normal_int8(sigma: int) -> None:
    # Groups of 4 independent operands: a plane's non-zeros are binomial(4, q), and
    # E[max(1, n)] = E[n] + P(n = 0) = 4 q + (1 - q)**4. Four planes, per operand: / 4.
    q = normal_pmf(sigma) @ (ENCODINGS["ent"].encode(INT8, 8) != 0)
    assert (4 * q + (1 - q) ** 4).sum() / 4 == pytest.approx(NORMAL[sigma][3], rel=0.005)


def test_shapes_and_types_of_input() -> None:
    enc = ENCODINGS["ent"]
    assert enc.encode(np.zeros((2, 3), np.int16), 8).shape == (2, 3, 4)
    assert enc.encode(-5, 8).shape == (4,)
    assert enc.encode(np.zeros((0, 3)), 8).shape == (0, 3, 4)
    assert enc.encode(np.array([127], np.uint8), 8).tolist() == [[-1, 0, 0, 2]]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (lambda: ENCODINGS["ent"].encode([[0, 1], [128, 0]], 8), r"operand at \[1, 0\] is 128"),
        (lambda: ENCODINGS["ent"].encode(-9, 4), r"operand at \[\] is -9; int4 takes -8\.\.7"),
        (lambda: ENCODINGS["csd"].encode([1.0], 8), "operands are float64"),
        (lambda: ENCODINGS["csd"].encode([1], 18), "bits = 18: an encoded operand has 2 to 17"),
        (lambda: ENCODINGS["csd"].count(1), "bits = 1"),
        (lambda: ENCODINGS["csd"].decode(3), "digits are one number"),
        (lambda: encoding("both"), "unknown encoding 'both'.*did you mean 'booth'"),
    ],
)
def test_mistakes_are_named(bad, message: str) -> None:
    with pytest.raises(TpeError, match=message):
        bad()


@every_encoding
def test_encodings_survive_a_process_pool(enc: Encoding) -> None:
    assert pickle.loads(pickle.dumps(enc)) == enc
    assert encoding(enc) is enc is encoding(enc.name)
