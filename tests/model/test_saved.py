"""Runs and comparisons in files: what comes back, and which files are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tpe
from tpe import pe as pes
from tpe.array.base import Handshake
from tpe.nest.notation import mac, tile

A, B = np.arange(-60, 60).reshape(10, 12), np.arange(-40, 44).reshape(12, 7)


@pytest.mark.parametrize("pe", pes.names())
def test_a_run_comes_back_the_same(pe: str, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    run = tpe.Engine(pe, size=4).run("gemm:5x6x40", seed=3)
    run.save(file)
    again = tpe.Run.load(file)
    assert again.rows() == run.rows() and again.totals() == run.totals()
    assert again.to_frame().equals(run.to_frame())
    assert again.to_json() == run.to_json()
    assert (again.engine, again.terms, again.firings) == (run.engine, run.terms, run.firings)


def test_a_network_its_metrics_and_fractions_of_cycles_come_back(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    run = tpe.Engine("opt1", "cube3d", "3x5x7", encode="weights").run("digits_mlp")
    assert any(layer.terms.useful.denominator > 1 for layer in run.layers)
    run.save(file)
    again = tpe.Run.load(file)
    assert again.metrics == run.metrics and again.terms == run.terms
    assert again.to_json() == run.to_json()
    again.save(tmp_path / "twice.json")
    assert (tmp_path / "twice.json").read_text() == file.read_text()


def test_values_are_kept_if_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    run = tpe.Engine("mac", "os", 4).run(A, B, handshake=Handshake(idle=5))
    run.save(file, values=True)
    assert (tpe.Run.load(file).C == A @ B).all()
    run.save(file)
    with pytest.raises(tpe.TpeError, match="C is not in this run"):
        tpe.Run.load(file).C  # noqa: B018
    assert tpe.Run.load(file).rows() == run.rows()


@pytest.mark.parametrize("values", [True, False])
def test_infinities_and_nan_are_json_that_every_parser_takes(values: bool, tmp_path: Path) -> None:
    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    a, b = [[float("nan"), 1.0], [float("inf"), 1.0]], [[1.0], [2.0]]
    run = tpe.Engine("lmul", "os", "2x2").run(a, b)
    run.save(tmp_path / "r.json", values)
    content = json.loads((tmp_path / "r.json").read_text(), parse_constant=refuse)
    assert content["layers"][0]["error"]["largest"] == "inf"
    back = tpe.Run.load(tmp_path / "r.json")
    assert back.layers[0].error == run.layers[0].error
    assert (back.rows(), back.totals()) == (run.rows(), run.totals())
    json.dumps(back.to_json(), allow_nan=False)
    for number in (float("inf"), float("-inf"), float("nan"), "-inf", "nan"):
        content["layers"][0]["error"]["total"] = number  # floats: as files were written before
        (tmp_path / "r.json").write_text(json.dumps(content))
        error = tpe.Run.load(tmp_path / "r.json").layers[0].error
        assert error is not None and repr(error.total) == repr(float(number))
    content["layers"][0]["error"]["total"] = "1.5"
    (tmp_path / "r.json").write_text(json.dumps(content))
    with pytest.raises(tpe.TpeError, match=r"damaged: ValueError '1\.5' is no"):
        tpe.Run.load(tmp_path / "r.json")


def test_energies_come_back_and_what_is_unknown_stays_null(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    run = tpe.Engine("mac").run(A, B, energy=True)
    run.save(file)
    assert run.totals()["energy_pe_pj"] is not None
    assert tpe.Run.load(file).totals() == run.totals()
    assert tpe.Run.load(file).totals()["area_um2"] is None


def test_a_comparison_comes_back_with_its_refusals(tmp_path: Path) -> None:
    file = tmp_path / "comparison.json"
    engines = ["mac", "opt1", "opt4c"]
    comparison = tpe.compare(
        engines, {"fc": (A, B)}, array="os", size=4, per_pe={"mac": {"stages": 2}}
    )
    comparison.save(file)
    again = tpe.Comparison.load(file)
    assert again.rows() == comparison.rows() and again.layer_rows() == comparison.layer_rows()
    assert again.to_json() == comparison.to_json()
    assert again.to_frame(layers=True).equals(comparison.to_frame(layers=True))
    assert [row["status"] for row in again.rows()] == ["ok", "ok", "refused"]
    comparison.save(file, values=True)
    assert (tpe.Comparison.load(file)["opt1"].C == A @ B).all()


def test_an_engine_that_cannot_be_made_again_is_refused_and_no_file_is_left(tmp_path: Path) -> None:
    run = tpe.NestEngine(mac(*tile(2, 2, 4))).run(A, B)
    with pytest.raises(tpe.TpeError, match="from a nest cannot be saved"):
        run.save(tmp_path / "run.json")
    assert list(tmp_path.iterdir()) == []


def saved(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    file = tmp_path / "run.json"
    tpe.Engine("mac", "os", 4).run(A, B).save(file, values=True)
    return file, json.loads(file.read_text())


FOREIGN = {
    "empty": b"",
    "no JSON": b"pe = 'mac'",
    "other JSON": b'{"layers": []}',
    "a list": b"[1, 2]",
    "a number": b"7",
    "deep": b"[" * 100_000,
    "binary": b"PAR1\x00\xff",
    "a pickle": b"\x80\x04K\x01.",
}


@pytest.mark.parametrize("case", FOREIGN)
def test_foreign_files_are_refused_in_one_line(case: str, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_bytes(FOREIGN[case])
    for kind in (tpe.Run, tpe.Comparison):
        with pytest.raises(tpe.TpeError) as error:
            kind.load(file)
        assert "\n" not in str(error.value) and str(file) in str(error.value)


def test_a_run_is_no_comparison_and_what_is_no_file_is_told(tmp_path: Path) -> None:
    file, _ = saved(tmp_path)
    with pytest.raises(tpe.TpeError, match="no saved comparison"):
        tpe.Comparison.load(file)
    for path in (tmp_path, tmp_path / "absent", "/dev/zero", "/dev/null"):
        with pytest.raises(tpe.TpeError, match="cannot be read as saved run"):
            tpe.Run.load(path)


def test_newer_files_and_changed_engines_are_refused(tmp_path: Path) -> None:
    file, content = saved(tmp_path)
    for change, said in (
        ({"version": 2, "tpe_version": "9.0"}, "version 2, written by tpe '9.0'"),
        ({"engine": {**content["engine"], "hash": "0" * 12}}, "the engine's hash is"),
        ({"engine": {**content["engine"], "pe": "opt9"}}, "unknown pe 'opt9'"),
        ({"layers": []}, "without layers"),
        ({"layers": [{**content["layers"][0], "m": 0}]}, "damaged"),
        ({"layers": [{**content["layers"][0], "C": "AAAA"}]}, "C "),
        ({"layers": [{**content["layers"][0], "mine": 1}]}, "damaged"),
        *(
            ({"layers": [{**content["layers"][0], name: value}]}, "damaged")
            for name, value in (
                ("op", {}),
                ("operand_source", None),
                ("nonzero_digits", "x"),
                ("bandwidth", [1]),
                ("bandwidth", {}),
                ("pe_pj", "x"),
                ("pe_pj", True),
                ("standard_error", -5),
                ("firings", {"add": -1}),
                ("firings", None),
                ("overflowed", 1),
                ("error", {"largest": "x", "total": 0, "size": 0}),
            )
        ),
        ({"seed": None}, "damaged"),
        ({"metrics": 3}, "damaged"),
    ):
        file.write_text(json.dumps({**content, **change}))
        with pytest.raises(tpe.TpeError) as error:
            tpe.Run.load(file)
        assert said in str(error.value) and "\n" not in str(error.value)
    for name in content:
        if name not in ("tpe_version", "columns"):  # older files have no columns
            file.write_text(
                json.dumps({key: value for key, value in content.items() if key != name})
            )
            with pytest.raises(tpe.TpeError):
                tpe.Run.load(file)
