"""The kernel against float64 arithmetic by torch."""

import math

import pytest
import torch
from torch.nn.functional import batch_norm

from residency.engine.native.batch_norm import (
    BatchNorm,
    _agrees_with_torch,
    derive,
    normalize,
    unavailable,
    usable,
)

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

CUTS = {
    "nothing": (1.0, math.inf),
    "relu": (0.0, math.inf),
    "relu6": (0.0, 0.75),
    "between two bfloat16": (0.0, 0.7),
    "leaky": (0.1, math.inf),
    "both": (0.3, 0.75),
}
"""Slope and ceiling."""


def some_statistics(channels, momentum=0.0):
    """Moving statistics; by default nothing stays of them."""
    return torch.full((channels,), 3.0), torch.full((channels,), 5.0), momentum


@pytest.mark.parametrize("channels", [1, 3, 16, 24, 64, 100, 257])
@pytest.mark.parametrize("rows", [1, 5, 64, 1000])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 2e-5), (torch.bfloat16, 2e-2)]
)
def test_values_and_gradients(channels, rows, cut, residual, dtype, tolerance):
    generator = torch.Generator().manual_seed(channels + rows)

    def draw(*shape):
        return torch.randn(shape, generator=generator)

    x = (3 + 2 * draw(rows, channels)).to(dtype)
    gamma, beta = 1 + 0.1 * draw(channels), 0.1 * draw(channels)
    added = draw(rows, channels).to(dtype) if residual else None
    weights = draw(rows, channels).to(dtype)
    ours = [None if t is None else t.clone().requires_grad_() for t in (x, gamma, beta)]
    other = None if added is None else added.clone().requires_grad_()
    slope, ceiling = CUTS[cut]
    moving = some_statistics(channels)
    y = BatchNorm.apply(*ours, other, moving, 1e-3, slope, ceiling)
    mean, variance, _ = moving

    exact = [t.double().requires_grad_() for t in (x, gamma, beta)]
    exact_other = None if added is None else added.double().requires_grad_()
    centred = exact[0] - exact[0].mean(0)
    spread = centred.square().mean(0)
    z = centred / (spread + 1e-3).sqrt() * exact[1] + exact[2]
    z = z if exact_other is None else z + exact_other
    # at a bend rounding decides which gradient it is: none is asked for there
    at_a_bend = (z.abs() < tolerance) | ((z - ceiling).abs() < tolerance)
    weights = weights.masked_fill(at_a_bend, 0.0)
    z = torch.where(z > 0, z, slope * z).clamp(max=ceiling)
    y.backward(weights)
    z.backward(weights.double())
    pairs = [(y, z), (mean, exact[0].mean(0)), (variance, spread)]
    pairs += [(a.grad, b.grad) for a, b in zip(ours, exact, strict=True)]
    if residual:
        pairs.append((other.grad, exact_other.grad))
    for found, expected in pairs:
        scale = float(expected.detach().abs().max()) + 1
        torch.testing.assert_close(
            found.double(), expected, atol=tolerance * scale, rtol=0
        )


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("residual", [False, True])
def test_gradients_of_gradients(cut, residual):
    generator = torch.Generator().manual_seed(0)
    given = [torch.randn(shape, generator=generator) for shape in [(60, 8), 8, 8]]
    given += [torch.randn(60, 8, generator=generator)] * residual
    weights = torch.randn(60, 8, generator=generator)
    slope, ceiling = CUTS[cut]

    def exactly(x, gamma, beta, added=0.0):
        z = batch_norm(x, None, None, gamma, beta, True, 0.0, 1e-3) + added
        return torch.where(z > 0, z, slope * z).clamp(max=ceiling)

    def natively(*given):
        padded = *given, *[None] * (4 - len(given))
        return BatchNorm.apply(*padded, None, 1e-3, slope, ceiling)

    both = []
    for run, dtype in ((natively, torch.float32), (exactly, torch.float64)):
        mine = [t.to(dtype).requires_grad_() for t in given]
        dy = weights.to(dtype).requires_grad_()
        first = torch.autograd.grad(run(*mine), mine, dy, create_graph=True)
        penalty = sum(t.square().sum() for t in first)
        wanted = [dy, *mine[:2]]  # those of what is added are 0
        both.append([*first, *torch.autograd.grad(penalty, wanted)])
    for found, expected in zip(*both, strict=True):
        scale = float(expected.detach().abs().max())
        torch.testing.assert_close(found.double(), expected, atol=1e-4 * scale, rtol=0)


def test_what_was_added_is_not_kept():
    x, added = (torch.randn(20, 8, requires_grad=True) for _ in range(2))
    y = BatchNorm.apply(x, None, None, added, None, 1e-3, 0.0, math.inf)
    kept = {t.data_ptr() for t in y.grad_fn.saved_tensors if t is not None}
    assert x.data_ptr() in kept
    assert added.data_ptr() not in kept


def test_a_far_mean_costs_no_digits():
    x = 1e4 + torch.randn(4096, 8, generator=torch.Generator().manual_seed(0))
    moving = some_statistics(8)
    BatchNorm.apply(x, None, None, None, moving, 1e-3, *CUTS["nothing"])
    _, variance, _ = moving
    expected = x.double().var(0, correction=0)
    torch.testing.assert_close(variance.double(), expected, rtol=1e-5, atol=0)


def test_threads_do_not_change_the_result_from_run_to_run():
    x = torch.randn(5000, 16, generator=torch.Generator().manual_seed(0))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        found = [some_statistics(16) for _ in range(5)]
        for moving in found:
            BatchNorm.apply(x, None, None, None, moving, 1e-3, *CUTS["relu"])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(found[0][1], variance) for _, variance, _ in found[1:])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_moving_statistics_move_as_in_keras_and_are_known_to_have_moved(dtype):
    x = torch.randn(50, 20, generator=torch.Generator().manual_seed(0)).to(dtype)
    mean, variance, momentum = moving = some_statistics(20, momentum=0.99)
    versions = mean._version, variance._version
    BatchNorm.apply(x, None, None, None, moving, 1e-3, *CUTS["relu"])
    exact = x.double()
    for found, start, batch in (
        (mean, 3.0, exact.mean(0)),
        (variance, 5.0, exact.var(0, correction=0)),
    ):
        expected = start * momentum + batch * (1 - momentum)
        torch.testing.assert_close(found.double(), expected, rtol=1e-6, atol=1e-6)
    assert mean._version > versions[0]
    assert variance._version > versions[1]


@pytest.mark.parametrize("lie", ["apart", "bfloat16", "float64"])
def test_variables_that_lie_otherwise_or_have_another_dtype_count_and_move(lie):
    def made(value):
        values = torch.full((16, 2), value)
        if lie == "apart":
            return values[:, 0]
        return values[:, 0].to(getattr(torch, lie)).contiguous()

    x = torch.randn(50, 16, generator=torch.Generator().manual_seed(0))
    gamma, beta, mean, variance = (made(value) for value in (2.0, 0.5, 3.0, 5.0))
    moving = mean, variance, 0.75
    y = BatchNorm.apply(x, gamma, beta, None, moving, 1e-3, *CUTS["nothing"])
    exact = batch_norm(x.double(), None, None, training=True, eps=1e-3)
    torch.testing.assert_close(y.double(), 2 * exact + 0.5, rtol=0, atol=1e-5)
    close = 2e-2 if lie == "bfloat16" else 1e-6
    for found, start, batch in ((mean, 3.0, x.mean(0)), (variance, 5.0, x.var(0))):
        batch = batch * (49 / 50 if found is variance else 1)
        expected = 0.75 * start + 0.25 * batch.double()
        torch.testing.assert_close(found.double(), expected, rtol=0, atol=close)
    if lie == "apart":
        assert (mean._base[:, 1] == 3).all()


def test_a_reader_without_a_gradient_gives_none():
    class Nothing(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.sum()

        @staticmethod
        def backward(ctx, dy):
            return None

    x, gamma = torch.randn(9, 16).requires_grad_(), torch.ones(16).requires_grad_()
    y = BatchNorm.apply(x, gamma, None, None, None, 1e-3, *CUTS["relu"])
    Nothing.apply(y).backward()
    assert x.grad is None
    assert gamma.grad is None


@pytest.mark.parametrize("channels", [12, 32])
@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 2e-5), (torch.bfloat16, 2e-2)]
)
def test_two_gradients_are_added_up(channels, cut, dtype, tolerance):
    """12 channels by the plain loops, 32 by those for AVX-512 in bfloat16."""
    generator = torch.Generator().manual_seed(channels)
    x, added, *dys = torch.randn(4, 130, channels, generator=generator).to(dtype)
    numbers = 1e-3, *CUTS[cut]
    y, statistics = normalize(x, None, None, added, None, *numbers)
    found = derive(dys, x, y, statistics, *numbers)
    summed = [(dys[0].double() + dys[1].double()).to(dtype)]
    expected = derive(summed, x, y, statistics, *numbers)
    for ours, theirs in zip(found, expected, strict=True):
        atol = tolerance * float(theirs.abs().max())
        torch.testing.assert_close(ours, theirs, rtol=0, atol=atol)


@pytest.mark.parametrize("cut", CUTS)
def test_nan_is_not_cut_off(cut):
    x = torch.zeros(4, 2)
    x[0, 0] = torch.nan
    y = BatchNorm.apply(x, None, None, None, None, 1e-3, *CUTS[cut])
    assert y[:, 0].isnan().all()
    assert not y[:, 1].isnan().any()


def test_types_it_does_not_know_are_left_alone():
    assert usable(torch.zeros(2, 2))
    assert not usable(torch.zeros(2, 2, dtype=torch.float64))
    assert not usable(torch.zeros(2, 2), torch.zeros(2, 2, dtype=torch.bfloat16))
    assert not usable(torch.zeros(0, 2))


def test_batch_norm_of_torch_agrees():
    x = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
    y = BatchNorm.apply(x, None, None, None, None, 1e-3, *CUTS["nothing"])
    torch.testing.assert_close(y, batch_norm(x, None, None, training=True, eps=1e-3))


@pytest.mark.parametrize("mode", ["no_grad", "inference_mode"])
def test_the_comparison_at_load_works_where_gradients_are_off(mode):
    with getattr(torch, mode)():
        assert _agrees_with_torch()


def test_infinity_is_cut_off_as_by_relu():
    residual = torch.tensor([[-torch.inf], [torch.inf], [0.0]])
    x = torch.zeros(3, 1)
    y = BatchNorm.apply(x, None, None, residual, None, 1e-3, 0.0, math.inf)
    assert y.flatten().tolist() == [0.0, math.inf, 0.0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("channels", [3, 32])
def test_an_infinite_gradient_that_is_cut_off_is_gone(channels, dtype):
    x = torch.linspace(-1, 1, 40 * channels).view(40, channels).to(dtype)
    x, residual = x.requires_grad_(), torch.zeros(40, channels, dtype=dtype)
    residual.requires_grad_()
    y = BatchNorm.apply(x, None, None, residual, None, 1e-3, *CUTS["relu"])
    dy = torch.where(y > 0, 1.0, torch.inf).to(dtype)
    y.backward(dy)
    assert torch.equal(residual.grad, (y > 0).to(dtype))
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("setting", ["meta", "float64"])
def test_the_comparison_at_load_works_whatever_the_defaults_are(setting):
    if setting == "meta":
        with torch.device("meta"):
            assert _agrees_with_torch()
        return
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        assert _agrees_with_torch()
    finally:
        torch.set_default_dtype(before)
