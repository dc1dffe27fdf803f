"""README.md of a package: its worked example, worked again here from its own words; the rest."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import pytest

import tpe
from tests.contract.combos import WITH_RTL, combo_id, engine, variants
from tpe.hdl import emit
from tpe.hdl.emit import sources
from tpe.hdl.emit.package import package_texts
from tpe.hdl.emit.package_files.example import example_case
from tpe.hdl.emit.package_files.readme import readme

Matrix = list[list[int]]


class Worked:
    """What the example's section says."""

    def __init__(self, text: str) -> None:
        self.text = text.split("## A worked example")[1].split("## AXI4-Stream")[0]
        self.m, self.n, self.k = self.numbers(r"M x N x K = (\d+) x (\d+) x (\d+)")
        low_a, span_a = self.numbers(r"A\[m, k\] = (-?\d+) \+ \(3 m \+ 5 k\) mod (\d+)")
        low_b, span_b = self.numbers(r"B\[k, n\] = (-?\d+) \+ \(2 k \+ n\) mod (\d+)")
        self.a = [[low_a + (3 * m + 5 * k) % span_a for k in range(self.k)] for m in range(self.m)]
        self.b = [[low_b + (2 * k + n) % span_b for n in range(self.n)] for k in range(self.k)]
        (self.cycles,) = self.numbers(r"The whole takes (\d+) cycles")

    def numbers(self, pattern: str) -> list[int]:
        found = re.search(pattern, self.text)
        assert found, pattern
        return [int(x) for x in found.groups()]

    def words(self, port: str) -> list[tuple[str, str]]:
        """Words of a port in the table, and its last_i beside each."""
        return re.findall(rf"^\| {port} \| \d+ \| `(\w+)` \| *(\d?) *\|$", self.text, re.M)


def packed(values: list[int], bits: int) -> str:
    word = 0
    for i, value in enumerate(values):
        word |= (value & ((1 << bits) - 1)) << (i * bits)
    return f"{word:0{-(-len(values) * bits // 8) * 2}x}"


def turned(matrix: Matrix) -> Matrix:
    return [list(row) for row in zip(*matrix, strict=True)]


def product(a: Matrix, b: Matrix) -> Matrix:
    return [[sum(x * y for x, y in zip(row, col, strict=True)) for col in turned(b)] for row in a]


def less(matrix: Matrix, zero: int) -> Matrix:
    return [[x - zero for x in row] for row in matrix]


def padded(row: list[int], count: int, pad: int = 0) -> list[int]:
    return row + [pad] * (count - len(row))


def test_a_dense_engine():
    e = tpe.Engine("opt1", "matrix2d", (3, 2), lanes=2)
    shown = Worked(readme(e, "mine"))
    a_words, b_words, c_words = (shown.words(f"`{port}`") for port in ("a_i", "b_i", "c_o"))
    beats = -(-shown.k // 2)
    assert (shown.m, shown.n, shown.k, len(a_words), len(b_words)) == (3, 2, 3, beats, beats)
    for beat in range(beats):
        at = slice(2 * beat, 2 * beat + 2)
        a = [x for row in shown.a for x in padded(row[at], 2)]
        b = [x for col in turned(shown.b) for x in padded(col[at], 2)]
        assert a_words[beat] == (packed(a, 8), str(int(beat == beats - 1)))
        assert b_words[beat] == (packed(b, 8), "")
    assert c_words == [(packed(product(shown.a, shown.b)[0], 32), "0")]
    assert shown.cycles == beats + 3 + 3  # S + R + L + 3


def test_a_sparse_engine_with_a_finish_chain():
    options = {"c0": "on", "bias": "on", "requant": "column", "overflow": "flag"}
    e = tpe.Engine("opt4c", "matrix2d", (2, 3), **options)
    shown = Worked(readme(e, "mine"))
    groups = -(-shown.k // 4)
    a_words = shown.words("`a_i`")
    assert len(a_words) == 4  # of 4 planes of `groups` beats
    for beat in range(4):
        at = 4 * (beat % groups)
        a = [x for row in shown.a for x in padded(row[at : at + 4], 4)]
        assert a_words[beat] == (packed(a, 8), str(int(beat % groups == groups - 1)))
    b_words = shown.words("`b_i`")
    assert b_words == [
        (packed(row, 8), str(int(k == shown.k - 1))) for k, row in list(enumerate(shown.b))[:4]
    ]
    multiplier, shift, zero = shown.numbers(
        r"multiplier = (\d+), shift = (\d+), output zero point = (\d+)"
    )
    (c0,), (bias,) = shown.numbers(r"C0\[m, n\] = (\d+)"), shown.numbers(r"bias\[n\] = (\d+)")
    row = product(shown.a, shown.b)[0]
    out = [round(Fraction((x + c0 + bias) * multiplier, 2**shift)) + zero for x in row]
    assert shown.words("`c_o`") == [(packed([max(-128, min(127, x)) for x in out], 8), "0")]
    fields = [([c0] * 3, 40), ([bias] * 3, 40), ([multiplier] * 3, 32), ([shift] * 3, 6)]
    record, at = 0, 0
    for values, bits in [*fields, ([zero], 8)]:
        for value in values:
            record |= value << at
            at += bits
    assert [int(word, 16) for word, _ in shown.words("with C")] == [record]


def test_a_chain_that_encodes_weights_with_zero_points():
    options = {"encode": "weights", "b_type": "uint8", "zero_points": "subtract"}
    e = tpe.Engine("mac", "systolic_ws", (2, 3), **options)
    text = readme(e, "mine")
    assert "**port A carries B**" in text
    shown = Worked(text)
    a, b = turned(shown.b), turned(shown.a)  # as the ports have them
    (zero,) = shown.numbers(r"zero points of A and B = (\d+)")
    first = [(packed(row[:2], 8), str(int(m == 2))) for m, row in enumerate(a)]
    second = (packed(padded(a[0][2:], 2, zero), 8), "0")
    assert shown.words("`a_i`") == [*first, second]
    tile = [(packed(b[1], 8), "0"), (packed(b[0], 8), "1")]  # the last k first
    rest = [(packed([zero] * 3, 8), "0"), (packed(b[2], 8), "1")]
    assert shown.words("`b_i`") == [*tile, *rest]
    c = product(less(shown.a, zero), less(shown.b, zero))
    assert shown.words("`c_o`") == [(packed([row[0] for row in c], 32), "0")]
    rows, m, cols = 2, 3, 3
    passes = 2 * (rows + m + rows + cols + 1) + 1  # the last ends K
    assert shown.cycles == passes


def test_a_chain_whose_cells_keep_two_weights():
    e = tpe.Engine("opt1", "systolic_ws", (2, 3), lanes=2)
    text = readme(e, "mine")
    assert "K into tiles of 4." in text
    assert "element 2 c + i is B[k, c] of the tile, k = 2 x row + i" in text
    shown = Worked(text)
    assert shown.words("`a_i`")[0] == (packed(shown.a[0][:4], 8), "0")
    cells = [[x for col in turned(shown.b) for x in col[at : at + 2]] for at in (2, 0)]
    assert shown.words("`b_i`")[:2] == [(packed(cells[0], 8), "0"), (packed(cells[1], 8), "1")]
    assert shown.cycles == 2 * (2 + 3 + 2 + 3 + 1) + 1  # as with two tiles of 2


def test_unsigned_operands_by_offset():
    e = tpe.Engine("mac", "os", (2, 2), a_type="uint8", zero_points="offset")
    shown = Worked(readme(e, "mine"))
    (zero,) = shown.numbers(r"zero points of A and B = (\d+)")
    assert shown.words("`a_i`")[0] == (packed([row[0] for row in shown.a], 8), "0")
    inside = product(less(shown.a, 128), shown.b)  # what the array sums
    rest_a, rest_b = 128 - zero, -zero
    added = [
        rest_a * sum(col) + rest_b * sum(x - 128 for x in shown.a[0]) + shown.k * rest_a * rest_b
        for col in turned(shown.b)
    ]
    assert shown.words("with C") == [(packed(added, 32), "")]
    c = product(less(shown.a, zero), less(shown.b, zero))[0]
    assert c == [x + y for x, y in zip(inside[0], added, strict=True)]
    assert shown.words("`c_o`") == [(packed(c, 32), "0")]


PHRASES = {
    "sparse": ("opt4c", "matrix2d", {"depth": 16}),
    "drift": ("opt4e", "matrix2d", {"drift": 2, "encode": "weights"}),
    "chain": ("mac", "ws", {"psum_depth": 7, "overlap": "load"}),
    "planes": ("opt2", "os", {"bw": "time"}),
}


@pytest.mark.parametrize(
    ("kind", "phrases"),
    [
        ("sparse", ["`load_i`", "of at most 16", "Each of the 2 streams", "Lead"]),
        ("drift", ["**port A carries B**", "sent 4 times"]),
        ("chain", ["at most 7 rows", "The last k of the tile comes first", "while this one works"]),
        ("planes", ["the A and B of a tile", "sent 4 times"]),
    ],
)
def test_the_readme_speaks_of_its_engine(kind, phrases):
    pe, array, params = PHRASES[kind]
    text = " ".join(readme(tpe.Engine(pe, array, (2, 2), **params), "mine").split())
    assert all(phrase in text for phrase in phrases), kind
    assert ("Each of the" in text) == (kind == "sparse")


def check_package(e: tpe.Engine) -> None:
    """Every port is in the table with its bits, every file in the lists, no template's trace."""
    texts = package_texts(e, "mine")
    top = emit.engine_modules(e)["tpe_engine"]
    rows = dict(re.findall(r"^\| `(\w+)` \| (?:in|out)put \| (\d+) \|", texts["README.md"], re.M))
    assert list(rows) == sources.port_names(top)
    listed = [x for name in texts if name.endswith(".f") for x in texts[name].split()]
    assert sorted(listed) == sorted(x for x in texts if x.endswith(".sv"))
    assert all(f"- {name}\n" in texts["mine.core"] for name in listed)
    assert all("tpe_" not in texts[name] for name in listed)  # the prefix is everywhere
    assert not re.search(r"\{\{|\{%|\bNone\b(?!:)", texts["README.md"] + texts["mine.sdc"])
    assert all(f"{port}*" in texts["mine.sdc"] for port in rows if port not in ("clk_i", "rst_ni"))
    assert Worked(texts["README.md"]).cycles == example_case(e).run().cycles


RICH: list[dict[str, Any]] = [
    {"overflow": "flag", "bias": "on", "c0": "on", "requant": "column"},
    {"a_type": "uint5", "zero_points": "offset", "encode": "weights"},
    {"a_type": "int3", "b_type": "uint2", "zero_points": "subtract"},
]


@pytest.mark.parametrize("combo", WITH_RTL, ids=combo_id)
def test_every_combination_has_a_package(combo):
    turn = WITH_RTL.index(combo)
    check_package(engine(*combo, (2, 3)))
    check_package(engine(*combo, (3, 1), **RICH[turn % len(RICH)]))


@pytest.mark.full
@pytest.mark.parametrize("combo", WITH_RTL, ids=combo_id)
def test_every_variant_has_a_package(combo):
    for params in [*variants(*combo), *RICH]:
        check_package(engine(*combo, (1, 1), **params))
        check_package(engine(*combo, (3, 2), **params))
