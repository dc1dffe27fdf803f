"""Tensor cores beside the real ones: a GPU's own products of one fused step, where there is a GPU.

K is the architecture's fused K, so that whichever kernel the library takes, a result is one step
of the rule with c = 0: what lies beyond K is zero.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.conftest import NO_GPU
from tests.numbers.tiles import KINDS, codes
from tpe.numbers.fused_gemm import words_product
from tpe.numbers.tensor_cores import FusedDot, fused_dot

OUTPUTS = 128  # in a row and in a column
FORMATS = ("fp16", "bf16", "tf32")
ARCHES = {  # by compute capability
    (7, 0): "volta",
    (7, 5): "turing",
    (8, 0): "ampere",
    (8, 6): "ampere",
    (8, 9): "ada",
    (9, 0): "hopper",
    (10, 0): "blackwell",
}


def rule_here(name: str) -> FusedDot:
    """The rule of the GPU at hand; a skip, with the reason, where there is none."""
    try:
        import torch
    except ImportError:
        pytest.skip(f"{NO_GPU}: PyTorch is not installed")
    if not torch.cuda.is_available():
        pytest.skip(f"{NO_GPU}: torch.cuda finds no device")
    capability = torch.cuda.get_device_capability()
    if capability not in ARCHES:
        pytest.skip(f"{NO_GPU} with a known rule: this one has capability {capability}")
    arch = ARCHES[capability]
    if name != "fp16" and arch in ("volta", "turing"):
        pytest.skip(f"{NO_GPU} for {name}: {arch} has not that format")
    return fused_dot(arch, name, name)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_fused_step_is_that_of_the_gpu(name, kind):
    rule = rule_here(name)
    import torch

    rng = np.random.default_rng(KINDS.index(kind))
    shape = (OUTPUTS, rule.lanes)
    a, b = codes(rule.a, kind, rng, shape), codes(rule.b, kind, rng, shape).T
    words = words_product(a, b, rule)
    kinds = {"fp16": torch.float16, "bf16": torch.bfloat16, "tf32": torch.float32}
    torch.backends.cuda.matmul.allow_tf32 = True
    left, right = (
        torch.from_numpy(rule.a.values(x).astype(np.float32)).to("cuda", kinds[name])
        for x in (a, b)
    )
    wide = {} if name == "tf32" else {"out_dtype": torch.float32}
    result = torch.mm(left, right, **wide).cpu().numpy()
    shown = np.where(np.isnan(result), rule.d.nan_code, result.view(np.uint32).astype(np.int64))
    differ = np.argwhere(shown != words)
    assert not len(differ), f"{len(differ)} of {words.size} differ, the first at {differ[0]}"
