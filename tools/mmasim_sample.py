"""What mmasim makes of seeded tiles, kept for the landing tier: tests/numbers/mmasim_sample.npz.

    python -m tools.mmasim_sample

mmasim (PyPI; needs PyTorch, and a C++ compiler when it is first imported) simulates tensor cores of
NVIDIA's GPUs, by its own reading of arXiv:2511.10909. `make test-full` compares many more tiles
with it (`tests/numbers/test_mmasim.py`). Operands, results and the version are in the file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from tests.numbers.tiles import KINDS, ScaledTiles, Tiles, scaled_tiles, tiles
from tpe.base.files import whole_file
from tpe.numbers.block_scaled import BLOCK_SCALED
from tpe.numbers.floats import FloatFormat
from tpe.numbers.formats import number_format
from tpe.numbers.operands import Ints
from tpe.numbers.tensor_cores import FusedDot, all_rules

SAMPLE = Path(__file__).resolve().parents[1] / "tests" / "numbers" / "mmasim_sample.npz"
TILES = 4  # of a kind and a rule
PTX = {
    "fp16": "f16",
    "bf16": "bf16",
    "tf32": "tf32",
    "fp32": "f32",
    "e4m3fn": "e4m3",
    "e5m2": "e5m2",
    "e3m2": "e3m2",
    "e2m3": "e2m3",
    "e2m1": "e2m1",
}
NAMES = {"ada": "Ada Lovelace"}  # of architectures, where they are not ours
SHAPES = {  # M, N and K of an instruction, and what stands before its types
    "volta": ("m8n8k", {"fp16": 4}),
    "turing": ("m16n8k", {"fp16": 8}),
    "ampere": ("m16n8k", {"fp16": 16, "bf16": 16, "tf32": 8}),
    "ada": ("m16n8k", {"fp16": 16, "bf16": 16, "tf32": 8}),
    "hopper": ("m64n8k", {"fp16": 16, "bf16": 16, "tf32": 8}),
    "blackwell": ("m64n8k", {"fp16": 16, "bf16": 16, "tf32": 8}),
}
EIGHT = 32  # K of 8-bit formats
FOUR = 64  # K of block-scaled 4-bit formats


def operation(rule: FusedDot) -> Any:
    """The instruction of mmasim that a rule is of."""
    from mmasim.nv_ptx import MMA, WGMMA, TCGen05MMA

    shape, depths = SHAPES[rule.arch]
    a, b, d = (PTX[x.name] for x in (rule.a, rule.b, rule.d))
    k = depths.get(rule.a.name, EIGHT)
    if rule.arch == "hopper":
        return WGMMA("Hopper", f"{shape}{k}.{d}.{a}.{b}")
    if rule.arch == "blackwell":
        kind = {16: "f16", 8: "tf32", 32: "f8f6f4"}[k]
        return TCGen05MMA("Blackwell", f"{shape}{k}.kind::{kind}.{d}.{a}.{b}")
    name = NAMES.get(rule.arch, rule.arch.capitalize())
    return MMA(name, f"{shape}{k}.{d}.{a}.{b}.{d}")


def tensor(codes: Ints, number: FloatFormat) -> Any:
    """Codes as PyTorch has them: narrow formats in the upper bits of six."""
    import torch

    if number.name == "tf32":
        codes, name = codes << 13, "float32"
    elif number.bits < 8:
        return torch.from_numpy((codes << (6 - number.bits)).astype(np.uint8))
    else:
        name = {
            "fp16": "float16",
            "bf16": "bfloat16",
            "fp32": "float32",
            "e4m3fn": "float8_e4m3fn",
            "e5m2": "float8_e5m2",
        }[number.name]
    stored = {1: np.uint8, 2: np.int16, 4: np.int32}[
        torch.empty(0, dtype=getattr(torch, name)).itemsize
    ]
    unsigned = {1: np.uint8, 2: np.uint16, 4: np.uint32}[np.dtype(stored).itemsize]
    return torch.from_numpy(codes.astype(unsigned).view(stored)).view(getattr(torch, name))


def words(result: Any) -> Ints:
    """The words of a tensor of fp32 or fp16."""
    import torch

    small = result.dtype == torch.float16
    stored = result.contiguous().view(torch.int16 if small else torch.int32).numpy()
    return stored.view(np.uint16 if small else np.uint32).astype(np.int64)


def results(rule: FusedDot, x: Tiles) -> Ints:
    """Words of D (tiles,) by mmasim."""
    a, b = tensor(x.a, rule.a), tensor(x.b, rule.b)
    return words(operation(rule).dpa(a, b, tensor(x.c, rule.d)))


def scaled_results(kind: str, types: tuple[str, str], x: ScaledTiles) -> Ints:
    """The same of block-scaled tiles."""
    import torch
    from mmasim.nv_ptx import TCGen05MMABlockScale

    rule = BLOCK_SCALED[kind]
    ptx = {"nvf4": "mxf4nvf4"}.get(kind, kind)
    k = FOUR if rule.group > 1 else EIGHT
    a_type, b_type = (PTX[name] for name in types)
    op = TCGen05MMABlockScale(
        "Blackwell", f"m128n8k{k}.kind::{ptx}.block{rule.block}.f32.{a_type}.{b_type}.{rule.scale}"
    )
    if rule.group > 1:  # two in a byte, the first in its upper half
        pair = [
            torch.from_numpy((v[:, ::2] << 4 | v[:, 1::2]).astype(np.uint8)) for v in (x.a, x.b)
        ]
        values = torch.tensor(number_format("e2m1").values(np.arange(16)), dtype=torch.float16)
        a, b = (
            torch.stack([values[(v >> 4).int()], values[(v & 15).int()]], -1).flatten(1)
            for v in pair
        )
    else:
        a, b = (tensor(v, number_format(t)) for v, t in zip((x.a, x.b), types, strict=True))
    dtype = torch.float8_e8m0fnu if rule.scale == "ue8m0" else torch.float8_e4m3fn
    scales = [torch.from_numpy(v.astype(np.uint8)).view(dtype) for v in (x.a_scales, x.b_scales)]
    c, steps = tensor(x.c, number_format("fp32")), x.a.shape[1] // rule.lanes
    per_step = rule.lanes // rule.block
    for i in range(steps):  # an instruction each: mmasim's own loop has one scale for all of K
        k, s = slice(i * rule.lanes, (i + 1) * rule.lanes), slice(i * per_step, (i + 1) * per_step)
        c = op.dpa(a[:, k], b[:, k], c, scales[0][:, s], scales[1][:, s])
    return words(c)


def scaled_kinds() -> Iterator[tuple[str, tuple[str, str]]]:
    """Kinds of block-scaled products with formats of A and of B."""
    for kind in BLOCK_SCALED.values():
        yield from ((kind.name, (a, b)) for a in kind.elements for b in kind.elements)


def sampled() -> Iterator[tuple[list[str], dict[str, Ints]]]:
    """(arch, A, B, D) of a rule or (kind, A, B) of block scales; operands and results."""
    for number, rule in enumerate(all_rules()):
        rng = np.random.default_rng(number)
        names = [rule.arch, rule.a.name, rule.b.name, rule.d.name]
        for way in KINDS:
            x = tiles(rule, way, TILES, rng)
            yield names, {**x._asdict(), "d": results(rule, x)}
    for number, (kind, types) in enumerate(scaled_kinds()):
        rng = np.random.default_rng(1000 + number)
        formats = [number_format(name) for name in types]
        for way in KINDS:
            y = scaled_tiles(BLOCK_SCALED[kind], *formats, way, TILES, rng)  # type: ignore[arg-type]
            yield [kind, *types], {**y._asdict(), "d": scaled_results(kind, types, y)}


def load() -> Iterator[tuple[list[str], dict[str, Ints]]]:
    """What `sampled` gave when the file was written."""
    stored = np.load(SAMPLE)
    flat, start = stored["words"].astype(np.int64), 0
    for names, shapes in json.loads(stored["index"].tobytes())["sets"]:
        parts = {}
        for part, shape in shapes.items():
            end = start + math.prod(shape)
            parts[part], start = flat[start:end].reshape(shape), end
        yield names, parts


def main() -> None:
    """Write the sample."""
    flat, sets = [], []
    for names, parts in sampled():
        flat += [x.ravel() for x in parts.values()]
        sets.append([names, {part: x.shape for part, x in parts.items()}])
    index = json.dumps({"mmasim": version("mmasim"), "sets": sets}).encode()
    with whole_file(SAMPLE) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(
            file,
            words=np.concatenate(flat).astype(np.uint32),
            index=np.frombuffer(index, np.uint8),
        )
    print(f"{len(sets)} sets, mmasim {version('mmasim')}, in {SAMPLE}")


if __name__ == "__main__":
    main()
