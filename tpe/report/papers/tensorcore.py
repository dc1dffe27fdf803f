"""Numeric behaviour of tensor cores, arXiv:2206.02874: its three probes, of every architecture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tpe.study.probes import PROBES, Probe, probes

NAME = "tensorcore"
TITLE = "Dissecting Tensor Cores via Microbenchmarks (arXiv:2206.02874)"
FACTS = (
    "Three probes, after the paper's: one product; all lanes of one step summed; a product and c.",
    "Operands are drawn here, normal:1, rounded to A's and B's format, c to D's; exact is float64.",
    "Mean absolute errors, and the share of results that are not the nearest of D's format.",
    "The paper's latencies and throughputs are of GPUs and are not modelled.",
)


def table(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Rows of text, a rule each: arch, formats, three errors, two shares, GPUs compared with."""
    text = []
    for first in range(0, len(rows), len(PROBES)):
        one = rows[first : first + len(PROBES)]
        head = one[0]["arch"], f"{one[0]['a_type']}, {one[0]['d_type']}"
        errors = (f"{row['mean_abs_error']:.0e}" for row in one)
        shares = (f"{row['not_nearest']:.1%}" for row in one[1:])
        text.append((*head, *errors, *shares, one[0]["evidence"].removeprefix("measured: ")))
    return text


def measured() -> list[dict[str, Any]]:
    """A row of every probe of every rule: what `tpe reproduce` prints.

    >>> measured()[0]["probe"], measured()[0]["evidence"]
    ('product', 'measured: V100')
    """
    return [_row(probe) for probe in probes()]


def _row(probe: Probe) -> dict[str, Any]:
    rule = probe.rule
    return {
        "arch": rule.arch,
        "a_type": rule.a.name,
        "d_type": rule.d.name,
        "lanes": rule.lanes,
        "probe": probe.name,
        "results": probe.results,
        "mean_abs_error": probe.mean_abs_error,
        "bias": probe.bias,
        "not_nearest": probe.not_nearest,
        "evidence": rule.evidence(),
    }
