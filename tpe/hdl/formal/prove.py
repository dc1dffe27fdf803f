"""Proofs about an engine's RTL: its cell equal to its specification, no operand lost on the way.

Every lemma is a property written by hand (`rtl/formal`) of the engine's own modules, decided by
Yosys and ABC. Together they say what a cell does, for any operands:

- `product` and `accumulate`: a first step leaves a * b in the psum, a later one adds what a first
  one leaves, lane by lane. So the number of the psum grows by the sum over the lanes of a * b.
- `product by digits` and `encode` give `product` again, by the distributive law: the sum of
  digit * b * 4**i, where the sum of digit * 4**i is a. They finish at widths where multiplication
  itself does not.
- `clear`, `hold` and `valid`: what a first step, en_i = 0 and valid_i = 0 do to the psum, from any
  state. `cell`: the same over many cycles, with every flag beside its own operands.
- `tpe.hdl.formal.lookup_lemmas` has those of look-ups by planes of weights.
- `tpe.hdl.formal.step_lemmas` has those of cells whose steps take several cycles or a bit weight.
- `select`, `select sum`: what stands before cells where one operand has structured sparsity.
- `finish`: it makes of a psum the number that the lemmas above speak of.
- `tile control`, `drain`, `array` and `front`: nothing is lost, repeated or reordered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tpe.base.errors import TpeError, unknown
from tpe.base.table import SCHEMA_VERSION
from tpe.engine.config import Config, checked_config
from tpe.hdl.emit import record, sources
from tpe.hdl.formal.array_lemmas import uncovered_arrays
from tpe.hdl.formal.cell_lemmas import claims, uncovered
from tpe.hdl.formal.control_lemmas import control_claims
from tpe.hdl.formal.finish_lemmas import chain_claims, uncovered_chain
from tpe.hdl.formal.float_cell_lemmas import float_cell_claims, uncovered_float_cell
from tpe.hdl.formal.float_lemmas import float_claims
from tpe.hdl.formal.lemmas import Lemma, LemmaTemplate, at_widths, of_integers, properties
from tpe.hdl.formal.lookup_lemmas import lookup_claims, uncovered_lookup
from tpe.hdl.formal.memory_lemmas import memory_claims
from tpe.hdl.formal.select_lemmas import dense, of_dense, select_claims, uncovered_selects
from tpe.hdl.formal.solve import OPEN, PROVED, REFUTED, Answer, decide
from tpe.hdl.formal.step_lemmas import step_claims

DEFAULT_LIMIT = 120.0  # seconds of one proof
MAX_LIMIT = 1e6
NARROWEST = 3  # bits of an operand at which narrower proofs begin
FEW = 2  # lanes of narrower proofs about cells of many
GUARD = 4  # bits of their accumulator above a product


@dataclass(frozen=True)
class Proof:
    """A lemma and what became of it. `note` says what its full widths did if it holds for less."""

    lemma: str
    what: str
    width: str
    result: str  # "proved", "refuted" or "open"
    method: str
    seconds: float
    note: str = ""
    trace: tuple[dict[str, int], ...] = ()
    cached: bool = False

    @property
    def said(self) -> str:
        """The result in a few words."""
        return f"{self.result}{', cached' if self.cached else ''}"


@dataclass(frozen=True)
class ProofReport:
    """All proofs about an engine, and what of it no lemma speaks about."""

    engine: dict[str, Any]
    limit: float
    proofs: tuple[Proof, ...]
    uncovered: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every lemma is proved, if need be at narrower widths."""
        return all(proof.result == PROVED for proof in self.proofs)

    @property
    def full(self) -> bool:
        """Whether every lemma is proved at the engine's own widths or those stated for control."""
        return self.ok and not any(proof.note for proof in self.proofs)

    def to_json(self, command: str | None = None) -> dict[str, Any]:
        """The report as a JSON document."""
        return {
            "schema_version": SCHEMA_VERSION,
            "command": command,
            "engine": self.engine,
            "limit_seconds": self.limit,
            "ok": self.ok,
            "full": self.full,
            "proofs": [{**vars(proof), "trace": list(proof.trace)} for proof in self.proofs],
            "uncovered": list(self.uncovered),
        }


def prove(
    engine: Config,
    limit: float = DEFAULT_LIMIT,
    *,
    only: tuple[str, ...] = (),
    replaced: Mapping[str, str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> ProofReport:
    """Prove the lemmas about an engine; about a minute for 8-bit operands the first time.

    limit: seconds of the processor for one proof; where full widths take longer, the largest
    widths that do not are found and stated. only: lemmas to prove, by name; default all.
    replaced: module name -> text, in place of modules of `rtl/`. progress is called with the name
    of every lemma as it begins.
    Raises TpeError for a PE without RTL or without specifications, a limit out of range
    or an unknown name, and RuntimeError with the tool's text if Yosys refuses a module.

    >>> from tpe.model.engine import Engine
    >>> report = prove(Engine("opt1", "matrix2d", "2x2"), only=("encode", "finish"))
    >>> [(proof.lemma, proof.result) for proof in report.proofs]
    [('finish', 'proved'), ('encode', 'proved')]
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise TpeError(f"limit = {limit:g} is not legal: seconds from 1 to {MAX_LIMIT:g}")
    overrides = dict(replaced or {})
    for name in overrides:
        if name not in sources.modules():
            raise unknown("module", name, sources.modules())
    pe = record(checked_config(engine))
    if not (of_integers(engine) or lookup_claims(engine) or float_claims(engine)):
        raise TpeError(
            f"no proofs of pe {pe.name}: the specifications are of integer products, and it "
            f"computes in {pe.arithmetic.name}; tpe verify simulates it"
        )
    wanted = _chosen(all_claims(engine), only)
    proofs = []
    for claim in wanted:
        if progress:
            progress(claim.name)
        proofs.append(_prove(claim, engine, overrides, limit))
    return ProofReport(engine.describe(), limit, tuple(proofs), _missing(engine))


def _missing(engine: Config) -> tuple[str, ...]:
    """What of an engine no lemma speaks about, a line each."""
    selects, engine = uncovered_selects(engine), dense(engine) if engine.selection else engine
    inside = uncovered if of_integers(engine) else uncovered_float_cell
    if lookup_claims(engine):
        inside = uncovered_lookup
    return (*selects, *inside(engine), *uncovered_arrays(engine), *uncovered_chain(engine))


def lemmas(engine: Config) -> list[str]:
    """The names of the lemmas about an engine, in order.

    >>> from tpe.model.engine import Engine
    >>> lemmas(Engine("mac", "matrix2d", "2x2"))[:3]
    ['product', 'product by digits', 'accumulate']
    """
    return [claim.name for claim in all_claims(engine)]


def all_claims(engine: Config) -> list[LemmaTemplate]:
    """Every lemma about an engine, to be built at its widths or others."""
    if engine.selection:
        return [*select_claims(engine), *map(of_dense, all_claims(dense(engine)))]
    if of_integers(engine):
        inside = [*step_claims(engine), *claims(engine)]
    elif parts := lookup_claims(engine):
        inside = parts
    elif parts := float_claims(engine):
        inside = [*parts, *float_cell_claims(engine)]
    else:
        return []
    return [*inside, *control_claims(engine), *memory_claims(engine), *chain_claims(engine)]


def _chosen(found: list[LemmaTemplate], only: tuple[str, ...]) -> list[LemmaTemplate]:
    names = [claim.name for claim in found]
    for name in only:
        if name not in names:
            raise unknown("lemma", name, names)
    return [claim for claim in found if not only or claim.name in only]


def _prove(
    claim: LemmaTemplate, engine: Config, overrides: Mapping[str, str], limit: float
) -> Proof:
    lemma = claim.build(engine, overrides)
    answer = decide(lemma.query, limit)
    if answer.result != OPEN or not claim.climbs:
        return _proof(lemma, answer)
    best = None
    for small in _climb(engine, claim.few):
        narrow = claim.build(small, overrides)
        found = decide(narrow.query, limit)
        if found.result == OPEN:
            break
        best = _proof(narrow, found, f"{lemma.width} not finished in {limit:g} s")
        if found.result == REFUTED:
            break
    return best or _proof(lemma, answer)


def _climb(engine: Config, few: bool) -> Iterator[Config]:
    """The engine at ever wider operands, below its own; `few`: with two lanes at most."""
    w = engine.widths
    lanes = min(w.lanes, FEW) if few else w.lanes
    for bits in range(NARROWEST, max(w.a, w.b) + 1):
        a, b = min(bits, w.a), min(bits, w.b)
        acc = min(w.acc, a + b + GUARD)
        if (a, b, acc, lanes) != (w.a, w.b, w.acc, w.lanes):
            yield at_widths(engine, a, b, acc, lanes)


def _proof(lemma: Lemma, answer: Answer, note: str = "") -> Proof:
    return Proof(
        lemma.name,
        lemma.what,
        lemma.width,
        answer.result,
        answer.method,
        answer.seconds,
        note,
        answer.trace,
        answer.cached,
    )


__all__ = ["DEFAULT_LIMIT", "Proof", "ProofReport", "lemmas", "properties", "prove"]
