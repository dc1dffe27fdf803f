"""A file of quantised weights as a workload: a GEMM for every matrix of narrow integers.

What runs are the codes. Scales, zero points of groups and offsets stay beside them: sums of codes
are what an engine of integers makes, to be scaled group by group behind it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tpe.base.errors import TpeError
from tpe.numbers.formats import Format, number_format
from tpe.workloads.draw import ACTIVATIONS, DISTRIBUTIONS, Distribution, Drawn, check_seed
from tpe.workloads.gemm import parse_distribution
from tpe.workloads.imported import ImportedWorkload
from tpe.workloads.lazy import LazyLayer, Operand, clean, few, unique_names
from tpe.workloads.weights.file import ENDINGS, read_weights
from tpe.workloads.weights.matrices import LEGAL, WeightFile, WeightMatrix

TOKENS = 128
"""Rows of activations, where none are said."""
OPTIONS = "tokens=N, gptq=v1 or v2, uniform or normal:SIGMA, each behind a colon"
_STORED = {"ternary": "int2", "uint1": "uint2"}  # formats that an engine has no name for
_LONGEST = 15  # digits of a count
_SPEC = re.compile(f"(.*?(?:{'|'.join(map(re.escape, ENDINGS))}))(:.*)?", re.IGNORECASE)
_BETWEEN = re.compile("(?<!:normal):")  # options; normal:SIGMA is one


@dataclass(frozen=True)
class WeightSpec:
    """FILE with what stands behind it: rows of activations, how they are drawn, which GPTQ."""

    path: str
    tokens: int
    distribution: Distribution
    gptq: str | None


def parse_spec(spec: str) -> WeightSpec:
    """`FILE.gguf[:tokens=N][:gptq=v1][:uniform|normal:SIGMA]`, taken apart; FOLDER as well.

    Raises TpeError with what is legal for any other option, and one that is there twice.

    >>> parse_spec("a:b.gguf:tokens=4:normal:20").tokens
    4
    >>> parse_spec("x.gguf:rows=4")
    Traceback (most recent call last):
    tpe.TpeError: workload 'x.gguf:rows=4': 'rows=4' is no option; legal: tokens=N, gptq=v1 or v2, \
uniform or normal:SIGMA, each behind a colon
    """
    where = f"workload '{clean(spec)}'"
    match = _SPEC.fullmatch(spec)
    path, options = match.groups() if match else (spec, None)
    if match is None and not os.path.isdir(spec):  # a folder, and options behind it
        path, colon, rest = spec.partition(":")
        options = colon + rest
    values: dict[str, str] = {}
    for word in _BETWEEN.split(options or "")[1:]:
        key, equals, value = word.partition("=")
        if word.partition(":")[0] in DISTRIBUTIONS:
            key, value = "distribution", word
        elif not equals or key not in ("tokens", "gptq"):
            raise TpeError(f"{where}: '{clean(word)}' is no option; legal: {OPTIONS}")
        if key in values:
            raise TpeError(f"{where}: {key} is there twice; legal: {OPTIONS}")
        values[key] = value
    drawn = parse_distribution(values.get("distribution", "uniform"), where)
    return WeightSpec(path, _tokens(values.get("tokens"), where), drawn, values.get("gptq"))


def _tokens(text: str | None, where: str) -> int:
    if text is None:
        return TOKENS
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST and int(text)):
        raise TpeError(f"{where}: tokens is '{clean(text)}'; legal: an integer of 1 or more")
    return int(text)


def load_weights(
    spec: str,
    *,
    seed: int = 0,
    a_type: str | Format = "int8",
    b_type: str | Format = "int8",
) -> ImportedWorkload:
    """The matrices of a file of quantised weights as GEMMs: activations (tokens, K), codes (K, N).

    spec    FILE.gguf, FILE.safetensors, an index of several or the folder of it, and options behind
            colons: `tokens`, rows of activations (128); how they are drawn (uniform); `gptq`, v1 or
            v2. See `read_weights`
    seed    of the activations;  a_type  their format;  b_type  is the file's

    Layers carry `b_type`, the format of their codes, and `bits_per_weight`. Matrices of floats, of
    types that are not decoded and of more dimensions are `unsupported`, and counted.
    Raises TpeError as `read_weights`, and for a file without a matrix that runs.

    >>> load_weights("absent.gguf:tokens=4")
    Traceback (most recent call last):
    tpe.TpeError: absent.gguf: cannot be read as GGUF: No such file or directory
    """
    asked = parse_spec(spec)
    check_seed(seed)
    number = number_format(a_type, "a_type")
    file = read_weights(asked.path, gptq=asked.gptq)
    where = f"'{clean(file.path)}'"
    if not file.matrices:
        counts = ", ".join(f"{count} {kind}" for kind, count in file.unsupported.items())
        raise TpeError(
            f"{where} has no matrix of codes ({counts or 'none at all'}); legal: {LEGAL}"
        )
    names = unique_names(list(file.matrices))
    layers = []
    for place, (name, matrix) in enumerate(zip(names, file.matrices.values(), strict=True)):
        drawn = Drawn(number, asked.distribution, seed, place, ACTIVATIONS)
        layers.append(_layer(name, matrix, drawn, asked.tokens, file))
    title = f"Quantised weights, {file.kind}"
    notes = few([_said(file), *file.notes])
    left = (file.unsupported, file.not_gemm, notes)
    return ImportedWorkload(clean(spec), title, clean(file.path), tuple(layers), *left)


def _layer(
    name: str, matrix: WeightMatrix, drawn: Drawn, tokens: int, file: WeightFile
) -> LazyLayer:
    source = clean(f"weights codes of {Path(file.path).name}, {matrix.scheme}".replace(";", ","))
    return LazyLayer(
        name,
        "gemm",
        Operand(tokens, matrix.k, partial(drawn.values, (tokens, matrix.k)), drawn),
        Operand(matrix.k, matrix.n, partial(WeightMatrix.codes, matrix)),
        operand_source=f"activations assumed: {drawn.distribution.source(drawn.seed)}; {source}",
        a_type=drawn.format.name,
        b_type=_STORED.get(matrix.number, matrix.number),
        bits_per_weight=matrix.bits,
    )


def _said(file: WeightFile) -> str:
    """What runs, and what does not."""
    groups = sorted({matrix.group for matrix in file.matrices.values()})
    sizes = f"{groups[0]} to {groups[-1]}" if len(groups) > 1 else f"{groups[0]}"
    return (
        f"what runs are the codes; scales of {sizes} weights along K, zero points of groups and "
        "offsets are no part of C"
    )
