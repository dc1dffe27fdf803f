"""Which engines a comparison is of: named, made, or refused with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tpe import array as arrays
from tpe import pe as pes
from tpe.array.base import Overlap
from tpe.base.errors import TpeError, unknown
from tpe.engine.config import Config
from tpe.engine.parameters import parameters_of, size_text
from tpe.engine.spec import EngineSpec
from tpe.model.engine import Engine
from tpe.model.nest_engine import NestEngine
from tpe.pe.base import PE

DEFAULT_SIZE = "16x16"
OVERLAPS = (Overlap.STREAM, Overlap.LOAD)  # the first that an engine can have, if none is asked for
Compared: TypeAlias = str | PE | EngineSpec


@dataclass(frozen=True, eq=False)
class Candidate:
    """An engine to compare, or why there is none. `asked` are the parameters that were given."""

    label: str
    pe: str
    array: str | None
    size: str
    engine: Engine | NestEngine | None = None
    reason: TpeError | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def params(self) -> Mapping[str, Any]:
        """Every parameter of the engine, or those that were asked for if it was refused."""
        return self.engine.params if self.engine else self.asked

    @property
    def built(self) -> Engine:
        """The engine, a PE in an array; TpeError if it was refused, or is a nest, without price."""
        if self.engine is None:
            raise TpeError(str(self.reason))
        if isinstance(self.engine, NestEngine):
            raise TpeError("a nest has no RTL to be priced; legal: a PE in an array")
        return self.engine


@dataclass(frozen=True)
class Choice:
    """What a comparison gives its PEs: arrays, sizes and parameters, of all or of one PE."""

    array: str | Mapping[str, str] | None = None
    size: str | int | Sequence[int] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    per_pe: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def chosen(self) -> bool:
        """Whether anything is chosen here."""
        return any((self.array, self.size, self.parameters, self.per_pe))


def candidates(
    engines: Iterable[Compared] | Mapping[str, Compared], choice: Choice
) -> list[Candidate]:
    """The engines in order, labelled: by the keys of a mapping, else by PE and what differs.

    A name or a record becomes an engine by `choice`; what cannot be built becomes a candidate
    with a reason. Raises TpeError for an unknown PE or parameter, for a value that no PE takes,
    for two equal engines, and if everything was refused.
    """
    if isinstance(engines, str | PE | EngineSpec):
        raise TpeError("engines is one engine; legal: a list or a mapping of label to engine")
    if not isinstance(engines, Iterable):
        raise TpeError(f"engines is a {type(engines).__name__}; legal: a list or a mapping")
    named = isinstance(engines, Mapping)
    items = list(engines.values()) if isinstance(engines, Mapping) else list(engines)
    if not items:
        raise TpeError("engines is empty; legal: at least one PE or engine")
    records = [_record(item) for item in items]
    _check_choice(records, choice)
    found = [
        _given(item) if isinstance(item, EngineSpec) else _made(record, choice)
        for item, record in zip(items, records, strict=True)
        if isinstance(item, EngineSpec) or record is not None
    ]
    labels = [str(key) for key in engines] if named else _labels(found)
    refusals = [c.reason for c in found if c.reason is not None]
    if len(refusals) == len(found):
        raise refusals[0]
    return [_labelled(c, label) for c, label in zip(found, labels, strict=True)]


def _record(item: object) -> PE | None:
    """The PE of something to compare; None for an engine, which brings its own."""
    if isinstance(item, EngineSpec):
        return None
    if isinstance(item, PE):
        return item
    if not isinstance(item, str):
        raise TpeError(
            f"engines holds a {type(item).__name__}; legal: a PE's name, a PE, an Engine, a Config"
        )
    return pes.get(item)


def _check_choice(records: Sequence[PE | None], choice: Choice) -> None:
    """Raise for what no PE of the comparison could take."""
    own = {pe.name: {p.name: p for p in parameters_of(pe)} for pe in records if pe is not None}
    if not own:
        if choice.chosen:
            raise TpeError("array, size and parameters are for PEs given by name, not for engines")
        return
    for key, value in choice.parameters.items():
        takers = [known[key] for known in own.values() if key in known]
        if not takers:
            names = dict.fromkeys(name for known in own.values() for name in known)
            raise unknown(f"parameter of {', '.join(own)}", key, names)
        refusals = [_refusal(parameter, value) for parameter in takers]
        if all(refusals):
            raise TpeError(str(refusals[0]))
    own_choices = choice.per_pe.values() if isinstance(choice.per_pe, Mapping) else [None]
    if not all(isinstance(parameters, Mapping) for parameters in own_choices):
        raise TpeError(f"per_pe = {choice.per_pe!r} is not legal: {{pe: {{parameter: value}}}}")
    for name, parameters in choice.per_pe.items():
        if name not in own:
            raise unknown("pe of the comparison", name, own)
        for key, value in parameters.items():
            if key not in own[name]:
                raise unknown(f"parameter of {name}", key, own[name])
            own[name][key].check(value)
    if isinstance(choice.array, Mapping):
        for name, array in choice.array.items():
            if name not in own:
                raise unknown("pe of the comparison", name, own)
            arrays.get(array)
    elif choice.array is not None:
        arrays.get(choice.array)


def _refusal(parameter: Any, value: Any) -> str | None:
    try:
        parameter.check(value)
    except TpeError as error:
        return str(error)
    return None


def _given(item: EngineSpec) -> Candidate:
    engine = Engine.of(item) if isinstance(item, Config) else item
    assert isinstance(engine, Engine | NestEngine)
    facts = engine.describe()
    return Candidate("", facts["pe"], facts["array"], size_text(engine.size), engine)


def _made(pe: PE | None, choice: Choice) -> Candidate:
    """The engine of a PE by the choice, or why there is none."""
    assert pe is not None
    array = choice.array.get(pe.name) if isinstance(choice.array, Mapping) else choice.array
    array = arrays.default_for(pe) if array is None else arrays.get(array).name
    own = {p.name for p in parameters_of(pe, arrays.get(array))}
    asked = {key: value for key, value in choice.parameters.items() if key in own}
    asked |= choice.per_pe.get(pe.name, {})
    size = DEFAULT_SIZE if choice.size is None else choice.size
    text = "x".join(map(str, size)) if isinstance(size, list | tuple) else str(size)
    overlaps = OVERLAPS if "overlap" in own and "overlap" not in asked else ()
    try:
        engine = _overlapped(pe, array, size, asked, overlaps)
    except TpeError as error:
        return Candidate("", pe.name, array, text, None, error, asked)
    return Candidate("", pe.name, array, size_text(engine.size), engine, None, asked)


def _overlapped(
    pe: PE, array: str, size: Any, asked: Mapping[str, Any], overlaps: Sequence[Overlap]
) -> Engine:
    """The engine with the first of these overlaps that it can have; without, if it has none."""
    for overlap in overlaps:
        with suppress(TpeError):  # the next one, or none
            return Engine(pe, array, size, **asked, overlap=overlap)
    return Engine(pe, array, size, **asked)


def unasked_overlap(candidate: Candidate) -> str | None:
    """The overlap that a candidate would have if none were asked for; None if it takes none.

    >>> unasked_overlap(candidates(["opt4c"], Choice(parameters={"overlap": "none"}))[0])
    'load'
    """
    engine = candidate.built
    if "overlap" not in engine.params:
        return None
    asked = {name: value for name, value in candidate.asked.items() if name != "overlap"}
    free = _overlapped(engine.record, engine.array.name, engine.size, asked, OVERLAPS)
    return str(free.params["overlap"])


def _labelled(candidate: Candidate, label: str) -> Candidate:
    if not label.isprintable() or not label.strip():
        raise TpeError(f"label {label!r} is not legal: printable text that is not empty")
    c = candidate
    return Candidate(label, c.pe, c.array, c.size, c.engine, c.reason, c.asked)


def _labels(found: Sequence[Candidate]) -> list[str]:
    """PE names; of engines with the same PE, what differs too."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for c in found:
        groups.setdefault(c.pe, []).append({"array": c.array, "size": c.size, **c.params})
    labels: list[str] = []
    for c in found:
        group = groups[c.pe]
        facts = {"array": c.array, "size": c.size, **c.params}
        differing = [key for key in facts if any(other.get(key) != facts[key] for other in group)]
        label = " ".join([c.pe, *(_fact(key, facts[key]) for key in differing)])
        if label in labels:
            raise TpeError(f"{label} is given twice; legal: each engine once")
        labels.append(label)
    return labels


def _fact(key: str, value: Any) -> str:
    return str(value) if key in ("array", "size") else f"{key}={value}"
