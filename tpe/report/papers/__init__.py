"""Papers' claims beside what this project measures: `tpe reproduce`, one module per paper.

A module `tpe/report/papers/x.py` defines `PAPER`: its claims as data, each with where it is
printed, and what is compared for each: engines (`PAPERS`), cells and modules of them (`CELLS`), or
tiles of cells with their tables and registers (`TILES`).
"""

from __future__ import annotations

import importlib

from tpe.base.errors import unknown
from tpe.report.papers.cells import CellPaper
from tpe.report.papers.facts import Paper
from tpe.report.papers.tiles import TilePaper

PAPERS = ("hpca25", "ent")
CELLS = ("fma_approxnorm", "lmul")
TILES = ("lut_tc", "mixpe", "ternary_lut")
NUMERICS = ("tensorcore",)  # of results alone: a module with TITLE, FACTS and `measured`
RUNS = ("gpperf",)  # of measurements that a file of theirs holds


def get(name: str) -> Paper:
    """The paper of that name; TpeError, with the legal ones, for another.

    >>> get("ent").title
    'EN-T (ICCD 2024, arXiv:2404.11887)'
    """
    if name not in PAPERS:
        raise unknown("paper", name, (*PAPERS, *CELLS, *TILES, *NUMERICS, *RUNS))
    found: Paper = importlib.import_module(f"tpe.report.papers.{name}").PAPER
    return found


def get_cells(name: str) -> CellPaper:
    """The paper of cells of that name, of `CELLS`.

    >>> get_cells("lmul").title
    'L-Mul (arXiv:2410.00907)'
    """
    found: CellPaper = importlib.import_module(f"tpe.report.papers.{name}").PAPER
    return found


def get_tiles(name: str) -> TilePaper:
    """The paper of tiles of that name, of `TILES`.

    >>> get_tiles("mixpe").title
    'MixPE (arXiv:2411.16158)'
    """
    found: TilePaper = importlib.import_module(f"tpe.report.papers.{name}").PAPER
    return found
