"""Errors of L-Mul's products: bias beside size, in rational arithmetic from the definition."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tpe.study.lmul_errors import FORMATS, FORMS, product_errors

L = {2: 2, 3: 3, 4: 3, 7: 4}  # the paper's


def defined(m: int, form: str) -> tuple[float, float]:
    """(mean absolute, bias) over all pairs of fractions; the carry doubles what is behind it."""
    one, offset = 1 << m, 0 if form == "no offset" else 1 << (m - L[m])
    errors = []
    for x in range(one):
        for y in range(one):
            total = x + y + offset
            if form == "printed formula":
                value = Fraction(one + total, one)
            else:
                value = Fraction(one + total % one, one) * 2 ** (total // one)
            errors.append(value / (Fraction(one + x, one) * Fraction(one + y, one)) - 1)
    count = len(errors)
    return float(sum(map(abs, errors)) / count), float(sum(errors) / count)


@pytest.mark.parametrize("name", FORMATS[:3])
def test_errors_and_bias_are_those_of_the_definition(name: str) -> None:
    rows = product_errors([name])
    assert [row.form for row in rows] == list(FORMS)
    for row in rows:
        mean, bias = defined(row.fraction_bits, row.form)
        assert row.mean_absolute == pytest.approx(mean, rel=1e-12)
        assert row.bias == pytest.approx(bias, rel=1e-9)


def test_the_offset_pays_at_seven_fraction_bits_alone() -> None:
    rows = {(row.fraction_bits, row.form): row for row in product_errors()}
    for m in (2, 3, 4, 7):
        paid = rows[m, FORMS[0]].mean_absolute < rows[m, FORMS[2]].mean_absolute
        assert paid == (m == 7)
