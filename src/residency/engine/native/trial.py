"""What a kernel is tried on when it is loaded."""

from collections.abc import Callable
from typing import Any

import torch


def drawing(dtype: torch.dtype) -> Callable[..., torch.Tensor]:
    """Returns what draws normal numbers of some shape.

    The same ones each time, whatever a program has made torch's defaults.
    """
    generator = torch.Generator().manual_seed(0)
    plain: Any = {"dtype": torch.float32, "device": "cpu"}
    return lambda *shape: torch.randn(shape, generator=generator, **plain).to(dtype)


def close(found: torch.Tensor, expected: torch.Tensor, tolerance: float) -> bool:
    """Tells whether two tensors differ by no more than a share; NaN always does."""
    share = (found.double() - expected).abs() / (1 + expected.abs().max())
    return bool((share <= tolerance).all())
