"""Three probes of what a tensor core adds and loses: a product, a sum inside a step, accumulation.

After arXiv:2206.02874, which sets operands so that one operation alone can round, and compares it
with what a CPU gives in float32: `product` is one product and c = 0; `inner sum` fills all lanes of
a step, c = 0; `accumulation` is one product and c. Operands are drawn here from a standard normal
distribution and rounded to their format, c to D's. What is exact is float64, which holds every
product, and sums of them far beyond D's last place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tpe.numbers.fused_gemm import words_product
from tpe.numbers.operands import Ints
from tpe.numbers.tensor_cores import FusedDot, all_rules

PROBES = ("product", "inner sum", "accumulation")
OUTPUTS = 64  # in a row and in a column of the probe: 4096 results


@dataclass(frozen=True)
class Probe:
    """One probe of one rule: errors against the exact result, over `results` of them.

    mean_abs_error -- of D;  bias -- mean of |D| - |exact|;  not_nearest -- share of results that
    are not the exact one rounded to D's format, to nearest even

    >>> found = probe(next(rule for rule in all_rules() if rule.arch == "ampere"), "product")
    >>> found.mean_abs_error, found.not_nearest
    (0.0, 0.0)
    """

    rule: FusedDot
    name: str
    results: int
    mean_abs_error: float
    bias: float
    not_nearest: float


def probe(rule: FusedDot, name: str, seed: int = 0) -> Probe:
    """What a probe of `PROBES` finds of a rule, its operands drawn by `seed`."""
    rng = np.random.default_rng(seed)
    lanes = rule.lanes if name == "inner sum" else 1
    a = rule.a.codes(rng.normal(size=(OUTPUTS, lanes)))
    b = rule.b.codes(rng.normal(size=(lanes, OUTPUTS)))
    drawn = rng.normal(size=(OUTPUTS, OUTPUTS))
    c: Ints = rule.d.codes(drawn if name == "accumulation" else np.zeros_like(drawn))
    exact = rule.a.values(a).astype(np.float64) @ rule.b.values(b) + rule.d.values(c)
    d = rule.d.values(words_product(a, b, rule, c)).astype(np.float64)
    nearest = rule.d.values(rule.d.codes(exact))
    return Probe(
        rule,
        name,
        d.size,
        float(np.abs(d - exact).mean()),
        float((np.abs(d) - np.abs(exact)).mean()),
        float((d != nearest).mean()),
    )


def probes(seed: int = 0) -> list[Probe]:
    """Every probe of every rule whose A and B have one format.

    >>> len(probes()) == 3 * sum(rule.a == rule.b for rule in all_rules())
    True
    """
    alike = [rule for rule in all_rules() if rule.a == rule.b]
    return [probe(rule, name, seed) for rule in alike for name in PROBES]
