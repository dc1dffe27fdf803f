"""The formats of a run's operands, apart from the engine's: a set of columns, `operands`."""

from __future__ import annotations

from tpe.base.columns import Column
from tpe.model.columns import ColumnSet, Values
from tpe.model.result import RunRecord

SIDES = ("a", "b")
_MOST = 3  # layers that a line names


def operand_types(run: RunRecord) -> Values:
    """Formats of every layer's operands; of all together None where layers differ."""
    found: dict[str, list[str | None]] = {}
    for side in SIDES:
        own = str(run.engine.params[f"{side}_type"])
        each = [getattr(layer, f"{side}_type") or own for layer in run.layers]
        found[f"operands_{side}_type"] = [*each, each[0] if len({*each}) == 1 else None]
    return found


def narrower(run: RunRecord) -> str:
    """A line about layers whose operands have other formats than the hardware; "" without any.

    >>> from tpe.model.engine import Engine
    >>> from tpe.workloads import workload
    >>> found = workload("gemm:2x3x4", types={"gemm": {"b_type": "int4"}})
    >>> narrower(Engine("mac", "matrix2d", "2x2").run(found))
    'Operands narrower than the hardware, int8 x int8: int8 x int4 (gemm).'
    """
    types = operand_types(run)
    pairs = zip(*(types[f"operands_{side}_type"][:-1] for side in SIDES), strict=True)
    own = tuple(str(run.engine.params[f"{side}_type"]) for side in SIDES)
    found: dict[tuple[str, ...], list[str]] = {}
    for layer, pair in zip(run.layers, pairs, strict=True):
        if pair != own:
            found.setdefault(pair, []).append(layer.name)
    parts = []
    for pair, names in found.items():
        rest = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
        parts.append(f"{' x '.join(pair)} ({', '.join(names[:_MOST])}{rest})")
    if not parts:
        return ""
    return f"Operands narrower than the hardware, {' x '.join(own)}: {', '.join(parts)}."


OPERANDS = ColumnSet(
    "operands",
    (
        Column("operands_a_type", "text", "", "format of the activations themselves"),
        Column("operands_b_type", "text", "", "format of the weights themselves"),
    ),
    operand_types,
)
