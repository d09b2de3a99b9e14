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
