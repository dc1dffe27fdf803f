"""Papers' claims beside what this project measures: `tpe reproduce`, one module per paper.

A module `tpe/report/papers/x.py` defines `PAPER`: its claims as data, each with where it is
printed, and the engines that are compared for each.
"""

from __future__ import annotations

import importlib

from tpe.base.errors import unknown
from tpe.report.papers.facts import Paper

PAPERS = ("hpca25", "ent")
NUMERICS = ("tensorcore",)  # of results alone: a module with TITLE, FACTS and `measured`


def get(name: str) -> Paper:
    """The paper of that name; TpeError, with the legal ones, for another.

    >>> get("ent").title
    'EN-T (ICCD 2024, arXiv:2404.11887)'
    """
    if name not in PAPERS:
        raise unknown("paper", name, (*PAPERS, *NUMERICS))
    found: Paper = importlib.import_module(f"tpe.report.papers.{name}").PAPER
    return found
