"""A finding in a plain sentence: whether we agree, and where the difference comes from."""

from __future__ import annotations

from math import log
from typing import Any

from tpe.report.papers.facts import PRINTED, QUANTITIES, Claim
from tpe.report.papers.measure import Built, Finding, Measured
from tpe.study.forms import form_text

NEAR = 0.25  # of what is claimed: 1.23 and 1.32 still agree with 1.27, 1.00 agrees with no gain
LEAST = 0.02  # what a recipe more or less moves anyhow; half of the smallest claim, 1.04


def claims_text(claims: tuple[Claim, ...]) -> str:
    """The printed figures, each with where.

    >>> claims_text((Claim(1.56, "abs"), Claim(1.58, "read")))
    '1.56 (abs), 1.58 (read)'
    """
    return ", ".join(f"{claim.value:.2f} ({claim.where})" for claim in claims) or "-"


def drawn_text(result: Measured) -> str:
    """Which operands cycles and energies are of."""
    operands = result.paper.operands
    if result.technology is None:
        return f"Cycles are of operands {operands}; energies are given, on operands not known here."
    return f"Cycles and energies are of operands drawn alike: {operands}, seed 0."


def sentence(finding: Finding) -> str:
    """Whether ours agrees with the paper's, and if not, why."""
    if finding.ours is None:
        return f"Nothing of ours: {finding.reason}."
    text = f"{QUANTITIES[finding.quantity].capitalize()} {finding.ours:.2f} here"
    if not finding.claims:
        return f"{text}; the paper prints no such figure. {_why(finding)}"
    near = [c for c in finding.claims if agrees(finding.ours, c.value)]
    if near:
        return f"{text} agrees with {near[0].value:.2f} ({PRINTED[near[0].where]}). {_why(finding)}"
    side = "above" if finding.ours > max(c.value for c in finding.claims) else "below"
    between = min(c.value for c in finding.claims) < finding.ours and side == "below"
    side = "between" if between else side
    return f"{text} disagrees: {side} the paper's {claims_text(finding.claims)}. {_why(finding)}"


def agrees(ours: float, claimed: float) -> bool:
    """Whether a ratio is a claimed one but for a quarter of the claimed effect, or for 2 %.

    >>> agrees(1.23, 1.27), agrees(1.00, 1.09), agrees(1.00, 1.04), agrees(3.2, 2.7)
    (True, False, False, True)
    """
    return abs(log(ours / claimed)) <= max(NEAR * abs(log(claimed)), LEAST)


def _why(finding: Finding) -> str:
    """What the ratio is made of, and what else bears on it."""
    design, baseline = finding.design, finding.baseline
    assert design is not None and baseline is not None
    parts = [_area(design, baseline) if finding.quantity == "area" else _energy(design, baseline)]
    if finding.one_stage is not None:
        parts += [_best(built) for built in (design, baseline) if built.option.form]
        stages = f"{baseline.stages} stages" if baseline.stages > 1 else "one stage"
        parts.append(
            f"The best {baseline.spec.pe.upper()} has {stages} here; with cells of one stage, as "
            f"the paper builds them, the ratio is {finding.one_stage:.2f}."
        )
    if finding.published is not None:
        parts.append(f"The paper's own SAED32 rows give {finding.published:.2f}.")
    parts += _between(design, baseline, finding.quantity)
    parts += [finding.case.note] if finding.case.note else []
    return " ".join(parts)


def _best(built: Built) -> str:
    """Which form of a PE is its best."""
    return f"{built.spec.pe} is built with {form_text(built.option.form)}."


def _area(design: Built, baseline: Built) -> str:
    clock = baseline.clock_ns / design.clock_ns
    each = (design.area_um2 / design.macs_per_cycle) / (baseline.area_um2 / baseline.macs_per_cycle)
    return (
        f"Its clock is {clock:.2f} times the baseline's ({design.clock_ns:.2f} against "
        f"{baseline.clock_ns:.2f} ns), and it takes {each:.2f} times the area for one "
        "multiply-accumulate a cycle."
    )


def _energy(design: Built, baseline: Built) -> str:
    assert design.energy is not None and baseline.energy is not None
    return (
        f"{design.energy.fj_per_mac:.0f} against {baseline.energy.fj_per_mac:.0f} fJ a "
        "multiply-accumulate, each at its own clock."
    )


def _between(design: Built, baseline: Built, quantity: str) -> list[str]:
    """How much of the area is in no PE: the papers price PEs, and so do our energies."""
    shares = [
        (built.spec.pe, built.option.cells_share(built.spec.size)) for built in (design, baseline)
    ]
    told = [f"{(1 - share):.0%} of {pe}'s" for pe, share in shares if share is not None]
    if not told:
        return []
    none = ", which is in no energy here" if quantity == "energy" else ""
    return [f"Between the PEs lies {' and '.join(told)} area{none}."]


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding as JSON, with the sentence."""
    return {
        "case": finding.case.name,
        "quantity": finding.quantity,
        "claims": [{"value": c.value, "where": c.where} for c in finding.claims],
        "saed32": finding.published,
        "ours": finding.ours,
        "ours_over_one_stage": finding.one_stage,
        "spread_over_recipes": list(finding.spread) if finding.spread else None,
        "design": finding.design.to_json() if finding.design else None,
        "baseline": finding.baseline.to_json() if finding.baseline else None,
        "reason": finding.reason,
        "sentence": sentence(finding),
    }
