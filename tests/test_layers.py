"""The house: rooms import lower layers and themselves, in no circle; lazily and for types too."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import tpe

ROOT = Path(tpe.__file__).parent
LAYERS = (
    ("base", "version"),
    ("numbers", "technology"),
    ("nest", "workloads"),
    ("pe",),
    ("array",),
    ("engine",),
    ("model",),
    ("hdl", "torch"),
    ("synth", "testing"),
    ("study", "predict"),
    ("explore",),
    ("report",),
    ("cli",),
)
LONGEST_MODULE, LONGEST_FUNCTION = 400, 60  # lines
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}


def files() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT)


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def is_module(name: str) -> bool:
    path = ROOT.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def imported(path: Path) -> Iterator[str]:
    """Modules of `tpe` that a file imports anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "tpe")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "tpe":
            assert node.module is not None
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if is_module(full) else node.module


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


def climbs() -> set[tuple[str, str]]:
    """(file, room) of imports that do not go down."""
    found = set()
    for path in files():
        own = room_of(path)
        for name in imported(path):
            assert name != "tpe", f"{path}: imports the face; legal: the room that holds it"
            room = name.split(".")[1]
            if room != own and LEVEL[room] >= LEVEL[own]:
                found.add((path.relative_to(ROOT).as_posix(), room))
    return found


def test_every_room_is_in_a_layer() -> None:
    rooms = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()}
    assert rooms <= set(LEVEL)


def test_imports_go_down() -> None:
    assert not climbs()


def test_no_module_imports_itself_by_way_of_others() -> None:
    """In no room: a module is read after all that it imports, lazily or not."""
    graph = {name_of(path): set(imported(path)) - {name_of(path)} for path in files()}
    assert graph["tpe.model.engine"] > {"tpe.model.runnable", "tpe.engine.config"}
    TopologicalSorter(graph).prepare()  # CycleError, with the circle, if there is one


def test_the_test_sees_lazy_imports_and_those_for_types() -> None:
    assert "tpe.report.papers.words" in set(imported(ROOT / "cli" / "commands" / "reproduce.py"))
    assert "tpe.engine.config" in set(imported(ROOT / "model" / "firings.py"))


def test_no_module_and_no_function_is_long() -> None:
    for path in sorted(ROOT.rglob("*.py")):
        text = path.read_text()
        assert text.count("\n") <= LONGEST_MODULE, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                lines = node.end_lineno - node.lineno + 1
                assert lines <= LONGEST_FUNCTION, f"{path}: {node.name} has {lines} lines"


@pytest.mark.parametrize("room", [room for room in LEVEL if (ROOT / room).is_dir()])
def test_a_room_loads_lower_layers_only(room: str) -> None:
    names = [
        name_of(path)
        for path in files()
        if room_of(path) == room and path.name not in ("worker.py", "supervisor.py")
    ]
    code = f"import sys\nfor name in {names!r}: __import__(name)\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[1] for name in done.stdout.split() if name.startswith("tpe.")}
    below = {other for other in LEVEL if LEVEL[other] < LEVEL[room]}
    assert loaded <= {room, "base", "version", *below}  # `import tpe` loads two of the lowest
