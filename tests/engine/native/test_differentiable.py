"""Gradients by torch's own steps, for those who differentiate once more."""

import torch

from residency.engine.native.differentiable import gradients_by_torch


def test_gradients_of_those_that_need_one_and_they_go_on():
    a = torch.tensor([2.0], requires_grad=True)
    b = torch.tensor([3.0], requires_grad=True)

    def run(a, b, c, d):
        assert c is None
        return a**2 * b + 0 * d

    given, needed = [a, b, None, torch.ones(1)], [True, False, False, False]
    found = gradients_by_torch(run, given, needed, torch.ones(1))
    assert [each is not None for each in found] == needed
    assert found[0].item() == 2 * 2 * 3
    [again] = torch.autograd.grad(found[0], [a])
    assert again.item() == 2 * 3


def test_an_argument_made_of_another_does_not_count_twice():
    a = torch.tensor([2.0], requires_grad=True)
    b = 5 * a
    da, db = gradients_by_torch(lambda a, b: a * b, [a, b], [True, True], torch.ones(1))
    assert (da.item(), db.item()) == (10.0, 2.0)


def test_what_the_result_does_not_depend_on():
    a = torch.ones(1, requires_grad=True)
    b = torch.ones(1, requires_grad=True)
    found = gradients_by_torch(lambda a, b: 2 * a, [a, b], [True, True], torch.ones(1))
    assert found[1] is None


def test_nothing_is_needed():
    assert gradients_by_torch(lambda a: a, [torch.ones(1)], [False], torch.ones(1)) == [
        None
    ]
