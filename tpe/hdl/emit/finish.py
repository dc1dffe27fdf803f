"""The finish chain in an engine's top: its ports, what they carry, `tpe_post`'s parameters.

What a word takes with it is one record of a bench memory, in the order of `fields`. The ports are
read in the cycle in which c_take_o is high: the array's word, its addends and its scale enter the
chain together. Values that are one per column of C are one per column of the array, held while a
tile leaves; with encode = weights, where a word is a column of C, they are one value that changes
with every word.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.engine.finish import SHIFT_BITS, Added, ChainInputs, Requant
from tpe.hdl.emit import rtl_names, scales
from tpe.hdl.emit.ports import Port, input_port, output_port
from tpe.hdl.simulate.hex import Ints, to_hex
from tpe.numbers.floats import FP32
from tpe.numbers.zero_points import ZeroPoints

if TYPE_CHECKING:
    from tpe.engine.config import Config


@dataclass(frozen=True)
class Field:
    """A port that a word of C takes something from: `bits` each for all columns or for one."""

    port: str
    width: str  # the parameter of the top that says `bits`
    bits: int
    wide: bool  # one for every column of the array

    def count(self, cols: int) -> int:
        """How many of them a word takes."""
        return cols if self.wide else 1


def fields(engine: Config) -> tuple[Field, ...]:
    """What a word takes with it, lowest first; empty for an engine that adds nothing."""
    if engine.scale_group:
        own = scales.parameters(engine)
        return (
            Field("group_scale_i", "ScaleWidth", own["ScaleWidth"], True),
            Field("group_i", "GroupWidth", own["GroupWidth"], False),
        )
    chain, params, acc = engine.chain, engine.params, engine.widths.acc
    along_columns = params["encode"] != "weights"
    found = []
    if chain.c0 or params["zero_points"] == ZeroPoints.OFFSET:
        found.append(Field("c_add_i", "AccWidth", acc, True))
    if chain.bias:
        found.append(Field("bias_i", "AccWidth", acc, along_columns))
    if chain.requant != "off":
        wide = along_columns and chain.requant == "column"
        found.append(Field("scale_i", "ScaleWidth", chain.requant_bits, wide))
        found.append(Field("shift_i", "ShiftWidth", SHIFT_BITS, wide))
        found.append(Field("out_zero_i", "YWidth", chain.out.bits, False))
    return tuple(found)


def word_format(engine: Config) -> tuple[int, bool]:
    """Bits of a word of C for each column as it leaves, and whether it is signed."""
    if engine.scale_group:
        return FP32.bits, True
    return engine.chain.out.bits, engine.chain.out.signed


def record_bits(engine: Config) -> int:
    """Bits of all that a word takes with it; 1 if that is nothing, for a memory has a width."""
    return sum(f.bits * f.count(engine.grid.n) for f in fields(engine)) or 1


def slices(engine: Config, record: str) -> dict[str, str]:
    """Each field's port with its part of a record, for an engine of Cols columns."""
    found, start = {}, "0"
    for part in fields(engine):
        width = f"{'Cols*' if part.wide else ''}{part.bits}"
        found[part.port] = f"{record}[{start}+:{width}]"
        start = width if start == "0" else f"{start}+{width}"
    return found


def parameters(engine: Config) -> dict[str, int]:
    """The parameters that an engine decides of what stands behind its array, by name."""
    if engine.scale_group:
        return scales.parameters(engine)
    chain = engine.chain
    return {
        "SumWidth": chain.acc_bits,
        "Narrow": chain.narrow,
        "Requant": int(chain.requant != "off"),
        "ScaleWidth": chain.requant_bits,
        "ShiftWidth": SHIFT_BITS,
        "Rounding": rtl_names.number("Rounding", chain.rounding),
        "Relu": int(chain.relu),
        "YWidth": chain.out.bits,
        "YSigned": int(chain.out.signed),
    }


def post(engine: Config) -> dict[str, Any] | None:
    """What stands behind the array as the top's template reads it; None if there is nothing."""
    if engine.scale_group:
        return scales.post(engine)
    if not engine.chain.staged:
        return None
    there = {part.port: part for part in fields(engine)}
    counts = {
        name: "Cols" if port in there and there[port].wide else "1"
        for name, port in (("BiasCount", "bias_i"), ("ScaleCount", "scale_i"))
    }
    ports = ("c_add_i", "bias_i", "scale_i", "shift_i", "out_zero_i")
    outward = [(port, port if port in there else "'0") for port in ports]
    guarded = engine.chain.narrow > 0
    outward += [("overflow_clear_i", "overflow_clear_i" if guarded else "1'b0")]
    outward += [("overflow_o", "overflow_o" if guarded else "unused_overflow")]
    own = {name: rtl_names.reference(name, x) for name, x in parameters(engine).items()}
    bindings = {"Count": "Cols", "AccWidth": "AccWidth", **own, **counts}
    return {
        "module": "tpe_post",
        "bindings": list((bindings | {name: name for name in top_parameters(engine)}).items()),
        "connections": [("take_o", "c_take_o" if there else "unused_take"), *outward],
        "unused": ([] if there else ["unused_take"]) + ([] if guarded else ["unused_overflow"]),
    }


def top_parameters(engine: Config) -> dict[str, int]:
    """Those of `parameters` that widths of the top's ports need."""
    known = parameters(engine)
    return {"YWidth": known["YWidth"]} | {
        part.width: known[part.width] for part in fields(engine) if part.width in known
    }


def port_lines(engine: Config) -> list[Port]:
    """What the chain adds to the top's ports, behind c_ready_i; of `offset` alone, c_add_i."""
    lines = [
        input_port(part.port, f"[{'Cols*' if part.wide else ''}{part.width}-1:0]")
        for part in fields(engine)
    ]
    if (engine.chain.staged or engine.scale_group) and lines:
        lines.append(output_port("c_take_o", comment="the ports above are read"))
    if engine.chain.narrow:
        lines.append(input_port("overflow_clear_i"))
        lines.append(output_port("overflow_o", comment="a word did not fit; stays"))
    return lines


def image(engine: Config, values: Mapping[str, Ints]) -> bytes:
    """Records as a memory image: `values` has (words, count) of every field, by its port."""
    flags = [
        ((values[part.port][:, :, None] >> np.arange(part.bits)) & 1).reshape(
            len(values[part.port]), -1
        )
        for part in fields(engine)
    ]
    return to_hex(np.hstack(flags).astype(np.uint8)) if flags else b""


def per_column(added: Added) -> dict[str, Ints]:
    """What is one value per column of C, (N,), by the port that carries it."""
    return {"bias_i": added.bias, "scale_i": added.multiplier, "shift_i": added.shift}


def drawn(engine: Config, rng: np.random.Generator, m: int, n: int) -> ChainInputs:
    """What a run of M x N outputs may be given: addends of an eighth of the range, any scale.

    A scale is one of three: it spreads outputs over the format's range and beyond either end; it
    is a power of two, which leaves low bits of the sum to be seen and makes ties; or it is any.
    """
    stages = engine.chain
    reach = 1 << (stages.acc_bits - 4)
    c0 = rng.integers(-reach, reach, (m, n)) if stages.c0 else None
    bias = rng.integers(-reach, reach, n) if stages.bias else None
    if stages.requant == "off":
        return ChainInputs(c0, bias)
    shape = n if stages.requant == "column" else ()
    multiplier = rng.integers(0, 1 << stages.requant_bits, shape)
    spare = max(0, stages.acc_bits - stages.out.bits)
    shift = rng.integers(spare // 2, spare + 1, shape) + stages.requant_bits
    kind = rng.integers(0, 3, shape)
    few, every = (rng.integers(0, top, shape) for top in (spare + 1, 1 << SHIFT_BITS))
    multiplier = np.where(kind == 1, 1, multiplier)
    shift = np.choose(kind, (shift, few, every))
    zero = int(rng.integers(stages.out.low, stages.out.high + 1))
    return ChainInputs(
        c0, bias, Requant(multiplier, np.minimum(shift, (1 << SHIFT_BITS) - 1), zero)
    )


def has_room(engine: Config, k: int) -> bool:
    """Whether the accumulator as built holds sums of `k` products and what is `drawn`."""
    reach = np.full((1, 1), 1 << (engine.chain.acc_bits - 3))
    none = np.zeros(1, np.int64)
    try:
        engine.chain.check_room(
            "battery", k, *engine.difference_formats(), Added(reach, none, none, none, 0)
        )
    except TpeError:
        return False
    return True
