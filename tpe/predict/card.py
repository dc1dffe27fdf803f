"""The card of the models that ship: what they were made of, how well they predict what is new."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from tpe.predict.cost_model import FOLDS, MODELS, Problem, cycles_problem, parts_problem
from tpe.predict.scoring import (
    Fold,
    Hull,
    coverage,
    grouped_folds,
    half_width,
    held_out,
    importance,
    one_group_each,
    r2,
)
from tpe.predict.table import Floats
from tpe.predict.training import CYCLES, PARTS, training

SEED, MOST = 0, 8
PROBLEMS: dict[str, tuple[str, Callable[..., Problem]]] = {
    "parts": (PARTS, parts_problem),
    "cycles": (CYCLES, cycles_problem),
}


def card(commit: str) -> tuple[str, dict[str, Any]]:
    """(the card as Markdown, the parameters that go with it)."""
    lines = [
        "# Models of cost",
        "",
        f"Made by `python -m tools.predictor` at {commit}. Relative errors are of rows that were "
        "held out whole: `cells`, five folds of equal cells (of cycles: of equal GEMM shapes); "
        "`PE`, each PE left out alone. Closed form: of area and period a log-linear fit to bits of "
        "primitives and widths; of cycles the array's on zeros, and what an operand takes alone "
        "beyond a zero. "
        "Log-linear: to all inputs. `of ratio`: what the closed form leaves.",
        "",
    ]
    parameters: dict[str, Any] = {"seed": SEED}
    for kind, (file, make) in PROBLEMS.items():
        frame = training(file)
        problem = make(frame, SEED, file)
        text, best, widths = _scored(problem, kind)
        head = f"## {kind}: {file}, {len(frame):,} rows, {len(set(problem.cells))} groups"
        lines += [head, "", *text]
        names = sorted(set(frame["pe"]))
        lines += _left_out(problem, best, names)
        parameters[kind] = {"model": best, "seed": SEED, "widths": widths}
    return "\n".join(lines) + "\n", parameters


def _scored(problem: Problem, kind: str) -> tuple[list[str], str, dict[str, float]]:
    """Scores of every model, the best on grouped folds, its widths by output."""
    folds = grouped_folds(problem.cells, FOLDS, SEED)
    lefts = list(one_group_each(problem.pes))
    many = [_two(problem, name, folds) for name in MODELS]
    errors = [np.abs(np.exp(missed) - 1).mean() for missed in many]
    best = MODELS[int(np.argmin(errors))]
    lines = _table(("model", *problem.outputs, *(f"PE: {n}" for n in problem.outputs), "in 90 %"))
    for name, missed in zip(MODELS, many, strict=True):
        other = _two(problem, name, lefts)
        inside = [coverage(m, problem.cells, folds) for m in missed.T]
        cells = [*_percents(missed), *_percents(other), f"{np.mean(inside):.0%}"]
        lines.append(_line((f"**{name}**" if name == best else name, *cells)))
    widths = {
        output: half_width(missed, problem.cells)
        for output, missed in zip(problem.outputs, many[MODELS.index(best)].T, strict=True)
    }
    ratios = ", ".join(f"{name} {np.exp(x):.3g}" for name, x in widths.items())
    make = partial(problem.make, best)
    costs = importance(make, problem.x, problem.y, folds, problem.names, SEED)
    first = ", ".join(f"`{n}` {x:.3f}" for n, x in list(costs.items())[:MOST])
    lines += [
        "",
        f"The best on held-out {'cells' if kind == 'parts' else 'shapes'} is {best}; its 90 % "
        f"intervals are these factors either way: {ratios}. {_beside(MODELS, errors)} "
        f"{_shuffled(problem, best, folds)} Log error that shuffling an input adds, held out: "
        f"{first}.",
        "",
    ]
    return lines, best, widths


def _two(problem: Problem, name: str, folds: list[Fold]) -> Floats:
    """(rows, outputs) of log ratios, predicted to measured, of rows that were held out."""
    found = held_out(partial(problem.make, name), problem.x, problem.y, folds) - problem.y
    return found.reshape(len(found), -1)


def _beside(names: tuple[str, ...], errors: list[Any]) -> str:
    forest = min(e for n, e in zip(names, errors, strict=True) if n.startswith("forest"))
    other = min(e for n, e in zip(names, errors, strict=True) if not n.startswith("forest"))
    if other < forest:
        return f"A model that is no forest beats it: {other:.1%} against {forest:.1%}."
    return f"The forest beats what is none: {forest:.1%} against {other:.1%}."


def _shuffled(problem: Problem, name: str, folds: list[Fold]) -> str:
    """What is left where the targets, or their ratios to a closed form, are shuffled."""
    order = np.random.default_rng(SEED).permutation(len(problem.y))
    base = np.zeros_like(problem.y) if problem.closed is None else problem.x[:, problem.closed]
    ratios = (problem.y - base)[order]
    found = held_out(partial(problem.make, name), problem.x, base + ratios, folds) - base
    what = "targets" if problem.closed is None else "ratios to the closed form"
    middle = ratios.mean(axis=0)  # of each output: one differs from another whatever is learned
    return f"With shuffled {what} R2 is {r2(ratios - middle, found - middle):.2f}."


def _left_out(problem: Problem, best: str, names: list[str]) -> list[str]:
    """Every PE left out: errors, and how many of its rows the hull of the others warns of."""
    lines = ["Each PE left out, the mean error by output:", ""]
    lines += _table(("PE", "rows", *problem.outputs, "outside the hull"))
    for train, test in one_group_each(problem.pes):
        model = problem.make(best).fit(problem.x[train], problem.y[train])
        missed = (model.predict(problem.x[test]) - problem.y[test]).reshape(len(test), -1)
        hull = Hull.of(problem.x[train], problem.names)
        warned = sum(bool(text) for text in hull.outside(problem.x[test]))
        name = names[int(problem.pes[test[0]])]
        cells = (f"`{name}`", str(len(test)), *_percents(missed), f"{warned / len(test):.0%}")
        lines.append(_line(cells))
    return [*lines, ""]


def _percents(missed: Floats) -> Iterator[str]:
    return (f"{x:.1%}" for x in np.abs(np.exp(missed) - 1).mean(axis=0))


def _table(heads: tuple[str, ...]) -> list[str]:
    return [_line(heads), "|---" + "|--:" * (len(heads) - 1) + "|"]


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def parameters_text(parameters: dict[str, Any]) -> str:
    """The parameters as a file."""
    return json.dumps(parameters, indent=1) + "\n"
