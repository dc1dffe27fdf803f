"""`tpe.capture`: what a PyTorch module multiplies, against what it computes itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tpe
import tpe.torch
from tests.optional import needs
from tpe.torch.capture import _PRODUCTS
from tpe.workloads import ImportedWorkload, exact_gemm, save_npz

pytestmark = needs("torch")


@pytest.fixture
def torch() -> Any:
    import torch

    torch.manual_seed(0)
    return torch


def whole(torch: Any, *shape: int) -> Any:
    """Integers whose largest magnitude is 127, so that int8 holds them as they are."""
    x = torch.randint(-126, 127, shape).float()
    x.view(-1)[0] = 127
    return x


def filled(torch: Any, module: Any) -> Any:
    """A module whose weights are such integers and whose biases are zero."""
    for name, parameter in module.named_parameters():
        parameter.data = whole(torch, *parameter.shape)
        if "bias" in name:
            parameter.data.zero_()
    return module


def products(workload: ImportedWorkload) -> dict[str, np.ndarray]:
    return {layer.name: exact_gemm(layer) for layer in workload.layers}


def test_linear_layers_by_name(torch: Any) -> None:
    nn = torch.nn
    model = filled(torch, nn.Sequential(nn.Linear(5, 4), nn.Flatten(0, 1), nn.Linear(4, 2)))
    x = whole(torch, 2, 3, 5)
    workload = tpe.capture(model, x)
    assert [(x.name, x.op, x.m, x.k, x.n) for x in workload.layers] == [
        ("0", "gemm", 6, 5, 4),
        ("2", "gemm", 6, 4, 2),
    ]
    np.testing.assert_array_equal(products(workload)["0"], model[0](x).detach().view(6, 4).numpy())
    run = tpe.Engine("opt4c", "matrix2d", "4x4").run(workload)
    assert (run.layers[0].C == products(workload)["0"]).all() and run.cycles > 0
    assert workload.unsupported == {} and sum(workload.not_gemm.values()) > 0


@pytest.mark.parametrize(
    ("channels", "options"),
    [
        ((3, 4), {"stride": 2, "padding": (1, 2), "dilation": (2, 1)}),
        ((4, 6), {"groups": 2}),
        ((3, 3), {"groups": 3, "padding": "same"}),
    ],
)
def test_convolutions(torch: Any, channels: tuple[int, int], options: dict[str, Any]) -> None:
    conv = filled(torch, torch.nn.Conv2d(*channels, (3, 2), **options))
    x = whole(torch, 2, channels[0], 7, 6)
    workload = tpe.capture(conv, x)
    groups = conv.groups
    names = ["Conv2d"] if groups == 1 else [f"Conv2d[{g}]" for g in range(groups)]
    assert [layer.name for layer in workload.layers] == names
    y = conv(x).detach()  # (batch, channels, rows, columns)
    every = np.concatenate(list(products(workload).values()), axis=1)
    np.testing.assert_array_equal(every, y.permute(0, 2, 3, 1).reshape(-1, y.shape[1]).numpy())


def test_attention_is_products_whatever_kernel_would_run(torch: Any) -> None:
    nn = torch.nn
    model = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)
    model.dropout.eval()
    before = [module.training for module in model.modules()]
    workload = tpe.capture(model, torch.randn(3, 5, 8))
    assert [module.training for module in model.modules()] == before
    shapes: dict[tuple[str, int, int, int], int] = {}
    for layer in workload.layers:
        key = (layer.name.partition("[")[0].partition("#")[0], layer.m, layer.k, layer.n)
        shapes[key] = shapes.get(key, 0) + 1
    assert shapes == {
        ("self_attn", 15, 8, 24): 1,
        ("self_attn", 5, 4, 5): 6,  # 3 sentences, 2 heads
        ("self_attn", 5, 5, 4): 6,
        ("self_attn", 15, 8, 8): 1,
        ("linear1", 15, 8, 12): 1,
        ("linear2", 15, 12, 8): 1,
    }
    assert workload.unsupported == {}
    assert torch.backends.mha.get_fastpath_enabled()


def test_values_of_a_batched_product(torch: Any) -> None:
    class Products(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x: Any, y: Any) -> Any:
            return (
                torch.einsum("bik,bjk->bij", x, y),
                torch.baddbmm(x @ x.mT, x, x.mT),
                x[0] @ y[0, 0],
            )

    x, y = whole(torch, 2, 3, 4), whole(torch, 2, 5, 4)
    found = products(tpe.capture(Products(), x, y=y))
    for batch in range(2):
        np.testing.assert_array_equal(found[f"Products[{batch}]"], (x @ y.mT)[batch].numpy())
        for name in ("Products#2", "Products#3"):
            np.testing.assert_array_equal(found[f"{name}[{batch}]"], (x @ x.mT)[batch].numpy())
    assert found["Products#4"].shape == (3, 1)


def test_recurrent_layers_and_what_is_not_lowered(torch: Any) -> None:
    nn = torch.nn
    lstm = tpe.capture(nn.LSTM(4, 3), torch.randn(2, 1, 4))
    assert {(x.m, x.k, x.n) for x in lstm.layers} == {(2, 4, 12), (1, 3, 12)}
    model = nn.Sequential(nn.Conv1d(2, 3, 2), nn.ConvTranspose1d(3, 2, 2))
    workload = tpe.capture(model, np.ones((1, 2, 6), np.float32))
    assert [layer.name for layer in workload.layers] == ["0"]
    assert workload.unsupported == {"transposed convolution": 1}


def test_swapped_layers_are_captured_as_they_were(torch: Any) -> None:
    nn = torch.nn
    model, x = nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 2)), torch.randn(2, 3, 5)
    before = tpe.capture(model, x).layers[0]
    tpe.torch.swap_linears(model, tpe.Engine("mac", "os", "2x2"), names=["0"])
    workload = tpe.capture(model, x)
    assert [(layer.name, layer.op) for layer in workload.layers] == [("0", "gemm"), ("1", "gemm")]
    assert (workload.layers[0].activations == before.activations).all()
    assert (workload.layers[0].weights == before.weights).all()


def test_operators_are_told_by_name() -> None:
    products = "_int_mm _scaled_mm hspmm _trilinear addmv vdot mkldnn_rnn_layer _fft_r2c addbmm"
    products += " _scaled_dot_product_flash_attention_for_cpu _weight_int8pack_mm convolution"
    assert all(_PRODUCTS.search(name) for name in products.split())
    others = "add mul upsample_bilinear2d upsample_linear1d mvlgamma clamp_min linspace addcmul"
    assert not any(_PRODUCTS.search(name) for name in others.split())


def test_products_in_place(torch: Any) -> None:
    class InPlace(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, x: Any) -> Any:
            return torch.zeros(2, 2).addmm_(x, x)

    workload = tpe.capture(InPlace(), whole(torch, 2, 2))
    assert [layer.name for layer in workload.layers] == ["InPlace"] and not workload.unsupported


def test_formats(torch: Any, tmp_path: Path) -> None:
    model, x = torch.nn.Linear(6, 3), torch.randn(4, 6)
    workload = tpe.capture(model, x, a_type="bf16", b_type="bf16")
    (layer,) = workload.layers
    assert (layer.activations == tpe.rounded(x.numpy(), "bf16")).all()
    run = tpe.Engine("lmul", "os", "2x2").run(workload)
    exact = layer.activations.astype(float) @ layer.weights
    assert np.abs(run.C - exact).max() < 0.2
    with pytest.raises(tpe.TpeError, match="layer 'Linear' holds floats; legal in an npz: integ"):
        save_npz(tmp_path / "x.npz", workload)
    narrow = tpe.capture(model, x, a_type="int4", b_type="int6").layers[0]
    assert abs(narrow.activations).max() == 7 and abs(narrow.weights).max() == 31
    with pytest.raises(tpe.TpeError, match="set a_type = int8"):
        tpe.Engine("mac", "os", "2x2", a_type="int4").run(tpe.capture(model, x))


def test_bad_input_is_one_line(torch: Any) -> None:
    nn = torch.nn
    with pytest.raises(tpe.TpeError, match=r"model is a function; legal: a torch\.nn\.Module"):
        tpe.capture(needs, 1)
    with pytest.raises(tpe.TpeError, match="model ReLU computes no matrix product here"):
        tpe.capture(nn.ReLU(), torch.ones(2))
    with pytest.raises(tpe.TpeError, match="layer 'Linear': activations holds nan; legal for int8"):
        tpe.capture(nn.Linear(1, 1), torch.full((1, 1), np.nan))
    with pytest.raises(tpe.TpeError, match="layer 'Linear': activations holds -1; legal for uint8"):
        tpe.capture(nn.Linear(1, 1), torch.full((1, 1), -1.0), a_type="uint8")
    with pytest.raises(tpe.TpeError, match="unknown a_type 'int99'"):
        tpe.capture(nn.Linear(1, 1), torch.ones(1, 1), a_type="int99")
    with pytest.raises(tpe.TpeError, match="b_type = bipolar1; legal: integers or floating point"):
        tpe.capture(nn.Linear(1, 1), torch.ones(1, 1), b_type="bipolar1")
