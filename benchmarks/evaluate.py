"""A transformer with every product on an engine: eight sentences of at most 32 tokens."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import tpe
from benchmarks.timing import Figure, best
from tpe.base.errors import MissingExtra
from tpe.workloads import minilm

ENGINES = (
    tpe.Config("mac", "matrix2d", "16x16"),
    tpe.Config("fma_approxnorm", "matrix2d", "16x16"),
)
TOKENS, SECONDS = 32, 10.0


def figures() -> Iterator[Figure]:
    """None without the extra `minilm`."""
    try:
        network = minilm.load()
    except MissingExtra:
        return
    sentences = _sentences(network)
    peer = best(lambda: network.embed(sentences))
    for engine in ENGINES:

        def product(
            name: str, x: np.ndarray, w: np.ndarray, engine: tpe.Config = engine
        ) -> np.ndarray:
            return tpe.matmul(engine, x, w)

        ours = best(lambda product=product: network.embed(sentences, product))  # type: ignore[misc]
        types = f"{engine.a_format.name} x {engine.b_format.name}"
        yield Figure(
            f"MiniLM, 8 sentences of at most {TOKENS} tokens, on {engine.pe.name} {types}",
            f"{ours:.2f} s, {ours / peer:.1f} x float32",
            f"< {SECONDS:.0f} s",
            ours < SECONDS,
        )


def _sentences(network: minilm.MiniLm) -> list[str]:
    """Eight, as long as whole sentences of the pairs make them."""
    firsts = list(dict.fromkeys(pair.first for pair in minilm.sentence_pairs()))
    texts = [" ".join(firsts[i : i + 3]) for i in range(0, 24, 3)]
    while max(len(ids) for ids in network.tokens(texts)) > TOKENS:
        texts = [
            text if len(ids) <= TOKENS else text.rpartition(" ")[0]
            for text, ids in zip(texts, network.tokens(texts), strict=True)
        ]
    return texts
