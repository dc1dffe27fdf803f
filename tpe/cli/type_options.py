"""The option `--types`: formats of single layers' operands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from tpe.cli.paths import READS

TypesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--types",
        metavar="LAYER:b_type=F|FILE.csv",
        help="Formats of single layers' operands, a_type, b_type or both, on the engine's own "
        "hardware; may be repeated. The .csv has the columns layer,a_type,b_type.",
    ),
    READS,
]


def types_of(texts: Iterable[str] | None) -> dict[str, Any]:
    """The option `--types` as `tpe.workload` takes it; nothing where it is not given."""
    from tpe.workloads.layer_types import layer_types

    return {"types": layer_types(*texts)} if texts else {}


def types_words(texts: Iterable[str] | None) -> list[str]:
    """The same option as it is echoed."""
    return [word for text in texts or () for word in ("--types", text)]
