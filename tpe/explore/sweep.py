"""`tpe.sweep`: every point of a space, or a sample, as a row; kept as it goes, gone on with later.

What is in a run directory: `points.sqlite`, the points that are done (`tpe.explore.store`), and
`points.parquet`, the table of all of them once they are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from tpe.base import checks
from tpe.base.errors import TpeError
from tpe.explore.analytic import batch_of, group_of
from tpe.explore.batch import packed
from tpe.explore.cluster import Cluster
from tpe.explore.design import DesignPoint
from tpe.explore.plan import Piece, check_workloads, chunks
from tpe.explore.pool import Processes
from tpe.explore.space import Numbers, Space
from tpe.explore.space_file import read_space
from tpe.explore.store import FILE, Store, recovered
from tpe.explore.table import NAME, write_tables
from tpe.explore.work import Here, Portion, Workers

if TYPE_CHECKING:
    import pandas as pd

LEAST, MOST = 1, 64  # points of a portion
SECONDS = 1.0  # about as long a portion takes
MOST_WORKERS = 1024

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Sweep:
    """What a run directory holds: all points of a space are done.

    points     of the space, or of the sample
    computed   of them, now; the rest was there
    refused    of them, rows with a reason
    damage     what of the directory was damaged, and is done anew; None: nothing
    """

    folder: Path
    points: int
    computed: int
    refused: int
    damage: str | None = None

    @property
    def table(self) -> Path:
        """The Parquet file of all rows."""
        return self.folder / f"{NAME}.parquet"

    def to_frame(self) -> pd.DataFrame:
        """The rows as a data frame, as every table of tpe has them."""
        import pandas as pd

        from tpe.base.columns import RUN_COLUMNS

        frame = pd.read_parquet(self.table)
        return frame.astype({column.name: column.dtype for column in RUN_COLUMNS})


def sweep(
    space: str | os.PathLike[str] | Space,
    folder: str | os.PathLike[str],
    *,
    sample: int | None = None,
    seed: int = 0,
    resume: bool = False,
    workers: int = 1,
    cluster: str | None = None,
    csv: bool = False,
    progress: Any = None,
) -> Sweep:
    """Every point of a space as a row of the flat table, in a run directory; as `tpe sweep` does.

    space     a space.toml, see docs/howto/explore.md, or a `Space`
    folder    the run directory, made if it is not there
    sample    so many points alone, by a Sobol sequence that `seed` moves; None: all
    resume    go on with a run: points that are there are not done again, whatever ended it
    workers   processes of this machine, each with one numerical thread
    cluster   tcp://HOST:PORT of a Dask scheduler, in their place
    csv       a points.csv too
    progress  a `tpe.base.progress.Progress`, or nothing

    Rows are the same for any number of workers and on any cluster; what a point is kept by holds
    its engine, workload, technology, seed and the code that matters, so that a changed space has
    what it shares with the one before. Points whose cycles follow from shapes are done as arrays.
    Raises TpeError for a space without points, a directory that holds a run without `resume`, and
    what `Here`, `Processes` and `Cluster` raise; what is done by then stays.
    """
    own = space if isinstance(space, Space) else read_space(space)
    who = workers_of(workers, cluster)
    for name, flag in {"resume": resume, "csv": csv}.items():
        checks.flag(flag, name)
    if sample is not None and (not isinstance(sample, int) or sample < 1):
        raise TpeError(f"sample = {sample!r} is not legal: an integer of 1 or more")
    numbers = None if sample is None else own.sample(sample, seed)
    total = own.count if numbers is None else len(numbers)
    check_workloads(own)
    damage = _prepared(folder, resume)
    run = Sweeping(own, numbers, total, who, progress)
    with Store(folder, make=True) as store:
        try:
            run.over(store)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(run.said(folder)) from None
        except TpeError as error:
            raise TpeError(f"{error}; {run.said(folder)}" if store.count else str(error)) from None
        write_tables(own, store, folder, numbers, csv)
    refused = _refused(Path(folder))
    return Sweep(Path(folder), total, run.computed, refused, damage)


def workers_of(workers: int, cluster: str | None) -> Workers:
    """Who does points: this process, some of its own, or a cluster; TpeError for what is none."""
    if not isinstance(workers, int) or isinstance(workers, bool) or not 0 < workers <= MOST_WORKERS:
        raise TpeError(f"workers = {workers!r} is not legal: an integer from 1 to {MOST_WORKERS}")
    if cluster is None:
        return Here() if workers == 1 else Processes(workers)
    if workers != 1:
        raise TpeError("workers and cluster are both given; legal: one of them")
    if not isinstance(cluster, str) or "://" not in cluster:
        raise TpeError(f"cluster = {cluster!r} is not legal: tcp://HOST:PORT")
    return Cluster(cluster)


def _prepared(folder: str | os.PathLike[str], resume: bool) -> str | None:
    """Make the directory, or look at what is there; what is damaged, if anything is."""
    path = Path(checks.path(folder, "folder"))
    there = (path / FILE).exists()
    if there and not resume:
        raise TpeError(f"{path} holds a run; legal: --resume to go on with it, another directory")
    if not there and resume and (not path.is_dir()):
        raise TpeError(f"{path} holds no run to go on with; legal: without --resume")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TpeError(f"cannot write '{path}': {error.strerror or error}") from None
    return recovered(path)


def _refused(folder: Path) -> int:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    status = pq.read_table(folder / f"{NAME}.parquet", columns=["status"]).column("status")
    return int(pc.sum(pc.equal(status, "refused")).as_py() or 0)


@dataclass
class Sweeping:
    """A sweep on its way."""

    space: Space
    numbers: Numbers | None
    total: int
    workers: Workers
    progress: Any
    computed: int = 0
    there: int = 0  # points that were done before
    pace: float = SECONDS / LEAST  # seconds that a point takes
    open: dict[Portion, list[bytes]] = field(default_factory=dict)  # keys of what is being done
    begun: set[bytes] = field(default_factory=set)  # keys of that, and of what waits for it

    def said(self, folder: str | os.PathLike[str]) -> str:
        """How far it is, and how it goes on."""
        done = self.computed + self.there
        where = os.fspath(folder)
        return f"{done:,} of {self.total:,} points are kept; --resume in {where} does the rest"

    def over(self, store: Store) -> None:
        """Do what is missing."""
        if self.progress is not None:
            self.progress.total = self.total
        began = perf_counter()
        for portion, content in self.workers.run(self._portions(store)):
            keys = self.open.pop(portion)
            store.add(keys, content)
            self.begun.difference_update(keys)
            self._count(len(portion.points))
            seconds, began = perf_counter() - began, perf_counter()
            self.pace = (self.pace + seconds / len(portion.points)) / 2

    def _count(self, points: int) -> None:
        self.computed += points
        if self.progress is not None:
            self.progress.advance(points)

    def _portions(self, store: Store) -> Iterator[Portion]:
        """Points that are done one by one, in portions; those of arrays are done on the way."""
        waiting: list[tuple[DesignPoint, bytes]] = []
        for pieces in chunks(self.space, self.numbers):
            for piece in pieces:
                for point, key in self._alone(piece, store):
                    if waiting and not _together(waiting[0][0], point):
                        yield self._portion(waiting)
                        waiting = []
                    waiting.append((point, key))
                    if len(waiting) >= max(LEAST, min(MOST, int(SECONDS / self.pace))):
                        yield self._portion(waiting)
                        waiting = []
        if waiting:
            yield self._portion(waiting)

    def _portion(self, waiting: list[tuple[DesignPoint, bytes]]) -> Portion:
        portion = Portion.of(point for point, _ in waiting)
        self.open[portion] = [key for _, key in waiting]
        return portion

    def _alone(self, piece: Piece, store: Store) -> Iterator[tuple[DesignPoint, bytes]]:
        """The points of a piece that are missing and are no arrays; arrays are done here."""
        keys = piece.point_keys()
        flags = store.missing(keys)
        before = int((~flags).sum())
        self.there += before
        if before and self.progress is not None:
            self.progress.advance(before, before=True)
        if not flags.any():
            return
        part = piece if flags.all() else piece.only(flags)
        missing = [key for key, flag in zip(keys, flags, strict=True) if flag]
        group = group_of(part)
        if group is not None:
            try:
                batch = batch_of(part, group)
            except TpeError:  # a row's reason
                group = None
            else:
                store.add(missing, packed(batch))
                self._count(len(missing))
        if group is None:
            for point, key in zip(part.points, missing, strict=True):
                if key in self.begun:  # an equal point stands before
                    self.there += 1
                    continue
                self.begun.add(key)
                yield point, key


def _together(one: DesignPoint, other: DesignPoint) -> bool:
    """Whether two points share a workload's operands."""
    return (one.workload, one.seed, one.values) == (other.workload, other.seed, other.values)
