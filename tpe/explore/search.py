"""`tpe.optimize`: a search of a space for several objectives at once, by Optuna's NSGA-II.

A trial chooses a family of the space and a place on each of its axes. Points are done as in a
sweep, and kept in the same directory, so that none is done twice, in this search or another one.
Trials are told in the order in which they were asked for, a generation at a time: the same seed
gives the same trials for any number of workers.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tpe.base.errors import TpeError, missing_extra, one_line
from tpe.engine.parameters import checked_seed
from tpe.explore.objectives import Objective
from tpe.explore.space import Numbers, Space
from tpe.explore.space_file import read_space
from tpe.explore.store import FILE, Store, recovered
from tpe.explore.sweep import Sweeping, workers_of
from tpe.explore.table import write_tables

DEFAULT_TRIALS = 100
GENERATION = 32  # trials that are asked for together: NSGA-II's population
STUDY = "tpe"
TRIALS = "optuna.sqlite"


@dataclass(frozen=True)
class Search:
    """What a search found.

    trials    all of the study, those of earlier runs too
    refused   of them: points that no engine is, or that meet not all conditions
    computed  points that were done now
    best      the front: rows of points that none beats in all objectives, in the space's order
    table     the Parquet file of the points of all trials
    """

    folder: Path
    table: Path
    trials: int
    refused: int
    computed: int
    objectives: tuple[str, ...]
    best: tuple[dict[str, Any], ...]
    damage: str | None = None


def optimize(
    space: str | os.PathLike[str] | Space,
    folder: str | os.PathLike[str],
    *,
    trials: int = DEFAULT_TRIALS,
    objectives: Sequence[str] = (),
    seed: int = 0,
    resume: bool = False,
    workers: int = 1,
    cluster: str | None = None,
    storage: str | None = None,
    progress: Any = None,
) -> Search:
    """Search a space for what is best in several columns; as `tpe optimize` does.

    space       a space.toml, see docs/howto/explore.md, or a `Space`; one workload
    folder      the run directory, made if it is not there
    trials      how many there are to be in all, those of a run that is gone on with included
    objectives  columns of the flat table; default: those of the space
    seed        of NSGA-II
    resume      go on with a run
    storage     any database URL that Optuna takes; default: optuna.sqlite in the directory
    workers, cluster, progress    as `tpe.sweep` takes them

    Raises TpeError as `tpe.sweep`, without objectives, and if a database cannot be used.
    """
    own = space if isinstance(space, Space) else read_space(space)
    aims = tuple(Objective(name) for name in (objectives or own.objectives))
    if not aims:
        raise TpeError("objectives are missing; legal: columns, such as cycles, area_um2")
    if not isinstance(trials, int) or isinstance(trials, bool) or trials < 1:
        raise TpeError(f"trials = {trials!r} is not legal: an integer of 1 or more")
    _check_workload(own)
    who, seed = workers_of(workers, cluster), checked_seed(seed)
    path = Path(folder)
    if (path / FILE).exists() and not resume:
        raise TpeError(f"{path} holds a run; legal: --resume to go on with it, another directory")
    path.mkdir(parents=True, exist_ok=True)
    damage = recovered(path)
    study = _study(storage or f"sqlite:///{path.resolve() / TRIALS}", aims, seed)
    with Store(path, make=True) as store:
        run = _Searching(own, aims, study, store, Sweeping(own, None, trials, who, progress))
        try:
            run.over(trials)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"{run.told:,} of {trials:,} trials are kept") from None
        numbers = run.numbers()
        table = write_tables(own, store, path, numbers)
    best = _front(table, aims)
    columns = tuple(aim.column for aim in aims)
    return Search(path, table, run.told, run.refused, run.sweep.computed, columns, best, damage)


def _check_workload(space: Space) -> None:
    """TpeError for several workloads: one trial is of one."""
    names = {x for f in space.families for a in f.axes if a.name == "workload" for x in a.values}
    if len(names) > 1:
        raise TpeError(f"workload has {len(names)} values; legal: one, for a search")


def _study(storage: str, objectives: Sequence[Objective], seed: int) -> Any:
    try:
        import optuna
    except ImportError:
        raise missing_extra("optuna", "dse") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    directions: Any = [objective.direction for objective in objectives]
    try:
        study: Any = optuna.create_study(
            study_name=STUDY,
            storage=_storage(storage),
            directions=directions,
            load_if_exists=True,
        )
        begun = len(study.trials)
    except Exception as error:
        raise TpeError(f"storage {storage}: cannot be used: {one_line(error)}") from None
    study.sampler = optuna.samplers.NSGAIISampler(population_size=GENERATION, seed=seed + begun)
    columns = [objective.column for objective in objectives]
    if study.user_attrs.get("objectives", columns) != columns:
        raise TpeError(
            f"storage {storage}: its objectives are {', '.join(study.user_attrs['objectives'])}; "
            "legal: the same, or another directory"
        )
    study.set_user_attr("objectives", columns)
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # of a run that was ended
    return study


def _storage(url: str) -> Any:
    """A database by its URL; of SQLite in WAL mode, as points are kept: no wait for the disk."""
    import optuna

    storage: Any = optuna.storages.RDBStorage(url)
    if url.startswith("sqlite:"):
        from sqlalchemy import event

        def pragmas(connection: Any, _: Any) -> None:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")

        storage.engine.dispose()
        event.listen(storage.engine, "connect", pragmas)
    return storage


@dataclass
class _Searching:
    """A search on its way."""

    space: Space
    objectives: Sequence[Objective]
    study: Any
    store: Store
    sweep: Sweeping
    refused: int = 0
    told: int = 0

    def over(self, trials: int) -> None:
        """Trials until there are so many."""
        before = [trial.state.name for trial in self.study.trials]
        self.told, self.refused = len(before), before.count("FAIL")
        self.sweep.total = trials
        if self.sweep.progress is not None:
            self.sweep.progress.total = trials
            self.sweep.progress.advance(self.told, before=True)
        while self.told < trials:
            self._generation(min(GENERATION, trials - self.told))

    def _generation(self, count: int) -> None:
        """Ask for so many trials, do their points, tell what they are."""
        from optuna.trial import TrialState

        asked = [self.study.ask() for _ in range(count)]
        numbers = [self._number(trial) for trial in asked]
        wanted = np.array(sorted({n for n in numbers if n is not None}), np.int64)
        rows = self._rows(wanted)
        for trial, number in zip(asked, numbers, strict=True):
            row = None if number is None else rows[number]
            values = None if row is None else [row[o.column] for o in self.objectives]
            if values is None or row is None or row["status"] != "ok":
                self.study.tell(trial, state=TrialState.FAIL)
                self.refused += 1
            elif None in values:
                unknown = [o.column for o in self.objectives if row[o.column] is None]
                raise TpeError(f"{', '.join(unknown)} is not known; legal: a library with prices")
            else:
                self.study.tell(trial, values)
            self.told += 1
        if self.sweep.progress is not None:
            self.sweep.progress.advance(count)

    def _number(self, trial: Any) -> int | None:
        """The number of the point that a trial chooses; None if it meets not all conditions."""
        place = trial.suggest_int("family", 0, len(self.space.families) - 1)
        family = self.space.families[place]
        index = [
            trial.suggest_int(f"{place} {axis.name}", 0, len(axis.values) - 1)
            for axis in family.axes
        ]
        own = np.array([np.ravel_multi_index(index, [len(axis.values) for axis in family.axes])])
        number = int(own[0]) + self.space.starts[place]
        trial.set_user_attr("number", number)
        return number if self.space.meets(place, own)[0] else None

    def _rows(self, numbers: Numbers) -> dict[int, dict[str, Any]]:
        """The rows of points by their numbers, done if they are not there."""
        if not len(numbers):
            return {}
        from tpe.explore.table import tables

        part = Sweeping(self.space, numbers, len(numbers), self.sweep.workers, None)
        part.over(self.store)
        self.sweep.computed += part.computed
        rows = [row for t in tables(self.space, self.store, numbers) for row in t.to_pylist()]
        return dict(zip(numbers.tolist(), rows, strict=True))

    def numbers(self) -> Numbers:
        """The points of all trials that meet the conditions."""
        numbers = {trial.user_attrs.get("number") for trial in self.study.trials} - {None}
        return np.array(
            [
                number
                for number in sorted(numbers)
                for place in [self.space.family_of(number)]
                if self.space.meets(place, np.array([number - self.space.starts[place]]))[0]
            ],
            np.int64,
        )


def _front(table: Path, objectives: Sequence[Objective]) -> tuple[dict[str, Any], ...]:
    """Rows that no other row beats: as good in every objective, and better in one."""
    import pyarrow.parquet as pq

    rows = [row for row in pq.read_table(table).to_pylist() if row["status"] == "ok"]
    signs = [-1 if objective.more else 1 for objective in objectives]
    values = np.array(
        [[s * row[o.column] for s, o in zip(signs, objectives, strict=True)] for row in rows]
    ).reshape(len(rows), len(objectives))
    best = []
    for i, row in enumerate(rows):
        beats = (values <= values[i]).all(axis=1) & (values < values[i]).any(axis=1)
        same = (values[:i] == values[i]).all(axis=1)
        if not beats.any() and not same.any():
            best.append(row)
    return tuple(best)
