"""Fits of measured tables: scores of held-out groups, what random rows hide, bad tables."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from tpe.base.errors import TpeError
from tpe.cli.main import app
from tpe.predict.fit import fit, r2

GPPERF = Path(__file__).resolve().parents[3] / "shared/reference/gpperf_cutlass_16128.csv.gz"


def power_law(groups: int = 40, each: int = 8, noise: float = 0.0) -> pd.DataFrame:
    """Runs of GEMMs, `each` of one shape: a power of the shape, times a factor of its own."""
    rng = np.random.default_rng(3)
    m, k = rng.integers(1, 2000, (2, groups))
    own = np.exp(noise * rng.standard_normal(groups))
    rows = pd.DataFrame({"m": m, "k": k, "ms": 1e-3 * m**0.9 * k**1.1 * own})
    return rows.loc[rows.index.repeat(each)].reset_index(drop=True)


def score(found, model: str, split: str) -> dict[str, float]:
    (row,) = [s for s in found.scores if (s["model"], s["split"]) == (model, split)]
    return row


def test_a_power_law_is_found_and_extrapolated() -> None:
    found = fit(power_law(), "ms", ["m", "k"])
    assert found.best == "log-linear"
    assert score(found, "log-linear", "groups")["error_90"] < 1e-9
    far = pd.DataFrame({"m": [50_000], "k": [1]})
    assert found.predict(far)[0] == pytest.approx(1e-3 * 50_000**0.9)
    assert found.predict(far, "forest")[0] < found.data.y.max() * 1.001  # a forest cannot


def test_random_rows_flatter_a_forest_and_groups_do_not() -> None:
    found = fit(power_law(noise=0.8), "ms", ["m", "k"])
    rows, groups = (score(found, "forest", split) for split in ("rows", "groups"))
    assert rows["error_mean"] < 0.02 < 0.3 < groups["error_mean"]
    assert rows["r2"] > 0.99 > 0.9 > groups["r2"]


def test_shuffled_targets_leave_nothing_to_learn() -> None:
    rows = power_law(each=1, groups=300)
    rows["ms"] = np.random.default_rng(0).permutation(rows["ms"])
    found = fit(rows, "ms", ["m", "k"])
    assert all(s["r2_log"] < 0.05 for s in found.scores)


def test_a_seed_repeats_and_another_differs() -> None:
    rows = power_law(noise=0.5)
    first, again = (fit(rows, "ms", ["m", "k"], seed=1).scores for _ in range(2))
    assert first == again != fit(rows, "ms", ["m", "k"], seed=2).scores


def test_r2_against_scikit_learn() -> None:
    from sklearn.metrics import r2_score

    rng = np.random.default_rng(0)
    y, p = rng.random((2, 100))
    assert r2(y, p) == pytest.approx(r2_score(y, p))


def test_files_of_every_kind_and_the_command_are_equal(tmp_path: Path) -> None:
    rows = power_law(noise=0.5)
    rows.to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    rows.to_parquet(tmp_path / "t.parquet")
    expected = list(fit(rows, "ms", ["m", "k"]).scores)
    for name in ("t.csv", "t.csv.gz", "t.parquet"):
        words = ["fit", "--table", str(tmp_path / name), "--target", "ms", "--group", "m,k"]
        done = CliRunner().invoke(app, [*words, "--json", str(tmp_path / "out.json")])
        assert done.exit_code == 0, done.output
        shown = json.loads((tmp_path / "out.json").read_text())
        assert shown["schema_version"] == 1 and shown["groups"] == 40
        for got, wanted in zip(shown["scores"], expected, strict=True):
            assert got == pytest.approx(wanted)


TABLE = {"m": [1, 2, 3, 4, 5, 6], "ms": [1.0, 2, 3, 4, 5, 6], "note": list("abcdef")}


@pytest.mark.parametrize(
    ("changed", "arguments", "parts"),
    [
        ({}, ("mss", ["m"]), ("unknown column 'mss' (did you mean 'ms'?)", "legal: m, ms, note")),
        ({}, ("ms", ["m", "note"]), ("row 1: note = 'a' is no finite number (6 of 6 rows)",)),
        ({"ms": [1, 2, 0, 4, 5, 6]}, ("ms", ["m"]), ("row 3: ms = 0 is not legal: more than 0",)),
        ({"m": [1, 2, None, 4, 5, 6]}, ("ms", ["m"]), ("row 3: m = 'nan' is no finite number",)),
        ({"m": [1] * 6}, ("ms", ["m"]), ("1 groups of m; legal: 5 or more",)),
        ({}, ("ms", ["ms"]), ("column 'ms' is the target and an input",)),
        ({}, ("ms", []), ("group is empty",)),
    ],
)
def test_tables_that_do_not_do(changed, arguments, parts) -> None:
    with pytest.raises(TpeError) as caught:
        fit(pd.DataFrame({**TABLE, **changed}), *arguments)
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "No columns to parse"),
        (b"m,ms\n", "no rows"),
        (b"\x1f\x8b broken", "broken gzip"),
        (b"PAR1 broken", "cannot be read as table"),
        (b"PK\x03\x04", "packed with zip"),
        (b"m,ms\n1,2\n1,2,3,4\n", "cannot be read as table"),
    ],
)
def test_files_that_are_no_table(tmp_path: Path, content: bytes, part: str) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(content)
    done = CliRunner().invoke(app, ["fit", "--table", str(file), "--target", "ms", "--group", "m"])
    assert done.exit_code == 2
    assert part in done.output and str(file) in done.output.replace("\n", "")


@pytest.mark.skipif(not GPPERF.exists(), reason="needs ../shared/reference")
def test_measured_gemms_of_a_gpu() -> None:
    """GPPerf's rows: what looks like 0.95 is 0.5 for a GEMM that was not measured."""
    found = fit(GPPERF, "runtime_ms", ["m", "n", "k"])
    assert (len(found.data.y), found.data.count) == (16128, 36)
    assert score(found, "forest", "rows")["r2"] > 0.9
    assert score(found, "forest", "groups")["r2"] < 0.6
    assert score(found, "log-linear", "groups")["error_mean"] < 0.3
