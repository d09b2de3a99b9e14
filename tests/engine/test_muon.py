"""Muon against the singular value decomposition, and against torch's SGD."""

import keras
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from residency.engine.muon import OrthogonalMomentum, orthogonal
from residency.engine.network import Network
from residency.engine.optimizers import build_optimizer
from residency.training import Muon


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(2, 40), st.integers(0, 99), st.floats(1e-4, 1e4))
def test_singular_vectors_stay_and_values_come_near_one(rows, columns, seed, scale):
    generator = torch.Generator().manual_seed(seed)
    u, _, v = torch.linalg.svd(
        torch.randn(rows, columns, generator=generator), full_matrices=False
    )
    values = torch.linspace(1, 0.2, len(v))  # well conditioned
    found = u.t() @ orthogonal(scale * (u * values) @ v) @ v.t()
    assert float((found - found.diag().diag()).abs().max()) < 1e-4
    assert float(found.diag().min()) > 0.3
    assert float(found.diag().max()) < 1.3


def test_a_matrix_of_zeros_stays_zero():
    assert orthogonal(torch.zeros(3, 5)).equal(torch.zeros(3, 5))


@pytest.fixture
def network():
    keras.utils.set_random_seed(0)
    inputs = x = keras.Input((8, 8, 3))
    for _ in range(3):
        x = layers.Conv2D(4, 3, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling2D()(x)
    return Network(keras.Model(inputs, layers.Dense(2)(x)))


def test_inner_kernels_are_muons_and_the_rest_is_nesterov_sgd(network):
    config = Muon(learning_rate=0.05, sgd_rate=0.2, weight_decay=0.01)
    optimizer = build_optimizer(config, network)
    *sgd, muon = optimizer.param_groups
    assert [tuple(p.shape) for p in muon["params"]] == [(4, 3, 3, 4)] * 2
    assert [group["rate_factor"] for group in sgd] == [4.0]
    ours = sgd[0]["params"]
    copies = [p.detach().clone().requires_grad_() for p in ours]
    theirs = torch.optim.SGD(copies, 0.2, 0.9, nesterov=True, weight_decay=0.01)
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        for group in optimizer.param_groups:
            group["lr"] = 0.05 * group.get("rate_factor", 1.0)
        for p in muon["params"]:
            p.grad = torch.randn(p.shape, generator=generator)
        for p, copy in zip(ours, copies, strict=True):
            p.grad = torch.randn(p.shape, generator=generator)
            copy.grad = p.grad.clone()
        before = [p.detach().clone() for p in muon["params"]]
        optimizer.step()
        theirs.step()
        for p, old in zip(muon["params"], before, strict=True):
            moved = p.detach() - old * 2 / old.norm()  # 2 = sqrt(4 channels)
            values = torch.linalg.svdvals(moved.reshape(4, -1)) / 0.05
            assert float(values.min()) > 0.3
            assert float(values.max()) < 1.3
    for p, copy in zip(ours, copies, strict=True):
        torch.testing.assert_close(p, copy)


def test_the_rate_may_be_a_tensor():
    """As it must be in a recorded step, which reads it there anew each time."""
    found = []
    for rate in (0.1, torch.tensor(0.1)):
        parameter = torch.nn.Parameter(torch.linspace(-1, 1, 12).view(3, 4))
        optimizer = OrthogonalMomentum(
            [{"params": [parameter], "orthogonal": True}], lr=0.0, momentum=0.9
        )
        for n in range(3):
            optimizer.param_groups[0]["lr"] = rate
            parameter.grad = torch.cos(n + parameter.detach())
            optimizer.step()
        found.append(parameter.detach())
    assert torch.equal(*found)
