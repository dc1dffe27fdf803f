"""`engine.toml`, presets and the hash: what is saved comes back, what is wrong is one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

import tpe
from tpe import array as arrays
from tpe import pe as pes
from tpe.array import combinations
from tpe.cli.main import app
from tpe.engine.file import MAX_BYTES, find_engine, load_engine
from tpe.engine.parameters import parameters_of
from tpe.engine.presets import PRESETS, Preset
from tpe.engine.written import engine_toml
from tpe.testing.cases import fitted, taken, takes

LEGAL = [(pe.name, array.name) for pe, array, reason in combinations() if reason is None]
SMALL = ("--workload", "gemm:5x6x7")


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def toml(engine: tpe.Config) -> str:
    return engine_toml(*engine.listed(), engine.params)


def refused(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert result.stdout == "" and result.stderr.count("\n") == 1
    return result.stderr


def write(folder: Path, text: str | bytes) -> Path:
    file = folder / "engine.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


# ---- there and back ----


@pytest.mark.parametrize(("pe", "array"), LEGAL)
def test_a_saved_engine_comes_back(pe: str, array: str, tmp_path: Path) -> None:
    record = arrays.get(array)
    chosen = pes.get(pe).parameters if array == "matrix2d" else record.parameters(pes.get(pe))
    params: dict[str, Any] = {}
    for p in chosen:
        if takes(record, pes.get(pe), {**params, p.name: p.legal[-1]}):
            params[p.name] = p.legal[-1]
    assert params.keys() or not chosen
    params |= taken(pes.get(pe), b_type="int4", encode="weights")
    size = fitted(pes.get(pe), record, (3, 5, 2)[: len(record.sides)], params)
    engine = tpe.Engine(pe, array, size, **params)
    file = tmp_path / "engine.toml"
    engine.save(file)
    again = tpe.Engine.load(file)
    assert again.describe() == engine.describe() and again.params == engine.params
    assert again.hash == engine.hash
    assert again.run("gemm:4x5x6").rows() == engine.run("gemm:4x5x6").rows()
    assert [path.name for path in tmp_path.iterdir()] == ["engine.toml"]


@given(st.data())
def test_any_engine_comes_back_and_its_hash_is_its_content(data: Any) -> None:
    import tempfile

    engines = []
    for _ in range(2):
        pe, array = data.draw(st.sampled_from(LEGAL))
        choices = {
            p.name: data.draw(st.sampled_from([p.default, p.legal[0], p.legal[-1]]))
            for p in parameters_of(pes.get(pe))
        }
        try:
            engines.append(tpe.Engine(pe, array, "2x3", **choices))
        except tpe.TpeError:
            return
    with tempfile.TemporaryDirectory() as folder:
        for engine in engines:
            engine.save(f"{folder}/e.toml")
            assert tpe.Engine.load(f"{folder}/e.toml").describe() == engine.describe()
    one, two = engines
    assert (one.hash == two.hash) == (one.describe() == two.describe())


def test_a_file_holds_every_parameter_and_says_what_it_is_for() -> None:
    engine = tpe.Engine("opt4c", size="4x8", scale_type="fp16")
    text = toml(engine)
    for parameter in parameters_of(engine.pe, engine.array):
        if parameter.optional and parameter.name != "scale_type":  # at its default
            assert parameter.name not in text
            continue
        assert f"\n{parameter.name} = " in text and f"  # {parameter.doc}" in text
    assert 'size = "4x8"' in text and "depth = 4096 " in text and 'encoder = "ent" ' in text


def test_the_hash_is_the_same_in_every_process_and_layout(tmp_path: Path) -> None:
    one = write(tmp_path, 'pe="mac"\narray="os"\nsize="2x4"')
    short = tpe.Engine.load(one).hash
    text = (
        "# a comment\nsize = '2X4'\n  array = \"systolic_os\"\npe = 'mac'\n"
        "parameters = {acc_bits = 0x20, a_type = 'int8'}\n"
    )
    assert tpe.Engine.load(write(tmp_path, text)).hash == short
    code = "import tpe; print(tpe.Engine('mac', 'os', (2, 4)).hash)"
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == short
    assert len(short) == 12 and int(short, 16) >= 0


@pytest.mark.parametrize(
    "other",
    [
        tpe.Engine("opt1", "os", "2x4"),
        tpe.Engine("mac", "matrix2d", "2x4"),
        tpe.Engine("mac", "os", "4x2"),
        tpe.Engine("mac", "os", "2x4", stages=2),
        tpe.Engine("mac", "os", "2x4", acc_bits=33),
        tpe.Engine("mac", "os", "2x4", b_type="int7"),
        tpe.Engine("mac", "os", "2x4", overflow="wrap"),
    ],
)
def test_whatever_changes_behaviour_changes_the_hash(other: tpe.Engine) -> None:
    assert other.hash != tpe.Engine("mac", "os", "2x4").hash


def test_engines_of_nests_have_hashes_and_a_config_takes_none() -> None:
    from tpe.nest.notation import mac, tile

    one, two = tpe.NestEngine(mac(*tile(2, 2, 4))), tpe.NestEngine(mac(*tile(2, 3, 4)))
    assert one.hash != two.hash == tpe.NestEngine(mac(*tile(2, 3, 4))).hash
    with pytest.raises(tpe.TpeError, match=r"a nest runs as tpe\.NestEngine"):
        tpe.Engine(one.nest)


def test_an_engine_of_a_pe_of_ones_own_cannot_be_saved(tmp_path: Path) -> None:
    from dataclasses import replace

    engine = tpe.Engine(replace(pes.get("mac"), title="mine"))
    with pytest.raises(tpe.TpeError, match="pe mac is a record of your own"):
        engine.save(tmp_path / "x.toml")


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(tpe.TpeError, match="No such file or directory"):
        tpe.Engine("mac").save(tmp_path / "none" / "x.toml")
    with pytest.raises(tpe.TpeError, match="not a regular file"):
        tpe.Engine("mac").save(tmp_path)


def test_parameters_replace_those_of_a_file(tmp_path: Path) -> None:
    file = write(tmp_path, toml(tpe.Engine("opt4c", depth=64)))
    assert tpe.Engine.load(file, depth=8).params["depth"] == 8
    assert load_engine(tpe.Engine, file).params["depth"] == 64
    with pytest.raises(tpe.TpeError) as caught:
        tpe.Engine.load(file, depth=9)
    assert str(caught.value).startswith("depth = 9 is not legal")  # not the file's fault


# ---- files that are wrong ----

GOOD = 'pe = "mac"\narray = "os"\nsize = "2x4"\n'
BAD: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "pe is missing; legal: "),
    "no array": ('pe = "mac"\nsize = "2x2"', 'array is missing; legal: "adder_tree"'),
    "no size": ('pe = "mac"\narray = "os"', 'size is missing; legal: text, "ROWSxCOLS"'),
    "unknown field": (GOOD + "rows = 3", "unknown field 'rows'; legal: pe, array, size"),
    "nearly a field": (GOOD + "[paramters]\nstages = 2", "did you mean '[parameters]'"),
    "unknown pe": (GOOD.replace("mac", "mca"), "unknown pe 'mca' (did you mean 'mac'?)"),
    "unknown array": (GOOD.replace("os", "osc"), "unknown array 'osc'"),
    "illegal pair": (GOOD.replace("mac", "opt4c"), "legal arrays for opt4c: matrix2d"),
    "pe a number": (GOOD.replace('"mac"', "3"), "pe is 3, a number; legal: "),
    "size a list": (GOOD.replace('"2x4"', "[2, 4]"), "size is [2, 4], a list; legal: text"),
    "size a flag": (GOOD.replace('"2x4"', "true"), "size is True, a flag"),
    "size illegal": (GOOD.replace("2x4", "0x4"), "size = '0x4' is not legal"),
    "size three": (GOOD.replace("2x4", "2x4x4"), "size = '2x4x4' is not legal"),
    "parameters text": (GOOD + 'parameters = "x"', "parameters is 'x', a text; legal: a table"),
    "unknown parameter": (GOOD + "[parameters]\ndepth = 8", "unknown parameter of mac 'depth'"),
    "near parameter": (GOOD + "[parameters]\nstagse = 2", "did you mean 'stages'"),
    "parameter a text": (
        GOOD + '[parameters]\nstages = "2"',
        "parameters.stages is '2', a text; legal: an integer from 1 to 3",
    ),
    "parameter a float": (GOOD + "[parameters]\nstages = 2.0", "a number with a point; legal"),
    "parameter infinite": (GOOD + "[parameters]\nstages = inf", "parameters.stages is inf"),
    "parameter a flag": (GOOD + "[parameters]\nstages = true", "parameters.stages is True"),
    "parameter a date": (GOOD + "[parameters]\nstages = 2020-01-01", "a date; legal"),
    "parameter a table": (GOOD + "[parameters.stages]\nx = 1", "a table; legal: an integer"),
    "parameter a number": (GOOD + "[parameters]\na_type = 8", "parameters.a_type is 8, a number"),
    "parameter illegal": (GOOD + "[parameters]\nstages = 9", "stages = 9 is not legal"),
    "choice illegal": (GOOD + '[parameters]\nencode = "weight"', "did you mean 'weights'"),
    "pair illegal": (GOOD + "[parameters]\nacc_bits = 16\na_type='int16'", "needs 24"),
    "no toml": ("pe = mac", "not TOML: Invalid value (at line 1"),
    "json": ('{"pe": "mac"}', "not TOML: "),
    "twice": (GOOD + 'pe = "opt1"\n\n', "not TOML: Cannot overwrite a value (at line 4"),
    "open string": (GOOD + 'x = "abc', "not TOML: "),
    "truncated": (GOOD + "[param", "not TOML: "),
    "not text": (GOOD.encode() + b"# \xff\xfe", ":4: cannot be read as engine file: byte 0xff"),
    "NUL": (GOOD + "\0", "NUL bytes"),
    "deep": (GOOD + "x = " + "[" * 50_000, "nested deeper than 32"),
    "a little deep": (GOOD + "x = " + "[" * 33 + "]" * 33, "nested deeper than 32"),
    "packed": (b"\x1f\x8b\x08", "packed with gzip"),
    "long number": (GOOD + "x = " + "9" * 10_000, "not TOML that can be read"),
    "long value": (GOOD.replace('"2x4"', str(["a" * 50] * 9)), "...,"),
    "large": (GOOD + "#" + " " * MAX_BYTES, "64 KiB; at most 64 KiB"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_file_is_one_line_that_names_it(case: str, tmp_path: Path) -> None:
    text, part = BAD[case]
    file = write(tmp_path, text)
    with pytest.raises(tpe.TpeError) as caught:
        tpe.Engine.load(file)
    message = str(caught.value)
    assert message.startswith((f"engine file '{file}'", f"{file}:")) and part in message, message
    assert "\n" not in message and len(message) < 600


def test_files_that_are_none(tmp_path: Path) -> None:
    for path, part in (
        (tmp_path / "none.toml", "No such file"),
        (tmp_path, "a folder"),
    ):
        with pytest.raises(tpe.TpeError, match=part):
            tpe.Engine.load(path)
    with pytest.raises(tpe.TpeError, match="not a regular file"):
        tpe.Engine.load("/dev/zero")


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    assert tpe.Engine.load(write(tmp_path, b"\xef\xbb\xbf" + GOOD.encode())).rows == 2


# ---- presets ----


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_built_as_it_says_or_says_why_not(name: str) -> None:
    preset = PRESETS[name]
    assert preset.name == name and len(preset.title.split()) <= 5
    assert preset.source and preset.differs
    row = preset.describe()
    assert row["available"] == (row["reason"] is None)
    if row["available"]:
        engine = find_engine(tpe.Engine, name)
        given = (engine.describe()["pe"], engine.describe()["array"])
        assert given == (preset.pe, preset.array)
        assert "x".join(str(n) for n in engine.size) == preset.size
        assert {key: engine.params[key] for key in preset.parameters} == preset.parameters
    else:
        with pytest.raises(tpe.TpeError, match="is not available: "):
            find_engine(tpe.Engine, name)


def test_no_array_stands_in_for_another() -> None:
    assert PRESETS["tpu_v1_like"].array == "systolic_ws"
    assert PRESETS["tpu_v1_like"].size == "256x256"
    assert PRESETS["ascend_like_cube"].array == "cube3d"
    for name in ("tpu_v1_like", "ascend_like_cube"):
        assert (PRESETS[name].unavailable() is None) == (PRESETS[name].array in arrays.names())


def test_a_preset_that_no_longer_builds_says_why() -> None:
    preset = Preset("x", "x", "x", "x", "mac", "systolic_os", "9999x1")
    assert preset.unavailable() is not None and "9999x1" in str(preset.unavailable())
    preset = Preset("x", "x", "x", "x", "none_such", "systolic_os", "1x1")
    assert preset.unavailable() == "it needs the PE none_such, which this version does not have"


def test_the_list_has_them_with_their_sources() -> None:
    text = " ".join(run("list").stdout.split())
    for preset in PRESETS.values():
        assert preset.name in text and f"{preset.source}. Differs: {preset.differs}" in text
    rows = json.loads(run("list", "--json", "-").stdout)["presets"]
    assert rows == [preset.describe() for preset in PRESETS.values()]


# ---- --engine ----


@pytest.mark.parametrize("verb", ["run", "show"])
def test_an_engine_of_a_file_is_the_engine_of_the_options(verb: str, tmp_path: Path) -> None:
    file = tmp_path / "e.toml"
    tpe.Engine("opt4c", size="4x8", depth=64, encoder="booth").save(file)
    words = SMALL if verb == "run" else ()
    one = run(verb, "--engine", str(file), *words, "--json", "-")
    options = ("--pe", "opt4c", "--size", "4x8", "-p", "depth=64", "-p", "encoder=booth")
    assert (one.exit_code, one.stdout) == (0, run(verb, *options, *words, "--json", "-").stdout)


def test_p_replaces_a_parameter_of_the_engine(tmp_path: Path) -> None:
    file = tmp_path / "e.toml"
    tpe.Engine("opt4c", size="4x8", depth=64).save(file)
    first = run("run", "--engine", str(file), *SMALL, "-p", "depth=8").stdout.splitlines()[0]
    assert "--pe opt4c --size 4x8 " in first and first.endswith(" -p depth=8")


def test_show_saves_what_engine_reads(tmp_path: Path) -> None:
    file = tmp_path / "e.toml"
    shown = run("show", "--pe", "opt4c", "--size", "4x8", "--save", str(file))
    assert shown.exit_code == 0 and f"engine in {file}" in shown.stdout
    engine = tpe.Engine.load(file)
    assert engine.hash == tpe.Engine("opt4c", size="4x8").hash
    assert f"hash     {engine.hash}" in shown.stdout
    assert (
        json.loads(run("show", "--engine", str(file), "--json", "-").stdout)["hash"] == engine.hash
    )


def test_emit_takes_an_engine(tmp_path: Path) -> None:
    file = tmp_path / "e.toml"
    tpe.Engine("opt1", "os", size="2x3").save(file)
    result = run("emit", "--engine", str(file), "-o", str(tmp_path / "rtl"))
    assert result.exit_code == 0, result.output
    assert (tmp_path / "rtl" / "tpe_opt1_systolic_os_2x3.sv").exists()


@pytest.mark.parametrize("verb", ["run", "show", "emit", "verify", "compare"])
def test_engine_beside_what_it_stands_for_is_refused(verb: str) -> None:
    for option, value in (("--pe", "mac"), ("--array", "os"), ("--size", "4x4")):
        text = refused(verb, "--engine", "edge_16x16", option, value)
        assert f"{option} {value} and --engine are both given" in text
    assert "unknown engine 'edge_16x1' (did you mean 'edge_16x16'?)" in refused(
        verb, "--engine", "edge_16x1"
    )
    assert "No such file" in refused(verb, "--engine", "none.toml")
    assert (
        "unknown parameter of edge_16x16 'depth'"
        in refused(verb, "--engine", "edge_16x16", "-p", "depth=8")
        or verb == "compare"
    )


def test_show_refuses_a_path_before_it_works(tmp_path: Path) -> None:
    assert "No such file" in refused("show", "--save", "/none/such/e.toml")


# ---- SCALE-Sim configurations ----

PRESETS_OF_SCALE_SIM = """[general]
run_name = example

[architecture_presets]
ArrayHeight:    32
ArrayWidth:     16
IfmapSramSzkB:   64
IfmapOffset:    0
Bandwidth : 10
Dataflow : ws

[sparsity]
SparsitySupport : false
BlockSize : 8
"""


@pytest.mark.parametrize(
    ("flow", "array", "encode"),
    [
        ("os", "systolic_os", "activations"),
        ("ws", "systolic_ws", "activations"),
        ("is", "systolic_is", "weights"),
        ('"is"', "systolic_is", "weights"),
    ],
)
def test_a_scale_sim_configuration_is_an_engine(
    flow: str, array: str, encode: str, tmp_path: Path
) -> None:
    file = tmp_path / "scale.cfg"
    file.write_text(PRESETS_OF_SCALE_SIM.replace("Dataflow : ws", f"Dataflow : {flow}  # one"))
    with pytest.warns(UserWarning, match="not modelled: IfmapSramSzkB = 64, Bandwidth = 10$"):
        engine = tpe.Engine.load(file, b_type="int4")
    same = tpe.Engine("mac", array, "32x16", encode=encode, b_type="int4")
    assert engine.hash == same.hash


def test_input_stationary_keeps_the_activations(tmp_path: Path) -> None:
    """As many loads as tiles of A: weights stream past each."""
    file = tmp_path / "scale.cfg"
    text = PRESETS_OF_SCALE_SIM.replace("32", "4").replace("16", "4")
    a, b = np.ones((4, 4), int), np.ones((4, 400), int)
    loads = {}
    for flow in ("ws", "is"):
        file.write_text(text.replace("Dataflow : ws", f"Dataflow : {flow}"))
        with pytest.warns(UserWarning, match="Bandwidth"):
            loads[flow] = tpe.Engine.load(file).run(a, b).layers[0].terms.load
    assert loads["ws"] == 100 * loads["is"] > 0


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("32", "0", "ArrayHeight is '0'; legal: an integer, 1 to 1024"),
        ("32", "", "ArrayHeight is ''"),
        ("ArrayWidth:     16\n", "", "ArrayWidth is missing; legal"),
        ("ws", "wss", "unknown Dataflow 'wss'"),
        ("Dataflow : ws\n", "", "Dataflow is missing; legal: os, ws, is"),
        ("[architecture_presets]", "[presets]", "no section [architecture_presets]"),
        ("[general]\n", "", "line 1 is no SCALE-Sim configuration"),
        ("Bandwidth : 10", "ArrayWidth: 5", "no SCALE-Sim configuration"),
        ("[general]", "\0", "NUL bytes"),
    ],
)
def test_a_wrong_configuration_is_one_line(old: str, new: str, part: str, tmp_path: Path) -> None:
    assert old in PRESETS_OF_SCALE_SIM
    file = tmp_path / "scale.cfg"
    file.write_text(PRESETS_OF_SCALE_SIM.replace(old, new, 1))
    with pytest.raises(tpe.TpeError) as caught:
        tpe.Engine.load(file)
    message = str(caught.value)
    assert str(file) in message and part in message and "\n" not in message


def test_the_command_line_takes_a_configuration_and_warns_in_a_line(tmp_path: Path) -> None:
    file = tmp_path / "scale.cfg"
    file.write_text(PRESETS_OF_SCALE_SIM)
    words = [sys.executable, "-m", "tpe.cli.main", "run", "--engine", str(file), *SMALL]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "in systolic_ws 32x16" in done.stdout
    assert done.stderr == (
        f"tpe: warning: engine file '{file}': not modelled: IfmapSramSzkB = 64, Bandwidth = 10\n"
    )
