"""What a paper claims, as data: a figure, where it is printed, and the engines that it compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Where = Literal["abs", "read", "repo"]
PRINTED: dict[Where, str] = {
    "abs": "abstract",
    "read": "evaluation section, as quoted in reading notes",
    "repo": "its repository",
}
QUANTITIES = {"area": "area efficiency", "energy": "energy efficiency"}


@dataclass(frozen=True)
class Claim:
    """A ratio to the baseline, as printed: 1.27 is 27 % better."""

    value: float
    where: Where


@dataclass(frozen=True)
class Spec:
    """An engine to be built, and which of its parameters synthesis may choose.

    vary -- what synthesis tries other values of: see `tpe.synth.area.designs.VARIED`
    lean -- whether its other forms are tried too: see `tpe.study.forms`
    """

    pe: str
    array: str
    size: tuple[int, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    vary: tuple[str, ...] = ("tree", "negate")
    lean: bool = False


@dataclass(frozen=True)
class PaperCase:
    """One comparison: a design over a baseline, what the paper says of it, what its repository.

    saed32 -- (design, variant) and the baseline's, of the published synthesis rows; None if the
              rows have no such pair
    note   -- what has to be said beside it
    """

    name: str
    design: Spec
    baseline: Spec
    area: tuple[Claim, ...] = ()
    energy: tuple[Claim, ...] = ()
    saed32: tuple[tuple[str, str], tuple[str, str]] | None = None
    note: str = ""


@dataclass(frozen=True)
class Paper:
    """A paper's cases, and what it says of why; its workload is one `gemm:MxNxK:DISTRIBUTION`."""

    name: str
    title: str
    node: str
    workload: str
    cases: tuple[PaperCase, ...]
    facts: tuple[str, ...] = ()

    @property
    def operands(self) -> str:
        """How operands are drawn, for cycles and energies alike: that of the workload.

        >>> Paper("own", "Own", "none", "gemm:8x8x8:normal:20", ()).operands
        'normal:20'
        """
        _, _, given = self.workload.removeprefix("gemm:").partition(":")
        return given or "uniform"
