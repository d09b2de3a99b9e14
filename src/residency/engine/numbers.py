"""Python's numbers on a GPU, without waiting for it.

Keras makes a tensor of each number in `2 * x`, a regularizer or a clipping, by a copy
to the GPU that waits until all work there is done, and that no CUDA graph can record.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch.overrides import TorchFunctionMode


class FilledByKernel(TorchFunctionMode):
    """Inside, `torch.as_tensor` of a number fills a tensor where it is to be.

    Example:

    >>> with FilledByKernel():
    ...     torch.as_tensor(2.0, device="cpu")
    tensor(2.)
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Runs `func`; see the class."""
        kwargs = kwargs or {}
        if func is torch.as_tensor and args and type(args[0]) in (bool, int, float):
            return torch.full((), args[0], **kwargs)
        return func(*args, **kwargs)


def numbers_on(device: torch.device) -> AbstractContextManager:
    """Returns the context in which numbers come to `device` without waiting for it."""
    return FilledByKernel() if device.type == "cuda" else nullcontext()
