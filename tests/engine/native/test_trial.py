"""What kernels are tried on, and when they agree."""

import math

import pytest
import torch

from residency.engine.native.trial import close, drawing


def test_draws_are_the_same_whatever_the_defaults_are():
    expected = drawing(torch.bfloat16)(3, 4)
    with torch.device("meta"):
        found = drawing(torch.bfloat16)(3, 4)
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, expected)


@pytest.mark.parametrize(
    ("found", "agrees"), [(1.0, True), (1.015, True), (1.03, False), (math.nan, False)]
)
def test_a_result_that_is_no_number_does_not_agree(found, agrees):
    expected = torch.ones(3, dtype=torch.float64)
    result = torch.tensor([1.0, found, 1.0])
    assert close(result, expected, 1e-2) is agrees
