"""Sweeps: rows that nothing loses or doubles, whoever does them, and whatever ends them."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import tpe
from tests.optional import needs
from tpe.base.table import COLUMNS
from tpe.cli.main import app
from tpe.explore import work
from tpe.explore.design import DesignPoint
from tpe.explore.pool import Processes
from tpe.explore.rows import rows_of
from tpe.explore.space_file import read_space
from tpe.explore.store import FILE, Store, recovered
from tpe.explore.sweep import Sweep, sweep
from tpe.explore.table import tables

# Arrays of shapes, points by themselves, two equal points, refused ones, and conditions.
MIXED = """
workload = ["npz:FOLDER/w.npz", "gemm:3x1x4"]
constraints = ["rows + cols < 10"]
[[engines]]
pe = ["mac", "opt4c", "stripes"]
array = ["matrix2d", "os"]
rows = [2, 3, 8]
cols = [2, 5]
[engines.parameters]
encoder = ["booth", "ent"]
[[engines]]
pe = "opt4c"
size = ["2x2", "2x2x2"]
"""
SHIPPED = """
workload = "gemm:64x64x64"
library = "tpe130"
clock_ns = [5, 9]
[engines]
pe = ["mac", "laconic"]
size = ["4x4", "16x16"]
[engines.parameters]
overlap = ["none", "stream"]
"""
# One by one, so that there is time to be killed in.
SLOW = """
workload = "npz:FOLDER/long.npz"
[engines]
pe = ["opt4c", "opt3"]
rows = { from = 2, to = 16, step = 1 }
cols = [2, 4]
[engines.parameters]
encoder = ["booth", "ent"]
"""


def written(folder: Path, text: str) -> Path:
    """The space as a file, with the matrices that it names."""
    rng = np.random.default_rng(0)
    for name, (m, k, n) in {"w": (9, 17, 5), "long": (300, 200, 9)}.items():
        a, b = rng.integers(-128, 128, (m, k)), rng.integers(-128, 128, (k, n))
        np.savez(folder / f"{name}.npz", **{"fc.A": a, "fc.B": b})
    file = folder / "space.toml"
    file.write_text(text.replace("FOLDER", str(folder)))
    return file


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    return written(tmp_path, MIXED)


def content(done: Sweep) -> bytes:
    return done.table.read_bytes()


def test_rows_are_those_of_runs_in_the_order_of_the_space(mixed: Path, tmp_path: Path) -> None:
    done = sweep(mixed, tmp_path / "run", csv=True)
    space = read_space(mixed)
    numbers = [n for _, ns in space.numbers() for n in ns.tolist()]
    frame = done.to_frame()
    assert len(frame) == done.points == len(numbers)
    assert list(frame.columns) == list(COLUMNS)
    for number, row in zip(numbers, frame.to_dict("records"), strict=True):
        point = space.point(number)
        assert row["pe"] == point.pe
        try:
            run = point.engine().run(point.workload, values="none")
        except tpe.TpeError as error:
            assert (row["status"], row["reason"]) == ("refused", str(error))
            continue
        known = {name: value for name, value in run.totals().items() if value is not None}
        assert {name: row[name] for name in known} == known
        assert {name for name in row if pd.isna(row[name])} == set(COLUMNS) - known.keys()
    refused = frame[frame["status"] == "refused"]
    assert done.refused == len(refused) > 0
    assert set(refused["pe"]) == {"opt4c", "stripes"}
    lines = (tmp_path / "run" / "points.csv").read_text().splitlines()
    assert len(lines) == done.points + 1


def test_a_run_is_not_begun_twice_and_goes_on(mixed: Path, tmp_path: Path) -> None:
    first = sweep(mixed, tmp_path / "run")
    with pytest.raises(tpe.TpeError, match="run holds a run; legal: --resume to go on with it"):
        sweep(mixed, tmp_path / "run")
    again = sweep(mixed, tmp_path / "run", resume=True)
    assert (again.computed, again.points) == (0, first.points)
    assert first.computed < first.points  # equal points are done once, and are two rows
    wider = written(tmp_path, MIXED.replace("cols = [2, 5]", "cols = [2, 5, 6]"))
    more = sweep(wider, tmp_path / "run", resume=True)
    assert 0 < more.computed <= more.points - first.points
    assert content(more) == content(sweep(wider, tmp_path / "other"))


def test_processes_give_the_same_table(mixed: Path, tmp_path: Path) -> None:
    one = sweep(mixed, tmp_path / "one")
    two = sweep(mixed, tmp_path / "two", workers=2)
    assert content(one) == content(two)


def test_a_sample_is_some_of_the_rows(mixed: Path, tmp_path: Path) -> None:
    every = sweep(mixed, tmp_path / "all").to_frame().to_dict("records")
    some = sweep(mixed, tmp_path / "some", sample=9).to_frame().to_dict("records")
    assert len(some) == 9
    texts = [str(row) for row in every]
    assert all(str(row) in texts for row in some)


# ---- ends of all kinds ----


def started(space: Path, folder: Path, *more: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "tpe.cli.main", "sweep", str(space), "-o", str(folder), *more]
    return subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_interruptible,
    )


def _interruptible() -> None:
    """What a shell runs in the background ignores interrupts, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def end(process: subprocess.Popen[str], by: int = signal.SIGKILL) -> str:
    """End a process and its children, if it has not ended; what it wrote on stderr."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, by)
    return process.communicate(timeout=60)[1]


def kept(folder: Path) -> int:
    """Points in a run directory that may be written just now."""
    try:
        with closing(sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True)) as db:
            return int(db.execute("SELECT count(*) FROM points").fetchone()[0])
    except sqlite3.Error:
        return 0


def await_points(folder: Path, process: subprocess.Popen[str], least: int) -> None:
    end = time.monotonic() + 90
    while kept(folder) < least and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)


def killed_and_resumed(tmp_path: Path, kills: int, *more: str) -> None:
    """Killed at a random time after some more points are there, so often; then finished."""
    file, folder = written(tmp_path, SLOW), tmp_path / "run"
    rng, begun, alive = random.Random(kills), 0, 0
    total = read_space(file).count
    for kill in range(kills):
        resume = ["--resume"] if (folder / FILE).exists() else []
        process = started(file, folder, *resume, *more)
        try:
            await_points(folder, process, begun + (total - begun) // (2 * (kills - kill) + 1) + 1)
            time.sleep(rng.random() * 0.05)
            alive += process.poll() is None
        finally:
            end(process)
        assert kept(folder) >= begun  # what was done stays
        begun = kept(folder)
    assert alive >= kills // 2
    finished = sweep(file, folder, resume=True)
    assert finished.damage is None
    assert finished.computed == finished.points - begun  # none is done again
    assert content(finished) == content(sweep(file, tmp_path / "plain"))
    with closing(sqlite3.connect(folder / FILE)) as db:
        rows = db.execute("SELECT sum(count) FROM batches").fetchone()[0]
    assert rows == kept(folder) == finished.points  # none is there twice


def test_a_sweep_that_is_killed_loses_and_repeats_nothing(tmp_path: Path) -> None:
    killed_and_resumed(tmp_path, 3)


@pytest.mark.full
def test_a_hundred_kills_lose_and_repeat_nothing(tmp_path: Path) -> None:
    for turn in range(10):
        (tmp_path / str(turn)).mkdir()
        killed_and_resumed(tmp_path / str(turn), 10, *(["--workers", "2"] if turn % 2 else []))


def test_an_interrupt_ends_with_the_command_that_goes_on(tmp_path: Path) -> None:
    file, folder = written(tmp_path, SLOW.replace("to = 16", "to = 64")), tmp_path / "run"
    process = started(file, folder, "--workers", "2")
    await_points(folder, process, 2)
    err = end(process, signal.SIGINT)  # as a terminal does: to the workers too
    assert process.returncode == 130
    line = err.splitlines()[-1]
    assert line.startswith("tpe: interrupted: ") and "points are kept" in line
    assert line.endswith("--resume") and f"tpe sweep {file} -o {folder} --workers 2" in line


def test_a_worker_that_is_killed_costs_its_points_which_are_done_again(tmp_path: Path) -> None:
    points = [DesignPoint("opt4c", "matrix2d", f"{n}x2", (), "gemm:9x9x9") for n in range(2, 9)]
    portions = [work.Portion.of([point]) for point in points]
    outcomes: dict[Any, bytes] = {}
    run = Processes(2).run(iter(portions))
    for i, (portion, rows) in enumerate(run):
        assert portion not in outcomes
        outcomes[portion] = rows
        if i in (0, 4):
            assert children()
            os.kill(children()[0], signal.SIGKILL)
    assert outcomes == {portion: work.done(portion) for portion in portions}
    assert not children()


def children() -> list[int]:
    import multiprocessing

    return [child.pid for child in multiprocessing.active_children() if child.pid]


def test_a_point_at_which_processes_die_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tpe.explore.pool._answer", lambda process: None)
    point = DesignPoint("mac", "matrix2d", "2x2", (), "gemm:9x9x9")
    with pytest.raises(tpe.TpeError, match="3 processes died at mac matrix2d 2x2 gemm:9x9x9"):
        list(Processes(1).run(iter([work.Portion.of([point])])))


def test_other_code_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    point = DesignPoint("mac", "matrix2d", "2x2", (), "gemm:9x9x9")
    portion = work.Portion((point,), ("other",), (("gemm:9x9x9", ()),))
    with pytest.raises(tpe.TpeError, match="another tpe than the one that asks"):
        work.done(portion)


# ---- damage ----


def stored(tmp_path: Path, mixed: Path) -> Path:
    """A run of many batches."""
    sweep(mixed, tmp_path / "run")
    return tmp_path / "run"


def test_a_sound_run_has_no_damage(tmp_path: Path, mixed: Path) -> None:
    assert recovered(stored(tmp_path, mixed)) is None
    assert recovered(tmp_path / "none") is None


def test_a_batch_that_is_not_what_was_written_is_done_anew(tmp_path: Path, mixed: Path) -> None:
    folder = stored(tmp_path, mixed)
    plain = (folder / "points.parquet").read_bytes()
    with closing(sqlite3.connect(folder / FILE)) as db, db:
        lost = db.execute("SELECT count FROM batches WHERE id = 2").fetchone()[0]
        db.execute("UPDATE batches SET content = substr(content, 1, 100) WHERE id = 2")
    damaged = pytest.raises(tpe.TpeError, match=r"points\.sqlite: damaged: batch 2 is not what was")
    with damaged, Store(folder) as store:
        list(tables(read_space(mixed), store))
    done = sweep(mixed, folder, resume=True)
    assert done.damage is not None and "1 of " in done.damage and "cannot be read" in done.damage
    assert done.computed == lost
    assert content(done) == plain


@pytest.mark.parametrize("cut", [0.0, 0.5, 0.9])
def test_a_file_that_is_cut_or_overwritten_is_recovered(
    tmp_path: Path, mixed: Path, cut: float
) -> None:
    folder = stored(tmp_path, mixed)
    plain = (folder / "points.parquet").read_bytes()
    size = (folder / FILE).stat().st_size
    with open(folder / FILE, "r+b") as stream:
        stream.seek(int(size * cut))
        stream.write(os.urandom(size - int(size * cut)))
    done = sweep(mixed, folder, resume=True)
    assert done.damage is not None and f"{FILE} is damaged" in done.damage
    assert (folder / f"{FILE}.damaged").exists()
    assert content(done) == plain


def test_a_directory_of_somebody_else_is_refused(tmp_path: Path, mixed: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    with closing(sqlite3.connect(folder / FILE)) as db:
        db.execute("CREATE TABLE photos(name TEXT)")
        db.commit()
    with pytest.raises(tpe.TpeError, match="run holds a run"):
        sweep(mixed, folder)
    with pytest.raises(tpe.TpeError, match="holds no points; legal: what tpe sweep made"):
        Store(folder)
    with pytest.raises(tpe.TpeError, match=r"no run: it has no points\.sqlite"):
        Store(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(tpe.TpeError, match="cannot write"):
        sweep(mixed, tmp_path / "file")


def test_a_point_that_is_there_is_never_kept_again(tmp_path: Path) -> None:
    from tpe.explore.batch import of_rows, packed

    rows = packed(of_rows([{"pe": "mac"}]))
    with Store(tmp_path, make=True) as store:
        store.add([b"a"], rows)
        with pytest.raises(AssertionError, match="a point is done twice"):
            store.add([b"a"], rows)
        assert store.count == 1


# ---- what is asked for ----


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"workers": 0}, "workers = 0 is not legal: an integer from 1 to 1024"),
        ({"workers": 2, "cluster": "tcp://a:1"}, "workers and cluster are both given"),
        ({"cluster": "a"}, "cluster = 'a' is not legal: tcp://HOST:PORT"),
        ({"sample": 0}, "sample = 0 is not legal: an integer of 1 or more"),
        ({"resume": True}, "holds no run to go on with"),
        ({"resume": 1}, "resume = 1 is not legal: True or False"),
    ],
)
def test_what_does_not_go_is_refused(
    mixed: Path, tmp_path: Path, more: dict[str, Any], text: str
) -> None:
    with pytest.raises(tpe.TpeError, match=text):
        sweep(mixed, tmp_path / "run", **more)
    assert not (tmp_path / "run").exists()


def test_a_workload_that_is_none_is_no_row(mixed: Path, tmp_path: Path) -> None:
    written(tmp_path, MIXED.replace("gemm:3x1x4", "gem:3x1x4"))
    with pytest.raises(tpe.TpeError, match="unknown workload prefix 'gem'"):
        sweep(mixed, tmp_path / "run")


def test_the_command_shows_the_best_point(mixed: Path, tmp_path: Path) -> None:
    words = ["sweep", str(mixed), "-o", str(tmp_path / "run"), "--best", "cycles"]
    words += ["--where", "workload != 'gemm:3x1x4:uniform' and rows < 4"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    frame = Sweep(tmp_path / "run", 0, 0, 0).to_frame()
    some = frame[(frame["workload"] != "gemm:3x1x4:uniform") & (frame["rows"] < 4)]
    assert f"cycles {some['cycles'].min()}" in " ".join(done.output.split())
    again = [*words, "--resume"]
    unknown = CliRunner().invoke(app, [*again[:-2], "area_um2 <= 1e6", "--resume"])
    assert unknown.exit_code == 2
    assert "area_um2 is known of no point" in unknown.output


def test_a_price_fills_columns_and_what_follows(
    mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of points by themselves and of arrays; what it does not know is null."""
    from tpe.explore import prices

    def price(engine: tpe.Config, clock_ns: float | None) -> dict[str, Any] | None:
        if engine.record.name == "stripes":
            return None
        return {"area_um2": 10.0 * engine.rows * engine.cols, "energy_fj_per_mac": 500.0}

    monkeypatch.setattr("tpe.explore.prices.price_of", lambda library: price)
    monkeypatch.setattr("tpe.explore.analytic.price_of", lambda library: price)
    written(tmp_path, 'library = "tpe130"\nclock_ns = [2, 4.5]\n' + MIXED)
    frame = sweep(mixed, tmp_path / "run").to_frame()
    known = frame[(frame["status"] == "ok") & (frame["pe"] != "stripes")]
    assert (known["area_um2"] == 10.0 * known["rows"] * known["cols"]).all()
    assert (known["time_us"] == known["cycles"] * known["clock_ns"] / 1000).all()
    assert known["tops_per_w"].eq(4.0).all() and (known["library"] == "tpe130").all()
    unknown = frame[frame["pe"] == "stripes"]
    assert unknown["area_um2"].isna().all() and unknown["energy_pe_pj"].isna().all()
    assert set(known["clock_ns"]) == {2.0, 4.5}
    assert prices.followed({"cycles": 1, "macs": 1}, {})["time_us"] is None
    points = read_space(mixed)
    numbers = [n for _, ns in points.numbers() for n in ns.tolist()]
    for place in (0, 30):
        (row,) = rows_of([points.point(numbers[place])])
        ours = frame.to_dict("records")[place]
        assert {k: v for k, v in row.items() if v is not None} == {
            k: ours[k] for k, v in row.items() if v is not None
        }


# ---- several machines ----


@pytest.fixture
def cluster() -> Any:
    """A scheduler on loopback, and two workers, each a process; [scheduler, worker, worker]."""
    needs("distributed")
    code = "import sys; from distributed.cli.dask_{0} import main; main(sys.argv[1:])"

    def start(kind: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", code.format(kind), *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    assert scheduler.stderr is not None
    address = ""
    for line in scheduler.stderr:
        if "Scheduler at:" in line:
            address = line.split()[-1]
            break
    more = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
    workers = [start("worker", address, *more) for _ in range(2)]
    processes = [scheduler, *workers]
    yield address, processes
    for process in processes:
        end(process)


def swept_while_one_dies(cluster: Any, place: int, tmp_path: Path) -> tuple[Path, int, str]:
    """A sweep of whose cluster the scheduler, 0, or a worker is killed: space, code, stderr."""
    address, processes = cluster
    file = written(tmp_path, SLOW)
    process = started(file, tmp_path / "run", "--cluster", address)
    await_points(tmp_path / "run", process, 2)
    os.killpg(processes[place].pid, signal.SIGKILL)
    err = process.communicate(timeout=120)[1]
    return file, process.returncode, err


def test_a_cluster_gives_the_same_table_even_if_a_worker_is_killed(
    cluster: Any, tmp_path: Path
) -> None:
    file, code, err = swept_while_one_dies(cluster, 1, tmp_path)
    assert code == 0, err
    table = (tmp_path / "run" / "points.parquet").read_bytes()
    assert table == content(sweep(file, tmp_path / "plain"))


@pytest.mark.full
def test_a_scheduler_that_goes_leaves_a_run_that_is_finished_alone(
    cluster: Any, tmp_path: Path
) -> None:
    file, code, err = swept_while_one_dies(cluster, 0, tmp_path)
    assert code == 2
    assert f"cluster {cluster[0]}: lost" in err and "points are kept; --resume" in err
    done = sweep(file, tmp_path / "run", resume=True)
    assert 0 < done.computed < done.points
    assert content(done) == content(sweep(file, tmp_path / "plain"))


def test_no_scheduler_is_said_in_a_line(mixed: Path, tmp_path: Path) -> None:
    needs("distributed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tpe.explore.cluster.WAIT_S", 0.5)
        with pytest.raises(tpe.TpeError, match=r"cluster tcp://127\.0\.0\.1:1: no scheduler: "):
            sweep(mixed, tmp_path / "run", cluster="tcp://127.0.0.1:1")


@pytest.mark.full
def test_a_hundred_thousand_points_keep_memory_flat(tmp_path: Path) -> None:
    """The most memory of 10^5 points is that of 10^4, and not half as much again."""
    text = (
        'workload = "gemm:64x64x64"\n[engines]\npe = ["mac", "opt1"]\narray = ["os", "matrix2d"]\n'
        "rows = {{ from = 1, to = {0} }}\ncols = {{ from = 1, to = 100 }}\n"
    )
    peaks = []
    for rows in (25, 250):
        file = tmp_path / f"{rows}.toml"
        file.write_text(text.format(rows))
        code = (
            "import resource, sys\nfrom tpe.explore.sweep import sweep\n"
            "print(sweep(sys.argv[1], sys.argv[2]).points)\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        words = [sys.executable, "-c", code, str(file), str(tmp_path / f"run{rows}")]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        points, peak = map(int, done.stdout.split())
        assert points == rows * 400
        peaks.append(peak)
    assert peaks[1] < 1.5 * peaks[0], peaks


def test_the_table_that_ships_prices_points(tmp_path: Path) -> None:
    """Area, clock and energy of PEs that it has, at any size; null of others and of other RTL."""
    space = tmp_path / "space.toml"
    space.write_text(SHIPPED)
    frame = sweep(space, tmp_path / "run").to_frame()
    frame = frame[frame["status"] == "ok"].sort_values(["rows", "clock_ns"])
    streams = frame["params_json"].str.contains('"overlap": "stream"')
    known = frame[(frame["pe"] == "mac") & streams]
    assert len(known) == 4 and known["area_um2"].notna().all()
    small, large = (known[known["rows"] == n].to_dict("records") for n in (4, 16))
    for one, other in zip(small, large, strict=True):
        assert 10 < other["area_um2"] / one["area_um2"] < 17
    slow, fast = small[1], small[0]
    assert slow["clock_ns"] > fast["clock_ns"] and slow["area_um2"] < fast["area_um2"]
    assert slow["clock_met"] and "table that ships" in slow["cost_source"]
    assert slow["time_us"] == slow["cycles"] * slow["clock_ns"] / 1000
    others = frame[(frame["pe"] == "laconic") | ~streams]
    assert len(others) and others["area_um2"].isna().all()
