"""Multipliers as tables: their definitions, published errors, sums, files, and what is refused."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import floor, log2
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tpe
from tpe.numbers.formats import FORMATS
from tpe.numbers.multiplier_table import MultiplierTable, multiplier_table
from tpe.numbers.multipliers import MULTIPLIERS, checked_name, named_table
from tpe.numbers.table_gemm import sums_fit_int32, table_product

UINT2, UINT4, UINT8, INT8 = (FORMATS[name] for name in ("uint2", "uint4", "uint8", "int8"))


def shipped(name: str, a: str = "uint8", b: str | None = None) -> MultiplierTable:
    return MULTIPLIERS[name].table(FORMATS[a], FORMATS[b or a])


def drawn(table: MultiplierTable, m: int, k: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(m * k * n)
    return table.a.drawn(rng, (m, k)), table.b.drawn(rng, (k, n))


def random_table(a: str, b: str, largest: int = 1 << 20) -> MultiplierTable:
    """Neither symmetric nor zero at zero, as nobody may assume it is."""
    shape = 1 << FORMATS[a].bits, 1 << FORMATS[b].bits
    rng = np.random.default_rng(3)
    return multiplier_table(rng.integers(-largest, largest, shape), FORMATS[a], FORMATS[b])


def slow(a: np.ndarray, b: np.ndarray, table: MultiplierTable) -> list[list[int]]:
    """Sums by the definition, in Python's integers."""
    rows, columns = table.products.shape
    return [
        [
            sum(
                int(table.products[int(x) % rows, int(y) % columns])
                for x, y in zip(r, c, strict=True)
            )
            for c in b.T
        ]
        for r in a
    ]


# ---- the definitions, said in another way ----


def in_digits(x: int) -> list[int]:
    return [x >> 2 * i & 3 for i in range(4)]


def blocks(x: int, y: int) -> int:
    """Kulkarni's, not recursive: every pair of base-4 digits once."""
    pairs = product(enumerate(in_digits(x)), enumerate(in_digits(y)))
    return sum((7 if p == q == 3 else p * q) * 4 ** (i + j) for (i, p), (j, q) in pairs)


def by_logarithms(x: int, y: int) -> Fraction:
    """Mitchell's, with his approximations log2(1 + x) ~ x and its inverse, in fractions."""

    def log(v: int) -> Fraction:
        whole = floor(log2(v))
        return whole + Fraction(v, 2**whole) - 1

    if 0 in (x, y):
        return Fraction(0)
    whole, rest = divmod(log(x) + log(y), 1)
    return 2**whole * (1 + rest)


@pytest.mark.parametrize(("name", "other"), [("kulkarni", blocks), ("mitchell", by_logarithms)])
def test_all_pairs_are_those_of_the_definition(name: str, other: Any) -> None:
    table = shipped(name).products
    assert all(table[x, y] == other(x, y) for x, y in product(range(256), repeat=2))


@pytest.mark.parametrize("name", list(MULTIPLIERS))
@pytest.mark.parametrize("types", [("int8", "int8"), ("int8", "uint3"), ("int5", "int2")])
def test_signed_operands_are_magnitudes_with_a_sign(name: str, types: tuple[str, str]) -> None:
    table, unsigned = shipped(name, *types), shipped(name, "uint8")
    for x, y in product(table.a.sweep(), table.b.sweep()):
        sign = -1 if (x < 0) != (y < 0) else 1
        assert table.of(x, y) == sign * unsigned.products[abs(x), abs(y)]


# ---- published errors ----


def test_errors_of_kulkarni() -> None:
    """VLSI Design 2011: one wrong product of 16; mean error 1.39 % (2 x 2) to 3.32 % (16 x 16).

    These means count a product with zero as right. Over the other pairs they are 2.47 % and 3.28 %.
    """
    small, wide = shipped("kulkarni", "uint2").errors, shipped("kulkarni").errors
    assert small.error_rate == 1 / 16
    assert small.largest_relative == wide.largest_relative == pytest.approx(2 / 9)
    assert small.mean_relative * 9 / 16 == pytest.approx(0.0139, abs=5e-5)
    assert wide.mean_relative == pytest.approx(0.0328, abs=5e-5)
    assert wide.mean_relative * (255 / 256) ** 2 == pytest.approx(0.0325, abs=5e-5)
    # Wrong is a pair in which both operands have a digit of 3.
    assert wide.error_rate == (1 - (3 / 4) ** 4) ** 2
    assert wide.mean_absolute == -wide.bias == 2 / 16 * (1 + 4 + 16 + 64) ** 2
    assert (wide.largest, wide.wrong_zeros) == (2 * 85**2, 0)


def test_errors_of_kulkarni_at_16_bits() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 1 << 16, (2, 1 << 20))
    table = shipped("kulkarni")
    middle = table.of(a >> 8, b) + table.of(a, b >> 8)
    off = a * b - ((table.of(a >> 8, b >> 8) << 16) + (middle << 8) + table.of(a, b))
    assert np.mean(off[a * b > 0] / (a * b)[a * b > 0]) == pytest.approx(0.0332, abs=1e-4)


def test_errors_of_mitchell() -> None:
    """Mitchell 1962: 1 / 9 at most, always too small. 3.85 % on average of wide operands."""
    errors = shipped("mitchell").errors
    assert errors.largest_relative == pytest.approx(1 / 9)
    assert errors.mean_relative == pytest.approx(0.0379, abs=5e-5)
    assert errors.mean_relative * (255 / 256) ** 2 == pytest.approx(0.0376, abs=5e-5)
    assert errors.bias == -errors.mean_absolute
    x, y = np.meshgrid(*[(np.arange(1000) + 0.5) / 1000] * 2)
    wide = np.where(x + y < 1, 1 + x + y, 2 * (x + y)) / ((1 + x) * (1 + y))
    assert np.mean(1 - wide) == pytest.approx(0.0385, abs=5e-5)


def test_measures_of_a_table_by_hand() -> None:
    products = np.multiply.outer(np.arange(4), np.arange(4))
    products[0, 1] = 2  # where the exact product is zero
    products[3, 2] = 3  # half of it
    errors = multiplier_table(products, UINT2).errors
    assert errors.mean_absolute == 5 / 16 and errors.normalised_mean == 5 / 16 / 9
    assert (errors.largest, errors.error_rate, errors.bias) == (3, 2 / 16, -1 / 16)
    assert errors.mean_relative == 0.5 / 9 and errors.largest_relative == 0.5
    assert errors.wrong_zeros == 1 and set(errors.to_json()) >= {"bias", "wrong_zeros"}


# ---- sums ----


@pytest.mark.parametrize(
    "shape",
    [(1, 1, 1), (3, 4, 5), (5, 3, 1), (2, 67, 9), (1, 1030, 3), (4, 0, 2), (0, 3, 2), (2, 3, 0)],
)
@pytest.mark.parametrize("types", [("int8", "int8"), ("uint8", "int3"), ("int2", "uint8")])
def test_sums_are_those_of_the_definition(
    shape: tuple[int, int, int], types: tuple[str, str]
) -> None:
    table = random_table(*types)
    a, b = drawn(table, *shape)
    found = table_product(a, b, table)
    assert found.dtype == np.int64 and found.shape == (shape[0], shape[2])
    assert found.tolist() == slow(a, b, table)


def test_sums_that_leave_int32() -> None:
    table = multiplier_table(np.full((256, 256), -(1 << 31)), INT8)
    a, b = np.full((1, 9), -128, np.int8), np.full((9, 2), 127, np.int8)
    assert not sums_fit_int32(table, 1)
    assert table_product(a, b, table).tolist() == [[-9 << 31] * 2]
    most = multiplier_table(np.full((256, 256), (1 << 31) - 1), INT8)
    assert sums_fit_int32(most, 1) and not sums_fit_int32(most, 2)
    assert table_product(a[:, :2], b[:2], most).tolist() == [[(1 << 32) - 2] * 2]
    half = multiplier_table(np.full((256, 256), 1 << 30), INT8)
    assert table_product(a[:, :2], b[:2], half).tolist() == [[1 << 31] * 2]


def test_the_table_of_exact_products_is_matrix_multiplication() -> None:
    table = shipped("exact", "int8")
    a, b = drawn(table, 33, 130, 17)
    assert (table_product(a, b, table) == a @ b).all()


def test_sums_in_threads() -> None:
    table = random_table("int8", "int8")
    a, b = drawn(table, 65, 300, 257)
    rows = [table_product(a[m : m + 1], b, table)[0] for m in range(65)]
    assert (table_product(a, b, table) == rows).all()


# ---- tables and files ----


def test_a_table_is_its_own_and_equal_by_content() -> None:
    given = np.arange(16).reshape(4, 4)
    table = multiplier_table(given, UINT2)
    given[0, 0] = 99
    assert table.products[0, 0] == 0
    assert table == multiplier_table(np.arange(16).reshape(4, 4), UINT2)
    assert hash(table) == hash(multiplier_table(np.arange(16).reshape(4, 4), UINT2))
    assert table != multiplier_table(given, UINT2)
    with pytest.raises(ValueError, match="read-only"):
        table.products[0, 0] = 1


@pytest.mark.parametrize(
    ("products", "text"),
    [
        (np.zeros((4, 4)), "table holds float64; legal: integers"),
        (np.zeros((4, 4), bool), "table holds bool"),
        (np.array([["a"] * 4] * 4), "table holds <U1"),
        (np.zeros((4, 3), int), "table is 4 x 3; legal for uint2 x uint2: 4 x 4"),
        (np.zeros(16, int), "table is 16; legal"),
        (5, "table is one number; legal"),
        ([[1], [1, 2]], "table is no table: its rows are of unequal length"),
        (np.full((4, 4), 1 << 31), r"table holds 2147483648 at \[0, 0\]; legal: -2147483648 to"),
        (np.full((4, 4), -(1 << 31) - 1), "table holds -2147483649"),
    ],
)
def test_what_is_no_table_is_refused(products: Any, text: str) -> None:
    with pytest.raises(tpe.TpeError, match=text):
        multiplier_table(products, UINT2)


def test_operands_of_more_than_8_bits_are_refused() -> None:
    with pytest.raises(tpe.TpeError, match="uint9 is not legal: an integer of at most 8 bits"):
        multiplier_table(np.zeros((4, 512), int), UINT2, FORMATS["uint9"])


@pytest.fixture
def table_4(tmp_path: Path) -> MultiplierTable:
    table = random_table("uint4", "int3")
    np.save(tmp_path / "t.npy", table.products)
    lines = [",".join(map(str, row)) for row in table.products.tolist()]
    (tmp_path / "t.csv").write_text("\r\n".join(lines) + "\r\n\n")
    return table


@pytest.mark.parametrize("name", ["t.npy", "t.csv"])
def test_files_hold_tables(name: str, tmp_path: Path, table_4: MultiplierTable) -> None:
    path = str(tmp_path / name)
    full = checked_name(path)
    assert full.startswith(f"{path}@") and len(full) == len(path) + 13
    assert checked_name(full) == full
    a, b = FORMATS["uint4"], FORMATS["int3"]
    assert named_table(path, a, b) == named_table(full, a, b) == table_4
    with pytest.raises(
        tpe.TpeError, match=r"is 16 x 8; legal for uint4 x uint4: 16 x 16|8 numbers"
    ):
        named_table(path, a, a)


def test_a_file_that_has_changed_is_refused(tmp_path: Path, table_4: MultiplierTable) -> None:
    full = checked_name(tmp_path / "t.npy")
    np.save(tmp_path / "t.npy", table_4.products + 1)
    with pytest.raises(tpe.TpeError, match=r"t\.npy: its content is .* it has changed; legal"):
        checked_name(full)
    assert checked_name(tmp_path / "t.npy") != full


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("x.npy", b"no array", "no array of numpy's"),
        ("x.npy", b"\x93NUMPY\x01\x00v\x00{'descr'", "no array of numpy's"),
        ("x.npy", b"", "no array of numpy's"),
        ("x.csv", b"1,2,3,4\n1,2,x,4\n", r"x\.csv:2: 'x' is no integer"),
        ("x.csv", b"1,2,3,4\n\n1,2,1.5,4\n", r"x\.csv:3: '1\.5' is no integer"),
        ("x.csv", b"1,2,3\n", r"x\.csv:1: 3 numbers; legal: 4"),
        ("x.csv", b"1,2,3,%d\n" % 10**30, r"x\.csv:1: '1000+' is no integer"),
        ("x.csv", b"1,2,3,4\n", "is 1 x 4; legal for uint2 x uint2"),
        ("x.csv", b"", "legal for uint2 x uint2: 4 x 4"),
        ("x.csv", b"\xff\xfe", "is not UTF-8 text"),
    ],
)
def test_files_that_are_none_are_refused(
    name: str, content: bytes, text: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(tpe.TpeError, match=text) as error:
        named_table(str(tmp_path / name), UINT2, UINT2)
    assert "\n" not in str(error.value) and name in str(error.value)


@pytest.mark.parametrize("name", ["none", "x.txt", "mitchell.pdf", "/mitchell", "", "a@b", None, 3])
def test_names_of_nothing(name: Any) -> None:
    with pytest.raises(
        tpe.TpeError, match=r"unknown multiplier .*legal: mitchell, kulkarni, exact"
    ):
        checked_name(name)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(tpe.TpeError, match="cannot be read as multiplier: No such file"):
        checked_name("no_such.npy")
    (tmp_path / "folder.npy").mkdir()
    with pytest.raises(tpe.TpeError, match="a folder"):
        checked_name(tmp_path / "folder.npy")
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(5 << 20)
    with pytest.raises(tpe.TpeError, match="5 MiB; at most 4 MiB"):
        checked_name(tmp_path / "large.csv")
