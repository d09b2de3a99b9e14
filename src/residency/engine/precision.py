"""The precision of matrix products and convolutions; variables keep theirs."""

from contextlib import AbstractContextManager, nullcontext

import torch

from residency.errors import EngineError

LOWER = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def require_precision(precision: str, device: torch.device) -> None:
    """Raises `EngineError` for an unknown precision, or one the device has not."""
    if precision not in ("float32", *LOWER):
        raise EngineError(
            f"precision: expected float32, {' or '.join(LOWER)}, got {precision!r}."
        )
    if precision == "float16" and device.type != "cuda":
        raise EngineError(
            f"precision='float16' needs a CUDA GPU, this is {device.type}. "
            "Take bfloat16 or float32 (--set precision=bfloat16)."
        )


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """Returns the context in which matrix products run in `precision`."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, LOWER[precision])


def autocast_dtype(device: torch.device) -> torch.dtype | None:
    """Returns in what matrix products run now; `None`: in what they are given."""
    kind = device.type
    known = torch.amp.is_autocast_available(kind)
    on = known and torch.is_autocast_enabled(kind)
    return torch.get_autocast_dtype(kind) if on else None
