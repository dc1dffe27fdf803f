"""Forms of an engine: what else its PE may be built as and compute the same.

A verdict on a PE rests on the best that can be built of it: cells that leave to their row what a
row can do once, finishes and fronts with registers inside, the other orders of digits. Each form
is a set of choices that go together; what a PE lacks of one, or may not have, is no form of it.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.engine.parameters import parameters_of
from tpe.hdl import emit
from tpe.study.price import Option, Price

# What a cell leaves to its row, how it and its array are held, which carries it keeps: as far as a
# PE has it in its array.
LEAN: Mapping[str, Any] = {
    "negate": "row",
    "biased": "on",
    "hold": "zero",
    "top": "increment",
    "carry_every": 2,
    "stall": "registered",
}
INNER: Mapping[str, Any] = {
    "planes": "inner",
    "hold": "zero",
    "carry_every": 2,
    "front_stages": 3,
    "cell_stages": 3,
    "finish_stages": 3,
}
# Of each line the first that a PE may have, with `LEAN` beside it but for inner planes.
_FORMS: tuple[tuple[Mapping[str, Any], ...], ...] = (
    ({"encode_in": "edge", "finish_stages": 2}, {"finish_stages": 2}, {}),
    ({"planes": "msb_first", "finish_stages": 2},),
    (INNER,),
)

CHOSEN = frozenset(LEAN).union(*(choices for line in _FORMS for choices in line))


def forms(engine: Config, asked: Container[str] = ()) -> tuple[Mapping[str, Any], ...]:
    """Choices that make other forms of an engine, each legal; () for a PE that has none.

    asked -- parameters that keep the engine's value in every form

    >>> forms(Config("bitlet", "matrix2d", "2x2"))
    ({'stall': 'registered'},)
    >>> [form["planes"] for form in forms(Config("opt4c", "matrix2d", "2x2"))[1:]]
    ['msb_first', 'inner']
    """
    made = (next(filter(None, (_form(engine, x, asked) for x in line)), None) for line in _FORMS)
    return tuple(form for form in made if form)


def _form(
    engine: Config, needed: Mapping[str, Any], asked: Container[str]
) -> Mapping[str, Any] | None:
    """The form that has all of these choices; None if the PE in its array may not have them."""
    own = {p.name for p in parameters_of(engine.pe, engine.array)}
    fixed = {name: value for name, value in engine.params.items() if name in asked}
    free = own - fixed.keys()
    lean = {} if needed is INNER else {k: v for k, v in LEAN.items() if k in free}
    if any(name not in own or fixed.get(name, value) != value for name, value in needed.items()):
        return None
    with suppress(TpeError):  # what its array or its other choices do not allow
        formed(engine, {**lean, **needed})
        return {**lean, **needed}
    return None


def formed(engine: Config, form: Mapping[str, Any]) -> Config:
    """The engine in another form; TpeError if that is not legal.

    Parameters at their default are left out: a form may be without some of them.
    """
    known = {p.name: p.default for p in parameters_of(engine.pe, engine.array)}
    own = {name: value for name, value in engine.params.items() if known.get(name) != value}
    return Config(emit.record(engine), engine.array, engine.size, **{**own, **form})


def tried(
    engine: Config, lean: bool, asked: Container[str] = ()
) -> list[tuple[Mapping[str, Any], Config]]:
    """({}, the engine), and if `lean` every other form of it with the engine of that form."""
    others = forms(engine, asked) if lean else ()
    return [({}, engine), *((form, formed(engine, form)) for form in others)]


def best(
    engine: Config,
    priced: Callable[[Config, Mapping[str, Any]], Price],
    lean: bool = True,
    asked: Container[str] = (),
) -> Price:
    """The options of an engine and, if `lean`, of all forms of it; each says what it chose.

    priced -- prices an engine of a form, whose choices are not to be varied; of the first {}
    asked  -- as of `forms`

    Raises TpeError if the engine itself cannot be priced.
    """
    prices = [(form, priced(own, form)) for form, own in tried(engine, lean, asked)]
    options: list[Option] = [o.of(form) for form, price in prices for o in price.options]
    return replace(prices[0][1], options=tuple(sorted(options, key=lambda o: o.period_ns)))


def form_text(form: Mapping[str, Any]) -> str:
    """Choices in words; empty for none.

    >>> form_text({"negate": "row", "finish_stages": 2})
    'negate = row, finish_stages = 2'
    """
    return ", ".join(f"{name} = {value}" for name, value in form.items())
