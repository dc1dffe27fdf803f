"""The models of cost: their training tables and the card of their scores, in models/.

    python -m tools.predictor            # tables from the table of parts and from runs, then card
    python -m tools.predictor --card     # the card alone

Run it after `python -m tools.part_table --pack`: what is learned is in the table that ships.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from tools.revision import commit
from tpe import pe as pes
from tpe.base.errors import TpeError
from tpe.base.files import whole_file
from tpe.model.engine import Engine
from tpe.predict.card import card, parameters_text
from tpe.predict.cost_model import PARAMETERS
from tpe.predict.training import CYCLES, PARTS, Row, cycle_row, is_data_dependent, part_row
from tpe.synth.area.part_table import rows as part_lines

MODELS = Path("models")
SHAPES, SIZES = 40, ((4, 4), (8, 8), (16, 16), (32, 32), (8, 32), (32, 8))
CHOICES = ({}, {"encoder": "ent"}, {"planes": "inner"}, {"planes": "msb_first"})


def cycle_rows(seed: int = 0) -> Iterator[Row]:
    """Runs of every PE whose cycles depend on operands: shapes, sizes and operands at random."""
    rng = np.random.default_rng(seed)
    shapes = np.exp(rng.uniform(np.log((1, 1, 8)), np.log((512, 512, 2048)), (SHAPES, 3)))
    for shape in shapes.round().astype(int):
        m, n, k = map(int, shape)
        sizes = rng.permutation(len(SIZES))[:2]
        a, b = _operand(rng, m, k), _operand(rng, k, n)
        for size in sizes:
            for engine in _engines(SIZES[size]):
                yield cycle_row(engine, a, b)


def _operand(rng: np.random.Generator, rows: int, cols: int) -> np.ndarray:
    """Normal, one-sided or sparse, int8."""
    values = rng.normal(0, np.exp(rng.uniform(np.log(3), np.log(60))), (rows, cols))
    kind = rng.integers(3)
    if kind == 1:
        values = np.maximum(values, 0)
    if kind == 2:
        values *= rng.random((rows, cols)) > rng.uniform(0.3, 0.9)
    return np.clip(values.round(), -128, 127).astype(np.int64)


def _engines(size: tuple[int, int]) -> Iterator[Engine]:
    for name in pes.of_integers():
        for choice in CHOICES:
            try:
                engine = Engine(name, "matrix2d", size, **choice)
            except TpeError:
                continue
            if is_data_dependent(engine):
                yield engine


def _write(rows: list[Row], name: str) -> None:
    with whole_file(MODELS / name) as temporary:
        pd.DataFrame(rows).to_csv(
            temporary, index=False, compression={"method": "gzip", "mtime": 0}, float_format="%.7g"
        )


def main() -> None:
    """Make the tables, then score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--card", action="store_true", help="score what is there alone")
    parser.add_argument("--parts", action="store_true", help="make the table of parts anew alone")
    options = parser.parse_args()
    MODELS.mkdir(exist_ok=True)
    if not options.card:
        _write([part_row(line) for line in part_lines()], PARTS)
        if not options.parts:
            _write(list(cycle_rows()), CYCLES)
    text, parameters = card(commit())
    for name, content in (("CARD.md", text), (PARAMETERS, parameters_text(parameters))):
        with whole_file(MODELS / name) as temporary:
            temporary.write_text(content)


if __name__ == "__main__":
    main()
