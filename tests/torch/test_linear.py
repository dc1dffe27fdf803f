"""Linear layers on an engine in PyTorch: values, gradients, swapping, fine-tuning."""

from __future__ import annotations

import copy
import io
from typing import Any

import numpy as np
import pytest

import tpe
from tests.optional import needs
from tpe.torch import swap_linears

pytestmark = needs("torch")

INTEGER = tpe.Engine("mac", "matrix2d", "4x4")
FLOAT = tpe.Engine("lmul", "matrix2d", "4x4")


@pytest.fixture
def torch() -> Any:
    import torch

    torch.manual_seed(0)
    return torch


def network(torch: Any) -> Any:
    nn = torch.nn
    inner = nn.Sequential(nn.ReLU(), nn.Linear(6, 3, bias=False))
    return nn.Sequential(nn.Linear(4, 6), inner)


def test_a_layer_computes_what_matmul_does(torch: Any) -> None:
    from tpe.torch import Linear

    for engine in (INTEGER, FLOAT):
        layer = Linear(engine, 5, 3)
        x = torch.randn(2, 4, 5)
        product = tpe.matmul(engine, x.numpy(), layer.weight.detach().numpy().T)
        ours = layer(x).detach().numpy()
        np.testing.assert_array_equal(ours, product + layer.bias.detach().numpy())
        exact = torch.nn.functional.linear(x, layer.weight, layer.bias).detach().numpy()
        assert 0 < np.abs(ours - exact).max() < 0.3
        assert f"engine={engine.name}" in repr(layer)


def test_gradients_are_those_of_the_exact_product(torch: Any) -> None:
    from tpe.torch import Linear

    layer, plain = Linear(INTEGER, 4, 3), torch.nn.Linear(4, 3)
    plain.load_state_dict(layer.state_dict())
    x, y = (torch.randn(2, 5, 4) for _ in range(2))
    y.copy_(x)
    x.requires_grad_(), y.requires_grad_()
    upstream = torch.randn(2, 5, 3)
    layer(x).backward(upstream)
    plain(y).backward(upstream)
    torch.testing.assert_close(x.grad, y.grad)
    torch.testing.assert_close(layer.weight.grad, plain.weight.grad)
    torch.testing.assert_close(layer.bias.grad, plain.bias.grad)


def test_every_linear_is_swapped_and_keeps_its_parameters(torch: Any) -> None:
    from tpe.torch import Linear

    model = network(torch)
    before = dict(model.named_parameters())
    assert swap_linears(model, FLOAT) is model
    assert [type(layer) for layer in (model[0], model[1][1])] == [Linear, Linear]
    after = dict(model.named_parameters())
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in after)
    chosen = swap_linears(network(torch), FLOAT, names=["1.1"])
    assert type(chosen[0]) is torch.nn.Linear and type(chosen[1][1]) is Linear
    alone = torch.nn.Linear(2, 2)
    assert swap_linears(alone, FLOAT).weight is alone.weight


def test_a_swapped_model_is_copied_and_saved(torch: Any) -> None:
    model, x = swap_linears(network(torch), INTEGER), torch.randn(3, 4)
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    for other in (copy.deepcopy(model), torch.load(file, weights_only=False)):
        assert torch.equal(other(x), model(x))
        assert other[0].engine == INTEGER


@pytest.mark.parametrize(
    "engine", [tpe.Engine("mac", "os", 4, a_type="int4", b_type="int3"), FLOAT]
)
def test_it_can_be_fine_tuned(torch: Any, engine: tpe.Engine) -> None:
    """What an engine costs a trained model is partly trained away."""
    model = network(torch)
    x, teacher = torch.randn(32, 4), torch.nn.Linear(4, 3)
    y = teacher(x).detach()

    def steps(count: int, rate: float) -> list[float]:
        optimiser = torch.optim.Adam(model.parameters(), lr=rate)
        losses = []
        for _ in range(count):
            optimiser.zero_grad()
            loss = ((model(x) - y) ** 2).mean()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        return losses

    steps(200, 0.03)
    swap_linears(model, engine)
    losses = steps(30, 0.01)
    assert np.mean(losses[-5:]) < 0.8 * losses[0]


def test_half_precision_keeps_its_type(torch: Any) -> None:
    layer = swap_linears(torch.nn.Linear(4, 3).to(torch.bfloat16), FLOAT)
    y = layer(torch.randn(2, 4, dtype=torch.bfloat16))
    assert y.dtype == torch.bfloat16
    y.sum().backward()
    assert layer.weight.grad.dtype == torch.bfloat16


def test_bad_input_is_one_line(torch: Any) -> None:
    nn = torch.nn
    with pytest.raises(tpe.TpeError, match=r"model is a str; legal: a torch\.nn\.Module"):
        swap_linears("model", FLOAT)
    with pytest.raises(tpe.TpeError, match=r"model ReLU has no torch\.nn\.Linear"):
        swap_linears(nn.ReLU(), FLOAT)
    with pytest.raises(tpe.TpeError, match=r"unknown layer '1\.2' \(did you mean '1\.1'\?\)"):
        swap_linears(network(torch), FLOAT, names=["1.2"])
    with pytest.raises(tpe.TpeError, match="engine is a str; legal: an Engine, a Config"):
        swap_linears(network(torch), "lmul")  # type: ignore[arg-type]
