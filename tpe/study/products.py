"""The products of a model on engines: what stands in the place of every x @ w."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.model.engine import Engine
from tpe.model.matmul import matmul
from tpe.model.outliers import OutlierProduct, outlier_matmul
from tpe.numbers.formats import Array, IntFormat, number_format
from tpe.numbers.quantise import largest_scale
from tpe.workloads.layer_types import LayerTypes
from tpe.workloads.minilm import Product

Formats: TypeAlias = Mapping[str, tuple[IntFormat | None, IntFormat | None]]
"""{product: formats of x and w}; None: the engine's."""


def formats_of(engine: Engine, types: LayerTypes) -> Formats:
    """The formats of products with types of their own; TpeError for what the engine has no room."""
    found: dict[str, tuple[IntFormat | None, IntFormat | None]] = {}
    for name, own in types.items():
        sides: list[IntFormat | None] = []
        for key, hardware in (("a_type", engine.a_format), ("b_type", engine.b_format)):
            number = number_format(own[key], key) if key in own else None
            fits = isinstance(number, IntFormat) and isinstance(hardware, IntFormat)
            if number is not None and not (
                fits and number.signed and hardware.signed and number.bits <= hardware.bits
            ):
                raise TpeError(
                    f"product {name}: {key} = {number.name} on an engine of {hardware.name}; "
                    "legal: a signed integer no wider than the engine's"
                )
            sides.append(number if isinstance(number, IntFormat) else None)
        found[name] = sides[0], sides[1]
    return found


def on_engine(engine: Engine, formats: Formats) -> Product:
    """Products by `tpe.matmul`, operands of some in narrower formats than the engine's."""

    def multiply(name: str, x: Array, w: Array) -> Array:
        a_format, b_format = formats.get(name, (None, None))
        # On these scales no integer is larger than the narrower format's largest.
        a_scale = None if a_format is None else largest_scale(x, a_format, 1).reshape(-1)
        b_scale = None if b_format is None else largest_scale(w, b_format, 0).reshape(-1)
        return matmul(engine, x, w, (a_scale, b_scale))

    return _named(multiply)


class OutlierCount:
    """Products by `tpe.outlier_matmul`, and what all of them took together."""

    def __init__(self, engine: Config, outliers: Config, threshold: float) -> None:
        self.engines, self.threshold = (engine, outliers), threshold
        self.columns = self.k = 0
        self.cycles = [0, 0]
        self.product = _named(self._multiply)

    def _multiply(self, name: str, x: Array, w: Array) -> Array:
        found: OutlierProduct = outlier_matmul(*self.engines, x, w, self.threshold)
        self.columns += len(found.columns)
        self.k += found.k
        self.cycles = [a + b for a, b in zip(self.cycles, found.cycles, strict=True)]
        return found.C

    def metrics(self) -> dict[str, float | None]:
        """Columns of outliers in all columns, and both engines' cycles, of all products."""
        share = self.columns / self.k if self.k else None
        return {
            "outlier_share": share,
            "cycles": self.cycles[0],
            "outlier_cycles": self.cycles[1],
        }


def _named(multiply: Callable[[str, Array, Array], Array]) -> Product:
    """The same; an error says which product it was."""

    def product(name: str, x: Array, w: Array) -> Array:
        try:
            return multiply(name, x, w)
        except TpeError as error:
            raise TpeError(f"product {name}: {error}") from None

    return product
