"""Readers of quantised weights, against the packages that write them and plain Python integers."""

from __future__ import annotations

import os
import struct
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tpe
from tests.workloads.weight_files import (
    gguf,
    gguf_key,
    gguf_tensor,
    raw_safetensors,
    safetensors,
    text,
)
from tpe.workloads.weights.file import read_weights
from tpe.workloads.weights.gguf_types import BY_NUMBER, DECODED, TYPES
from tpe.workloads.weights.packed import group_size, unpacked

RNG = np.random.default_rng(38)
NUMBER = {kind.name: number for number, kind in BY_NUMBER.items()}
# Of every type with scales of fp16: the bytes at which they stand in a block.
HALVES = {
    **dict.fromkeys(("Q4_0", "Q5_0", "Q8_0", "IQ4_NL", "IQ4_XS"), (0,)),
    **dict.fromkeys(("Q4_1", "Q5_1", "Q4_K", "Q5_K"), (0, 2)),
    "Q2_K": (80, 82),
    "Q3_K": (108,),
    "Q6_K": (208,),
    "TQ1_0": (52,),
    "TQ2_0": (64,),
}
SHAPES = [(1, 1), (3, 1), (5, 3), (2, 7)]  # rows, blocks in a row


def random_bytes(name: str, shape: tuple[int, int]) -> np.ndarray:
    """Rows of blocks, (rows, bytes): any bytes, but that scales are finite and trits are 0 to 2."""
    kind = TYPES[name]
    blocks = RNG.integers(0, 256, (shape[0] * shape[1], kind.bytes), np.uint8)
    for at in HALVES.get(name, ()):
        exponent = blocks[:, at + 1] & 0x7C
        blocks[:, at + 1] ^= np.where(exponent == 0x7C, np.uint8(0x40), np.uint8(0))
    if name == "TQ2_0":
        fields = RNG.integers(0, 3, (len(blocks), 64, 4), np.uint8)
        blocks[:, :64] = (fields << np.arange(0, 8, 2, dtype=np.uint8)).sum(axis=-1)
    if name == "MXFP4":
        blocks[:, 0] %= 255
    if name == "NVFP4":
        blocks[:, :4] = np.where(blocks[:, :4] % 128 == 127, 5, blocks[:, :4])
    return blocks.reshape(shape[0], -1)


@pytest.mark.parametrize("name", [name for name in DECODED if name not in ("I8", "I2_S")])
def test_every_type_is_what_the_gguf_package_makes_of_it(name: str, tmp_path: Path) -> None:
    """Random bytes, subnormal scales and scales below zero among them, bit for bit in float32."""
    quants = pytest.importorskip("gguf.quants")
    constants = pytest.importorskip("gguf.constants")
    kind = constants.GGMLQuantizationType[name]
    for rows, across in SHAPES:
        raw = random_bytes(name, (rows, across))
        shape = rows, across * TYPES[name].block
        path = gguf(tmp_path / "x.gguf", [("w", shape, NUMBER[name], raw.tobytes())])
        (matrix,) = read_weights(path).matrices.values()
        tensor = matrix.read()
        with np.errstate(over="ignore"):
            ours = tensor.values().astype(np.float32)
            wanted = quants.dequantize(raw, kind)
        assert ours.shape == wanted.shape == shape
        assert (ours.view(np.uint32) == wanted.view(np.uint32)).all()
        assert (matrix.n, matrix.k) == shape and matrix.number == tensor.number.name
        assert (matrix.codes() == tensor.codes.T).all()
        assert matrix.bits == 8 * raw.size / (shape[0] * shape[1])


def test_sizes_and_numbers_of_types_are_the_packages() -> None:
    constants = pytest.importorskip("gguf.constants")
    sizes = {kind.name: size for kind, size in constants.GGML_QUANT_SIZES.items()}
    ours = {kind.name: (kind.block, kind.bytes) for kind in TYPES.values()}
    assert {name: ours[name] for name in sizes} == sizes
    assert all(constants.GGMLQuantizationType[name] == NUMBER[name] for name in sizes)
    assert ours.keys() - sizes.keys() == {"I2_S"}


def test_a_file_that_the_gguf_package_writes(tmp_path: Path) -> None:
    package = pytest.importorskip("gguf")
    writer = package.GGUFWriter(tmp_path / "x.gguf", "llama")
    writer.add_array("tokenizer.ggml.tokens", ["a", "b", "längst"])
    writer.add_array("some.numbers", [1, 2, 3])
    writer.add_float32("some.float", 0.5)
    w = RNG.normal(size=(5, 64)).astype(np.float32)
    kind = package.GGMLQuantizationType.Q4_0
    raw = package.quants.quantize(w, kind)
    writer.add_tensor("blk.0.attn_q.weight", raw, raw_dtype=kind)
    writer.add_tensor("blk.0.attn_norm.weight", np.ones(64, np.float32))
    writer.add_tensor("output.weight", w)
    for step in ("write_header_to_file", "write_kv_data_to_file", "write_tensors_to_file", "close"):
        getattr(writer, step)()
    found = read_weights(tmp_path / "x.gguf")
    assert [tensor.name for tensor in found.tensors] == [
        "blk.0.attn_q.weight", "blk.0.attn_norm.weight", "output.weight"]  # fmt: skip
    matrix = found.matrix("blk.0.attn_q.weight")
    assert matrix.read().values().astype(np.float32) == pytest.approx(
        package.quants.dequantize(raw, kind), abs=0
    )
    assert (matrix.k, matrix.n, matrix.group, matrix.bits) == (64, 5, 32, 4.5)
    assert found.unsupported == {"matrix in F32": 1} and found.not_gemm == {"vectors in F32": 1}


def test_a_header_may_be_long(tmp_path: Path) -> None:
    """A vocabulary of 2 MiB: more than is read at first."""
    words = struct.pack("<IQ", 8, 1 << 17) + text("12345678") * (1 << 17)
    tensors = [("w", (1, 32), NUMBER["Q8_0"], BLOCK)]
    path = gguf(tmp_path / "x.gguf", tensors, [gguf_key("tokens", 9, words)])
    assert path.stat().st_size > 1 << 21
    assert read_weights(path).matrix("w").read().scales.tolist() == [[1.0]]


def test_int8_and_bitnets_two_bits(tmp_path: Path) -> None:
    codes = RNG.integers(-128, 128, (3, 5), np.int8)
    path = gguf(tmp_path / "x.gguf", [("w", (3, 5), NUMBER["I8"], codes.tobytes())])
    assert (read_weights(path).matrix("w").read().values() == codes).all()
    trits = RNG.integers(-1, 2, (3, 256))
    raw = bytearray(3 * 256 // 4 + 32)
    for place, trit in enumerate(trits.reshape(-1).tolist()):  # four of a byte lie 32 apart
        block, rest = divmod(place, 128)
        raw[32 * block + rest % 32] |= (trit + 1) << (6 - 2 * (rest // 32))
    struct.pack_into("<f", raw, 192, 0.625)
    path = gguf(tmp_path / "x.gguf", [("w", (3, 256), NUMBER["I2_S"], bytes(raw))])
    matrix = read_weights(path).matrix("w")
    assert (matrix.read().values() == 0.625 * trits).all()
    assert matrix.bits == 8 * (192 + 32) / 768 and matrix.number == "ternary"


# ---- GPTQ and AWQ ----


def slow_words(rows: list[list[int]], bits: int) -> np.ndarray:
    """Numbers packed along rows into 32-bit words, the lowest bits first, in Python's integers."""
    packed = []
    for row in rows:
        whole = sum(number << (bits * place) for place, number in enumerate(row))
        packed.append([whole >> (32 * i) & 0xFFFFFFFF for i in range(len(row) * bits // 32)])
    return np.array(packed, np.uint32).view(np.int32)


def gptq(
    codes: np.ndarray, zeros: np.ndarray, scales: np.ndarray, bits: int, version: str
) -> dict[str, np.ndarray]:
    """The tensors of a layer: codes (K, N), zeros and scales (G, N)."""
    less = 1 if version == "v1" else 0
    stored = [[(zero - less) % 2**bits for zero in row] for row in zeros.tolist()]
    return {
        "fc.qweight": np.ascontiguousarray(slow_words(codes.T.tolist(), bits).T),
        "fc.qzeros": slow_words(stored, bits),
        "fc.scales": scales.astype(np.float16),
    }


def layer(bits: int, k: int, n: int, group: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes about the zero points of their groups."""
    zeros = RNG.integers(0, 2**bits, (-(-k // group), n))
    spread = RNG.normal(size=(k, n)) * 2**bits / 6
    around = np.repeat(zeros, group, axis=0)[:k]
    codes = np.clip(np.rint(around + spread), 0, 2**bits - 1).astype(int)
    scales = RNG.normal(size=zeros.shape).astype(np.float16)
    return codes, zeros, scales


def slow_values(codes: Any, zeros: Any, scales: Any, groups: list[int]) -> list[list[float]]:
    return [
        [float(scales[g][n]) * (int(codes[k][n]) - int(zeros[g][n])) for n in range(len(codes[k]))]
        for k, g in enumerate(groups)
    ]


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("sizes", [(32, 32, 32), (96, 64, 32), (160, 32, 64)])
def test_gptq_against_plain_integers(
    bits: int, version: str, sizes: tuple[int, int, int], tmp_path: Path
) -> None:
    codes, zeros, scales = layer(bits, *sizes)
    path = safetensors(tmp_path / "x.safetensors", gptq(codes, zeros, scales, bits, version))
    matrix = read_weights(path, gptq=version).matrix("fc.qweight")
    tensor = matrix.read()
    groups = [k // sizes[2] for k in range(sizes[0])]
    assert tensor.values().tolist() == slow_values(codes, zeros, scales, groups)
    assert (matrix.codes() == codes).all() and (tensor.codes == codes).all()
    assert tensor.zeros is not None and (tensor.zeros == zeros).all()
    assert (matrix.number, matrix.scheme, matrix.group) == (
        f"uint{bits}",
        f"GPTQ {version}",
        sizes[2],
    )
    stored = bits * (codes.size + zeros.size) + 16 * zeros.size
    assert matrix.bits == pytest.approx(stored / codes.size)


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_symmetric_gptq_is_signed_and_says_its_version(
    bits: int, version: str, tmp_path: Path
) -> None:
    """Odd codes only: no mean of them would tell."""
    middle = 2 ** (bits - 1)
    codes, zeros = RNG.integers(0, 2**bits, (64, 32)) | 1, np.full((2, 32), middle)
    scales = RNG.normal(size=zeros.shape).astype(np.float16)
    path = safetensors(tmp_path / "x.safetensors", gptq(codes, zeros, scales, bits, version))
    found = read_weights(path)
    matrix = found.matrix("fc.qweight")
    less = " less 1" if version == "v1" else ""
    assert found.notes == (f"GPTQ {version}: all stored zero points are the middle one{less}",)
    tensor = matrix.read()
    assert matrix.number == f"int{bits}" and tensor.zeros is None
    assert (matrix.codes() == codes - middle).all()
    assert tensor.values().tolist() == slow_values(
        codes, zeros, scales, [k // 32 for k in range(64)]
    )


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_asymmetric_gptq_is_told_from_its_codes_whatever_its_label(
    version: str, tmp_path: Path
) -> None:
    zeros = RNG.integers(5, 11, (4, 64))
    around = np.repeat(zeros, 64, axis=0)
    codes = np.clip(np.rint(around + RNG.normal(size=around.shape)), 0, 15).astype(int)
    arrays = gptq(codes, zeros, np.ones(zeros.shape), 4, version)
    path = safetensors(tmp_path / "x.safetensors", arrays, checkpoint_format="gptq_v1")
    found = read_weights(path)
    assert found.matrix("fc.qweight").scheme == f"GPTQ {version}"
    assert f"which {version} makes {1 if version == 'v1' else 0}" in found.notes[0]
    half = gptq(codes, zeros - (np.arange(64) % 2), np.ones(zeros.shape), 4, "v2")
    between = safetensors(tmp_path / "x.safetensors", half)
    with pytest.raises(tpe.TpeError, match=r"it is not told .*legal: gptq=v1 or gptq=v2 said"):
        read_weights(between)
    assert read_weights(between, gptq="v1").matrix("fc.qweight").scheme == "GPTQ v1"
    with pytest.raises(tpe.TpeError, match="unknown gptq 'v3'"):
        read_weights(between, gptq="v3")


def test_gptq_in_the_order_of_activations(tmp_path: Path) -> None:
    codes, zeros, scales = layer(4, 64, 32, 32)
    groups = RNG.permutation(np.repeat([0, 1], 32)).astype(np.int32)
    arrays = {**gptq(codes, zeros, scales, 4, "v2"), "fc.g_idx": groups}
    path = safetensors(tmp_path / "x.safetensors", arrays)
    tensor = read_weights(path, gptq="v2").matrix("fc.qweight").read()
    assert tensor.values().tolist() == slow_values(codes, zeros, scales, groups.tolist())
    arrays["fc.g_idx"] = np.repeat(np.array([0, 1], np.int32), 32)
    path = safetensors(tmp_path / "x.safetensors", arrays)
    assert read_weights(path, gptq="v2").matrix("fc.qweight").read().index is None
    for wrong in (-1, 2):
        arrays["fc.g_idx"] = np.full(64, wrong, np.int32)
        matrix = read_weights(safetensors(tmp_path / "x.safetensors", arrays), gptq="v2")
        with pytest.raises(tpe.TpeError, match=rf"'fc.qweight': 64 groups named .*{wrong} to"):
            matrix.matrix("fc.qweight").read()


@pytest.mark.parametrize("sizes", [(1, 8, 1), (3, 8, 3), (70, 24, 64), (99, 8, 33)])
def test_awq_against_plain_integers(sizes: tuple[int, int, int], tmp_path: Path) -> None:
    k, n, group = sizes
    codes, zeros, scales = layer(4, k, n, group)
    order = (0, 2, 4, 6, 1, 3, 5, 7)

    def words(rows: np.ndarray) -> np.ndarray:
        turned = [[row[8 * w + c] for w in range(n // 8) for c in order] for row in rows.tolist()]
        return slow_words(turned, 4)

    arrays = {
        "fc.qweight": words(codes), "fc.qzeros": words(zeros), "fc.scales": scales,
        "fc.bias": np.zeros(n, np.float16),
    }  # fmt: skip
    found = read_weights(safetensors(tmp_path / "x.safetensors", arrays))
    matrix = found.matrix("fc.qweight")
    groups = [i // group for i in range(k)]
    assert matrix.scheme == "AWQ" and (matrix.codes() == codes).all()
    assert matrix.read().values().tolist() == slow_values(codes, zeros, scales, groups)
    assert found.not_gemm == {"vectors in F16": 1} and not found.notes


def test_unpacking_of_every_width() -> None:
    for bits in range(1, 9):
        rows = RNG.integers(0, 2**bits, (3, 64)).tolist()
        assert unpacked(slow_words(rows, bits), bits).tolist() == rows


# ---- int8 beside scales, and what else a safetensors file has ----


@pytest.mark.parametrize("shape", [(), (1,), (3,), (3, 1), (3, 2)])
def test_int8_and_the_scales_beside_it(shape: tuple[int, ...], tmp_path: Path) -> None:
    codes = RNG.integers(-128, 128, (3, 4), np.int8)
    scale = RNG.normal(size=shape).astype(np.float32)
    arrays = {"w": codes, "w_scale": scale, "table": np.ones((2, 2), np.float16)}
    found = read_weights(safetensors(tmp_path / "x.safetensors", arrays))
    each = np.broadcast_to(
        scale.reshape(-1, 1) if scale.ndim < 2 else np.repeat(scale, 4 // shape[1], 1), (3, 4)
    )
    assert (found.matrix("w").read().values() == codes * each.astype(np.float64)).all()
    assert found.unsupported == {"matrix in F16": 1}
    assert [row["part_of"] for row in found.rows()] == [None, "w", None]


def test_the_safetensors_package_writes_what_is_read(tmp_path: Path) -> None:
    package = pytest.importorskip("safetensors.numpy")
    arrays = {"b": RNG.integers(-8, 8, (3, 5)).astype(np.int8), "a": np.ones((3,), np.float32)}
    package.save_file(arrays, str(tmp_path / "x.safetensors"), metadata={"format": "np"})
    found = read_weights(tmp_path / "x.safetensors")
    assert (found.matrix("b").read().values() == arrays["b"]).all()
    assert found.notes == ("'b' has no scale beside it: 1",)


# ---- files that lie ----

Q8 = NUMBER["Q8_0"]
BLOCK = np.float16(1).tobytes() + bytes(32)
HUGE = struct.pack("<Q", 2**60)
GGUF: dict[str, tuple[Callable[[Path], Any], str]] = {
    "empty": (lambda p: p.write_bytes(b""), "does not begin with GGUF"),
    "another": (lambda p: p.write_bytes(b"GGML" + bytes(40)), "does not begin with GGUF"),
    "version": (lambda p: gguf(p, [], version=1), "is GGUF version 1; legal: 2, 3"),
    "big endian": (lambda p: gguf(p, [], version=3 << 24), "(big endian)"),
    "tensors": (
        lambda p: gguf(p, [], tensor_count=2**60),
        "is said to have 1152921504606846976 tensors",
    ),
    "keys": (lambda p: gguf(p, [], key_count=2**60), "1152921504606846976 keys"),
    "a long key": (lambda p: gguf(p, [], [HUGE + bytes(64)]), "a key has 11529215046"),
    "a long text": (lambda p: gguf(p, [], [gguf_key("k", 8, HUGE)]), "11529215046068469"),
    "a long array": (
        lambda p: gguf(p, [], [gguf_key("k", 9, struct.pack("<I", 4) + HUGE)]),
        "4611686018427387904 more",
    ),
    "many texts": (
        lambda p: gguf(p, [], [gguf_key("k", 9, struct.pack("<I", 8) + HUGE)]),
        "1152921504606846976 strings in 'k'",
    ),
    "arrays in arrays": (
        lambda p: gguf(p, [], [gguf_key("k", 9, struct.pack("<IQ", 9, 1))]),
        "values of type 9; legal: 0 to 12, and arrays of no arrays",
    ),
    "type of a value": (lambda p: gguf(p, [], [gguf_key("k", 99, b"")]), "values of type 99"),
    "no text": (lambda p: gguf(p, [], [struct.pack("<Q", 2) + b"\xff\xfe" + bytes(9)]), "no UTF-8"),
    "a key twice": (lambda p: gguf(p, [], [gguf_key("k", 0, b"1")] * 2), "'k' is there twice"),
    "alignment": (
        lambda p: gguf(p, [], [gguf_key("general.alignment", 4, struct.pack("<I", 24))]),
        "general.alignment is 24; legal: a power of two",
    ),
    "a name twice": (
        lambda p: gguf(p, [("w", (1, 32), Q8, BLOCK)] * 2),
        "tensor 'w' is there twice",
    ),
    "overlap": (
        lambda p: gguf(p, [(x, (1, 32), Q8, BLOCK) for x in "ab"], offset=0),
        "tensors 'a' and 'b' overlap",
    ),
    "behind the end": (lambda p: gguf(p, [("w", (2, 32), Q8, BLOCK)]), "tensor 'w' takes bytes"),
    "far away": (
        lambda p: gguf(p, [("w", (1, 32), Q8, BLOCK)], offset=2**63),
        "tensor 'w' takes bytes 9223372",
    ),
    "off its place": (
        lambda p: gguf(p, [("w", (1, 32), Q8, BLOCK)], offset=8),
        "at offset 8; legal: multiples of 32",
    ),
    "many numbers": (
        lambda p: gguf(p, [("w", (2**40, 2**40), Q8, BLOCK)]),
        "of shape [1099511627776, 1099511627776]; legal",
    ),
    "no numbers": (lambda p: gguf(p, [("w", (0, 32), Q8, b"")]), "of shape [0, 32]; legal: 1 to"),
    "half a block": (lambda p: gguf(p, [("w", (1, 33), Q8, BLOCK)]), "rows of whole blocks of 32"),
    "dimensions": (
        lambda p: gguf(p, [("w", (1,) * 5, Q8, b"")]),
        "has 5 dimensions; legal: 1 to 4",
    ),
    "type": (lambda p: gguf(p, [("w", (1, 32), 77, BLOCK)]), "is of type 77; legal: 0 F32, 1 F16"),
    "a folder": (lambda p: p.mkdir(), "cannot be read as GGUF: a folder"),
    "a pipe": (lambda p: os.mkfifo(p), "cannot be read as GGUF: not a regular file"),
    "absent": (lambda p: None, "cannot be read as GGUF: No such file"),
}


def refused(call: Callable[[], Any], words: str) -> None:
    """In one line, at once, and nothing large was made on the way."""
    tracemalloc.start()
    begin = time.process_time()
    with pytest.raises(tpe.TpeError) as error:
        call()
    assert time.process_time() - begin < 2
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
    assert words in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", GGUF)
def test_a_gguf_file_that_lies_is_refused_in_a_line(name: str, tmp_path: Path) -> None:
    write, words = GGUF[name]
    path = tmp_path / "x.gguf"
    write(path)
    refused(lambda: read_weights(path), words)


def test_a_gguf_file_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    keys = [gguf_key("a", 8, text("b")), gguf_key("c", 9, struct.pack("<IQ", 8, 1) + text("d"))]
    tensors = [("w", (1, 32), Q8, BLOCK)]
    whole = gguf(tmp_path / "x.gguf", tensors, keys).stat().st_size
    for cut in range(whole - len(BLOCK) % 32):
        path = gguf(tmp_path / "x.gguf", tensors, keys, cut=cut)
        if cut < whole - 30:  # what fills up the last tensor may be missing
            with pytest.raises(tpe.TpeError):
                read_weights(path)


@pytest.mark.parametrize("name", sorted(TYPES.keys() - set(DECODED)))
def test_a_type_that_is_not_decoded_is_refused_by_name(name: str, tmp_path: Path) -> None:
    kind = TYPES[name]
    raw = bytes(kind.bytes)
    path = gguf(tmp_path / "x.gguf", [("w", (1, kind.block), NUMBER[name], raw)])
    found = read_weights(path)
    assert found.unsupported == {f"matrix in {name}": 1}
    with pytest.raises(tpe.TpeError, match=rf"tensor 'w' is {name} of .*legal: .*Q4_0, Q4_1"):
        found.matrix("w")
    with pytest.raises(tpe.TpeError, match="unknown matrix 'v'"):
        found.matrix("v")


@pytest.mark.parametrize("name", HALVES)
@pytest.mark.parametrize("bad", [b"\x00\x7e", b"\x00\x7c", b"\x00\xfc"])
def test_a_scale_that_is_no_number_is_refused(name: str, bad: bytes, tmp_path: Path) -> None:
    for at in HALVES[name]:
        raw = random_bytes(name, (2, 1))
        raw[1, 0 if name in ("Q2_K", "Q4_K") else slice(0)] |= 0x11
        raw[1, at : at + 2] = np.frombuffer(bad, np.uint8)
        if name in ("Q4_K", "Q5_K"):
            raw[1, 4:12] |= 1
        shape = 2, TYPES[name].block
        path = gguf(tmp_path / "x.gguf", [("w", shape, NUMBER[name], raw.tobytes())])
        with (
            np.errstate(invalid="ignore"),
            pytest.raises(
                tpe.TpeError, match=r"tensor 'w': (scales|offsets) hold -?(nan|inf) at \[1"
            ),
        ):
            read_weights(path).matrix("w").read()


@pytest.mark.parametrize(("name", "at"), [("TQ2_0", 0), ("I2_S", 0), ("MXFP4", 0), ("NVFP4", 0)])
def test_codes_and_scales_that_there_are_not(name: str, at: int, tmp_path: Path) -> None:
    kind = TYPES[name]
    raw = bytearray(kind.bytes + kind.tail)
    raw[at] = 0xFF
    path = gguf(tmp_path / "x.gguf", [("w", (1, kind.block), NUMBER[name], bytes(raw))])
    with pytest.raises(tpe.TpeError, match=r"hold (2|nan)"):
        read_weights(path).matrix("w").read()


def entry(kind: Any = "I8", shape: Any = (2, 2), offsets: Any = (0, 4)) -> dict[str, Any]:
    return {"dtype": kind, "shape": shape, "data_offsets": offsets}


SAFETENSORS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "empty": (lambda p: p.write_bytes(b""), "has 0 bytes"),
    "a long header": (lambda p: raw_safetensors(p, {}, b"", 2**60), "said to have 1152921504606"),
    "cut off": (lambda p: raw_safetensors(p, {}, b"", 3), "said to have 3 bytes; legal: at most 2"),
    "no JSON": (lambda p: raw_safetensors(p, "{", b""), "the header is no JSON"),
    "deep": (lambda p: raw_safetensors(p, "[" * 100_000, b""), "the header is no JSON"),
    "digits": (lambda p: raw_safetensors(p, "9" * 5000, b""), "the header is no JSON"),
    "a list": (lambda p: raw_safetensors(p, [], b""), "no JSON object"),
    "twice": (lambda p: raw_safetensors(p, '{"w":1,"w":2}', b""), "'w' is there twice"),
    "no entry": (lambda p: raw_safetensors(p, {"w": 3}, b""), "tensor 'w' is not described"),
    "dtype": (lambda p: raw_safetensors(p, {"w": entry("I5")}, b"1234"), "dtype I5; legal: F64"),
    "no dtype": (lambda p: raw_safetensors(p, {"w": entry([])}, b"1234"), "dtype []"),
    "shape": (lambda p: raw_safetensors(p, {"w": entry(shape=[-2, 2])}, b"1234"), "shape [-2, 2]"),
    "true": (lambda p: raw_safetensors(p, {"w": entry(shape=[True, 4])}, b"1234"), "shape [True"),
    "large": (lambda p: raw_safetensors(p, {"w": entry(shape=[2**60])}, b"1234"), "11529215046068"),
    "offsets": (
        lambda p: raw_safetensors(p, {"w": entry(offsets=[0, 5])}, b"12345"),
        "has 5 bytes",
    ),
    "backwards": (
        lambda p: raw_safetensors(p, {"w": entry(offsets=[4, 0])}, b"12"),
        "has -4 bytes",
    ),
    "too far": (lambda p: raw_safetensors(p, {"w": entry(offsets=[4, 8])}, b"1234"), "takes bytes"),
    "overlap": (
        lambda p: raw_safetensors(p, {x: entry() for x in "ab"}, b"12345678"),
        "'a' and 'b' overlap",
    ),
    "a hole": (
        lambda p: raw_safetensors(p, {"a": entry(), "b": entry(offsets=[5, 9])}, b"123456789"),
        "'a' and 'b' have 1 bytes between them",
    ),
    "left over": (lambda p: raw_safetensors(p, {"a": entry()}, b"123456789"), "legal: all"),
    "a folder": (lambda p: p.mkdir(), "cannot be read as safetensors: a folder"),
    "a pipe": (lambda p: os.mkfifo(p), "not a regular file"),
}


@pytest.mark.parametrize("name", SAFETENSORS)
def test_a_safetensors_file_that_lies_is_refused_in_a_line(name: str, tmp_path: Path) -> None:
    write, words = SAFETENSORS[name]
    path = tmp_path / "x.safetensors"
    write(path)
    refused(lambda: read_weights(path), words)


def changed(**parts: np.ndarray | None) -> dict[str, np.ndarray]:
    """A good layer of GPTQ, some of its tensors changed or left out."""
    codes, zeros, scales = layer(4, 64, 32, 32)
    arrays: dict[str, Any] = gptq(codes, zeros, scales, 4, "v2")
    arrays |= {f"fc.{name}": part for name, part in parts.items()}
    return {name: array for name, array in arrays.items() if array is not None}


INT32, FLOAT16 = np.int32, np.float16
PACKED: dict[str, tuple[dict[str, Any], str]] = {
    "no scales": ({"scales": None}, "layer 'fc.qweight' has no scales"),
    "no zeros": ({"qzeros": None}, "has no qzeros"),
    "type": (
        {"qweight": np.zeros((8, 32), FLOAT16)},
        "qweight is F16 of shape [8, 32]; legal: I32",
    ),
    "vector": ({"scales": np.ones(32, FLOAT16)}, "scales is F16 of shape [32]"),
    "words": ({"qweight": np.zeros((7, 32), INT32)}, ""),
    "columns": ({"qweight": np.zeros((8, 31), INT32)}, "do not go together"),
    "groups": ({"scales": np.ones((3, 32), FLOAT16)}, "do not go together"),
    "bits": ({"qzeros": np.zeros((2, 5), INT32)}, "do not go together"),
    "no bits": ({"qzeros": np.zeros((2, 0), INT32)}, "do not go together"),
    "nothing": ({"scales": np.zeros((0, 0), FLOAT16)}, "do not go together"),
    "an index": ({"g_idx": np.zeros(63, INT32)}, "g_idx has the shape [63]; legal: [64]"),
}


@pytest.mark.parametrize("name", PACKED)
def test_packed_layers_that_do_not_fit_are_refused_in_a_line(name: str, tmp_path: Path) -> None:
    parts, words = PACKED[name]
    path = safetensors(tmp_path / "x.safetensors", changed(**parts))
    if not words:  # 7 words are 56 numbers: a shorter layer, its last group is short
        assert read_weights(path, gptq="v2").matrix("fc.qweight").k == 56
        return
    refused(lambda: read_weights(path, gptq="v2"), words)


def test_scales_that_are_no_numbers_and_ill_fitting_ones(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    safetensors(path, changed(scales=np.full((2, 32), np.nan, FLOAT16)))
    with pytest.raises(tpe.TpeError, match=r"layer 'fc.qweight': scales hold nan at \[0, 0\]"):
        read_weights(path, gptq="v2").matrix("fc.qweight").read()
    codes = np.zeros((3, 4), np.int8)
    for shape in ((2,), (4, 1), (3, 3), (3, 0), (3, 4, 1)):
        safetensors(path, {"w": codes, "w_scale": np.ones(shape, FLOAT16)})
        refused(lambda: read_weights(path), f"'w_scale' is F16 of shape {list(shape)}; legal")


def test_a_file_of_another_ending() -> None:
    refused(lambda: read_weights("x.bin"), "'x.bin' ends in '.bin'; legal: .gguf, .safetensors")
    assert group_size(65, 3) == 32 and group_size(2**40 + 1, 2**39) is None
    assert len(gguf_tensor("w", (1, 2), 0, 0)) == 8 + 1 + 4 + 16 + 12


def changed_bytes(content: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes changed, most of them in the header, and sometimes the end cut off."""
    raw = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(min(len(raw), 600) if rng.random() < 0.9 else len(raw)))
        raw[at] ^= 1 << int(rng.integers(8))
    return bytes(raw[: rng.integers(len(raw))] if rng.random() < 0.2 else raw)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["gguf", "safetensors"])
def test_changed_bytes_are_read_or_refused_in_a_line(kind: str, tmp_path: Path) -> None:
    names = ("Q4_0", "Q4_K", "TQ1_0", "MXFP4", "Q8_0")
    tensors = [
        (x, (2, TYPES[x].block), NUMBER[x], random_bytes(x, (2, 1)).tobytes()) for x in names
    ]
    packed = {
        **changed(g_idx=np.repeat(np.array([0, 1], INT32), 32)),
        "w": np.ones((2, 3), np.int8),
    }
    path = tmp_path / f"x.{kind}"
    keys = [gguf_key("t", 9, struct.pack("<IQ", 8, 2) + text("ab") + text("c"))]
    content = (
        gguf(path, tensors, keys) if kind == "gguf" else safetensors(path, packed)
    ).read_bytes()
    rng, outcomes = np.random.default_rng(38), set()
    for _ in range(300):
        path.write_bytes(changed_bytes(content, rng))
        try:
            for matrix in read_weights(path, gptq="v1").matrices.values():
                assert np.isfinite(matrix.read().values()).all()
            outcomes.add("read")
        except tpe.TpeError as error:
            assert str(error).isprintable() and len(str(error)) < 1200
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}
