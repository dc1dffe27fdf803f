"""One word, one meaning: of classes, of the names of PEs and arrays, of what is public."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import tpe
from tpe import array as arrays
from tpe import pe as pes
from tpe.base import registry

ROOT = Path(tpe.__file__).parent
GLOSSARY = ROOT.parent / "docs/glossary.md"
PLACEHOLDERS = frozenset({"found", "own", "given", "made"})  # a noun says what it is
# A name may stand in its own file, in a constant that says what is taken by default, and here.
PLACES = {
    "engine/presets.py": "engines that are known by a name of their own",
    "report/papers": "which engines a paper speaks of",
    "hdl/mutate/subjects.py": "which engines faults are made in: a choice, as presets are",
}
EXCEPTIONS = {  # file and names -> why
    ("hdl/formal/array_lemmas.py", "matrix2d systolic_os systolic_ws"): "stems of RTL modules",
    ("hdl/foreign", "mac"): "a model that a user's PE stands beside; it has that name too",
}


@cache
def trees() -> dict[str, ast.Module]:
    files = sorted(ROOT.rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in files}


def test_a_class_name_has_one_meaning() -> None:
    places = defaultdict(list)
    for file, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(file)
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


# ---- names of PEs and arrays ----


@cache
def homes() -> dict[str, str]:
    """The file of every PE and array, by its name."""
    every = {**registry.built_in("tpe.pes"), **registry.built_in("tpe.arrays")}
    return {name: home.partition(":")[0].replace(".", "/")[4:] for name, home in every.items()}


def passed_over(tree: ast.Module) -> Iterator[ast.AST]:
    """Docstrings, and constants of a module that are defaults."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        if any(name.startswith(("DEFAULT", "BASELINE")) for name in names):
            yield node


def named(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, name) of every PE or array that is named by a literal, or in a part of an f-string."""
    over = {id(inner) for node in passed_over(tree) for inner in ast.walk(node)}
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if id(node) in over or not isinstance(node, ast.Constant):
            continue
        if isinstance(node.value, str):
            words = re.findall(r"\w+", node.value) if id(node) in parts else [node.value]
            yield from ((node.lineno, word) for word in words if word in homes())


def excepted(file: str, name: str) -> bool:
    if file == f"{homes()[name]}.py" or any(file.startswith(place) for place in PLACES):
        return True
    return any(file.startswith(where) and name in names.split() for where, names in EXCEPTIONS)


def test_no_pe_and_no_array_is_named_outside_its_file() -> None:
    assert set(homes()) == {*pes.names(), *arrays.names()}
    wrong = [
        f"{file}:{line}: {name}"
        for file, tree in trees().items()
        for line, name in named(tree)
        if not excepted(file, name)
    ]
    assert wrong == []


def test_no_exception_is_left_over() -> None:
    names = {file: {name for _, name in named(tree)} for file, tree in trees().items()}
    for place in PLACES:
        assert any(file.startswith(place) and names[file] for file in names), place
    for where, listed in EXCEPTIONS:
        there = set().union(*(names[file] for file in names if file.startswith(where)))
        assert set(listed.split()) <= there, where


def test_the_test_sees_literals_and_parts_of_f_strings() -> None:
    code = 'DEFAULT_PE = "opt1"\nx = pe == "opt1"\ny = f"{x} of mac"\nz = "a mac"\n"""opt1"""'
    assert list(named(ast.parse(code))) == [(2, "opt1"), (3, "mac")]


# ---- public names ----


def public(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, name) of public functions, their parameters, classes and their fields."""

    def visit(body: list[ast.stmt]) -> Iterator[tuple[int, str]]:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if not node.name.startswith("_") or node.name == "__init__":
                    of = node.args
                    every = [*of.posonlyargs, *of.args, *of.kwonlyargs, of.vararg, of.kwarg]
                    yield node.lineno, node.name
                    yield from ((node.lineno, arg.arg) for arg in every if arg)
            elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.lineno, node.name
                yield from visit(node.body)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                yield node.lineno, node.target.id

    yield from visit(tree.body)


def test_public_names_are_nouns_where_there_is_one() -> None:
    wrong = [
        f"{file}:{line}: {name}"
        for file, tree in trees().items()
        for line, name in public(tree)
        if name.lower() in PLACEHOLDERS
    ]
    assert wrong == []


# ---- the glossary ----


def glossary() -> list[tuple[str, str, str]]:
    rows = [line.strip("|").split(" | ") for line in GLOSSARY.read_text().splitlines()]
    return [tuple(cell.strip() for cell in row) for row in rows if len(row) == 3][1:]  # type: ignore[misc]


def test_the_glossary_is_in_order_and_has_a_word_once() -> None:
    words = [word.lower() for word, _, _ in glossary()]
    assert len(words) > 40
    assert words == sorted(set(words))


@pytest.mark.parametrize("row", [row for row in glossary() if row[1]], ids=lambda row: row[0])
def test_what_the_glossary_names_is_there(row: tuple[str, str, str]) -> None:
    for name in re.findall(r"`([\w.]+)`", row[1]):
        module, _, attribute = name.rpartition(".")
        found = getattr(import_module(f"tpe.{module}"), attribute)
        assert found.__doc__


def test_words_in_code_that_the_glossary_uses_are_words_of_the_code() -> None:
    text = " ".join(path.read_text() for path in sorted(ROOT.rglob("*.py")))
    words = set(re.findall(r"\w+", text))
    for word, _, meaning in glossary():
        for name in re.findall(r"`(\w+)`", meaning):
            assert name in words, f"{word}: {name}"
