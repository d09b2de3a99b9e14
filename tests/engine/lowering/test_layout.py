"""Where axes lie in memory."""

import pytest
import torch

from residency.engine.lowering.layout import every


@pytest.mark.parametrize("steps", [(1, 1), (2, 2), (2, 3)])
def test_the_gradient_of_a_thinned_image_lies_as_the_image_does(steps):
    x = torch.randn(2, 6, 7, 5).permute(0, 3, 1, 2).requires_grad_()
    rows, columns = steps
    y = every(x, steps)
    assert torch.equal(y, x[:, :, ::rows, ::columns])
    assert y.is_contiguous(memory_format=torch.channels_last)
    weights = torch.randn(y.shape)
    [found] = torch.autograd.grad(y, x, weights)
    [expected] = torch.autograd.grad(x[:, :, ::rows, ::columns], x, weights)
    assert torch.equal(found, expected)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_a_thinned_image_has_batches_of_gradients():
    """As `torch.func`, `jacobian` and `is_grads_batched` ask for."""

    def ours(x):
        return (every(x, (2, 3)) ** 3).sum()

    def torchs(x):
        return (x[:, :, ::2, ::3] ** 3).sum()

    x = torch.randn(2, 3, 5, 6)
    assert torch.equal(torch.func.grad(ours)(x), torch.func.grad(torchs)(x))
    both = [
        torch.autograd.functional.hessian(run, x[:1], vectorize=True)
        for run in (ours, torchs)
    ]
    torch.testing.assert_close(*both)
    x.requires_grad_()
    y = every(x, (2, 3))
    dys = torch.randn(4, *y.shape)
    [found] = torch.autograd.grad(y, x, dys, is_grads_batched=True)
    z = x[:, :, ::2, ::3]
    [expected] = torch.autograd.grad(z, x, dys, is_grads_batched=True)
    assert torch.equal(found, expected)


def test_others_may_add_to_its_gradient_in_place():
    x = torch.randn(2, 3, 5, 6).requires_grad_()
    seen = []
    x.register_hook(seen.append)
    every(x, (2, 2)).sum().backward()
    assert seen[0]._base is None
