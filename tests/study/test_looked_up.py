"""What product-quantised look-ups make of the digits network, as docs/howto/multiplier.md says."""

from __future__ import annotations

import pytest

import tpe
from tpe.study.looked_up import looked_up_digits

pytest.importorskip("sklearn")


def test_accuracy_grows_with_codebooks_and_so_do_tables() -> None:
    rows = looked_up_digits([16, 4, 1])
    assert [row.codebooks for row in rows] == [(4, 4, 2), (16, 16, 8), (64, 64, 32)]
    assert [row.look_ups_per_mac for row in rows] == [1 / 16, 1 / 4, 1.0]
    assert [row.entries_per_weight for row in rows] == [1.0, 4.0, 16.0]
    # 4 comparisons a codebook and image, of 64 x 64, 64 x 32 and 32 x 10 MACs
    assert rows[1].comparisons_per_mac == 4 * 40 / (64 * 64 + 64 * 32 + 32 * 10)
    few, some, all_of_k = (row.accuracy for row in rows)
    assert few < 0.75 and 0.85 < some < 0.95 < all_of_k
    assert all(row.accuracy_float == 352 / 360 for row in rows)
    assert all(row.agreement > 0.5 for row in rows) and rows[0].to_json()["tables"] == "int8"


@pytest.mark.parametrize("width", [0, 65, 2.0, True])
def test_widths_that_are_none(width: object) -> None:
    with pytest.raises(tpe.TpeError, match="is not legal: an integer from 1 to 64"):
        looked_up_digits([width])  # type: ignore[list-item]
