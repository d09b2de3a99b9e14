"""Batch normalization by the batch's own statistics, with addition and ReLU, on a CPU.

One call does what torch does in three, and reads memory half as often. The values are
those of float32 arithmetic with sums in double, whatever the type of the images.
"""

import ctypes
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional

from residency.engine.native.build import Library
from residency.engine.native.differentiable import gradients_by_torch
from residency.engine.native.trial import close, drawing

SUFFIX = {torch.float32: "f32", torch.bfloat16: "bf16"}
_pointer, _long, _float = ctypes.c_void_p, ctypes.c_long, ctypes.c_float
_sizes, _numbers = [_long] * 2, [_float] * 3
ARGUMENTS = {
    "forward": (*[_pointer] * 8, *_sizes, ctypes.c_double, *_numbers),
    "backward": (*[_pointer] * 9, *_sizes, *_numbers),
}
Moving = tuple[torch.Tensor, torch.Tensor, float]
"""Moving mean and variance, `(channels,)`, and how much of them stays."""


class BatchNorm(torch.autograd.Function):
    """`cut(normalized(x) * gamma + beta + residual)` with its gradients.

    Takes x `(..., channels)`, gamma and beta `(channels,)` or `None`, residual like x
    or `None`; the statistics to move towards the batch's mean and biased variance, or
    `None`; epsilon, slope, ceiling: `cut(z)` is `min(z, ceiling)`, and `slope * z`
    below 0, slope in [0, inf). Returns y like x.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        gamma: torch.Tensor | None,
        beta: torch.Tensor | None,
        residual: torch.Tensor | None,
        moving: Moving | None,
        epsilon: float,
        slope: float,
        ceiling: float,
    ) -> torch.Tensor:
        """Runs the kernel; see the class."""
        ctx.numbers = numbers = epsilon, slope, ceiling
        ctx.set_materialize_grads(False)
        y, found = normalize(x.contiguous(), gamma, beta, residual, moving, *numbers)
        kept = y if residual is not None else None
        ctx.save_for_backward(x, gamma, beta, kept, found)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        """Returns the gradients of x, gamma, beta and residual."""
        *given, y, statistics = ctx.saved_tensors
        [dy] = gradients
        if dy is None:
            return (None,) * 8
        needs = ctx.needs_input_grad[:4]
        epsilon, *bends = ctx.numbers
        if torch.is_grad_enabled():  # gradients of these gradients are wanted

            def run(x: Any, gamma: Any, beta: Any) -> torch.Tensor:
                return by_torch(x, gamma, beta, epsilon)

            found = derive_by_torch(run, given, y, needs, dy, *bends)
            return *found, None, None, None, None
        x, dy = given[0].contiguous(), dy.contiguous()
        found = derive([dy], x, y, statistics, *ctx.numbers)
        wanted = zip(found, needs, strict=True)
        found = (each if need else None for each, need in wanted)
        return *found, None, None, None, None


def normalize(
    x: torch.Tensor,
    gamma: torch.Tensor | None,
    beta: torch.Tensor | None,
    residual: torch.Tensor | None,
    moving: Moving | None,
    epsilon: float,
    slope: float,
    ceiling: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns what `BatchNorm` does, and statistics, float32 `(4, channels)`: the
    batch's mean and biased variance, and the scale and shift that they come to.

    Args are those of `BatchNorm`, contiguous, but for the residual.
    """
    residual = None if residual is None else residual.contiguous()
    gamma, beta = (None if each is None else _floats(each) for each in (gamma, beta))
    channels = x.shape[-1]
    y = torch.empty_like(x)
    statistics = x.new_empty((4, channels), dtype=torch.float32)
    at_once = moving and all(_floats(each) is each for each in moving[:2])
    mean, variance, momentum = moving if moving and at_once else (None, None, 0.0)
    tensors = (x, residual, y, gamma, beta, statistics, mean, variance)
    rows = x.numel() // channels
    numbers = momentum, epsilon, slope, ceiling
    _run("forward", x.dtype, tensors, rows, channels, *numbers)
    if moving and at_once:  # what is folded out of them shall see it
        torch.autograd.graph.increment_version(moving[:2])
    elif moving:
        move(moving, *statistics[:2])
    return y, statistics


def move(moving: Moving, *batch: torch.Tensor) -> None:
    """Moves the moving statistics towards the batch's, in place."""
    *values, momentum = moving
    with torch.no_grad():
        for value, found in zip(values, batch, strict=True):
            value.lerp_(found.detach().to(value.dtype), 1 - momentum)


def _floats(values: torch.Tensor) -> torch.Tensor:
    """Returns them as the kernel reads them; mostly they lie so."""
    plain = values.dtype == torch.float32 and values.is_contiguous()
    return values if plain else values.float().contiguous()


def derive(
    dys: Sequence[torch.Tensor],
    x: torch.Tensor,
    y: torch.Tensor | None,
    statistics: torch.Tensor,
    epsilon: float,
    slope: float,
    ceiling: float,
    out: torch.Tensor | None = None,
) -> tuple[torch.Tensor | None, ...]:
    """Returns the gradients of x, gamma, beta and residual.

    Args:
        dys: One or two gradients of y to add up, contiguous like the rest.
        x: What was normalized.
        y: The result where something was added, else `None`.
        statistics: What `normalize` returned beside y.
        epsilon: As it was.
        slope: As it was.
        ceiling: As it was.
        out: Where the gradient of x goes; may be x.
    """
    channels = x.shape[-1]
    dgamma, dbeta = x.new_empty((2, channels), dtype=torch.float32).unbind()
    dx = torch.empty_like(x) if out is None else out
    # If nothing is cut, the gradient of what was added is that of the sum.
    masked = y is not None and (slope, ceiling) != (1.0, math.inf)
    dresidual = torch.empty_like(x) if masked else None
    dy, other = dys if len(dys) == 2 else (*dys, None)
    if other is not None and not masked:  # there is no memory for the sum
        dy, other = dy + other, None
    tensors = (dy, other, x, y, statistics, dgamma, dbeta, dx, dresidual)
    rows = x.numel() // channels
    _run("backward", x.dtype, tensors, rows, channels, epsilon, slope, ceiling)
    return dx, dgamma, dbeta, dresidual if masked else dy if y is not None else None


def by_torch(
    x: torch.Tensor,
    gamma: torch.Tensor | None,
    beta: torch.Tensor | None,
    epsilon: float,
) -> torch.Tensor:
    """Returns what `BatchNorm` cuts, with nothing added, by torch's own steps."""
    y = functional.batch_norm(
        x.movedim(-1, 1), None, None, gamma, beta, True, 0.0, epsilon
    )
    return y.movedim(1, -1)


def derive_by_torch(
    run: Callable[..., torch.Tensor],
    given: Sequence[torch.Tensor | None],
    y: torch.Tensor | None,
    needs: Sequence[bool],
    dy: torch.Tensor,
    slope: float,
    ceiling: float,
) -> list[torch.Tensor | None]:
    """Returns gradients of `cut(run(*given) + residual)`, to be differentiated again.

    Args:
        run: Normalizes, in functions of torch.
        given: What it takes.
        y: The result where something was added, else `None`.
        needs: One for each of `given`, and one for the residual, which is added last.
        dy: Gradient of y.
        slope: As it was.
        ceiling: As it was.
    """
    if y is None:

        def whole(*given: Any) -> torch.Tensor:
            return cut(run(*given), slope, ceiling)

        return [*gradients_by_torch(whole, given, needs[:-1], dy), None]
    # y tells what was cut: what was added need not be kept for it
    dy = torch.where(y <= 0, slope * dy, dy)
    dy = torch.where(y >= ceiling, torch.zeros_like(dy), dy)
    found = gradients_by_torch(run, given, needs[:-1], dy)
    return [*found, dy if needs[-1] else None]


def cut(y: torch.Tensor, slope: float, ceiling: float) -> torch.Tensor:
    """Returns `min(y, ceiling)`, and `slope * y` below 0, by torch's own steps."""
    if slope == 0 and ceiling < math.inf:
        return functional.hardtanh(y, 0.0, ceiling)
    if slope != 1:
        y = torch.relu(y) if slope == 0 else functional.leaky_relu(y, slope)
    return y if ceiling == math.inf else y.clamp(max=ceiling)


def usable(x: torch.Tensor, *others: torch.Tensor | None) -> bool:
    """Tells whether the kernel can take these: CPU, one type it knows, and compiled."""
    return (
        x.dtype in SUFFIX
        and x.device.type == "cpu"
        and x.numel() > 0
        and all(y is None or (y.dtype, y.shape) == (x.dtype, x.shape) for y in others)
        and unavailable() is None
    )


def unavailable() -> str | None:
    """Returns why the kernel is not used on this machine; `None`: it is."""
    return LIBRARY.unavailable()


def _run(
    name: str,
    dtype: torch.dtype,
    tensors: tuple[torch.Tensor | None, ...],
    rows: int,
    channels: int,
    *numbers: float,
) -> None:
    pointers = [None if each is None else each.data_ptr() for each in tensors]
    LIBRARY.run(f"{name}_{SUFFIX[dtype]}", *pointers, rows, channels, *numbers)


def _trouble() -> str | None:
    agrees = _agrees_with_torch()
    return None if agrees else "its results differ from torch's on this machine"


@torch.inference_mode(False)
@torch.enable_grad()
def _agrees_with_torch() -> bool:
    """Compares the kernel with float64 arithmetic on a few small cases."""
    draw = drawing(torch.float32)
    for channels, slope, ceiling in (
        (3, 0.0, math.inf),
        (16, 1.0, math.inf),
        (130, 0.1, 0.7),
        (32, 0.0, 0.7),
    ):
        for dtype, tolerance in ((torch.float32, 1e-4), (torch.bfloat16, 4e-2)):
            x, residual = (draw(40, channels).to(dtype) for _ in range(2))
            gamma, beta = draw(2, channels).unbind()
            weights = draw(40, channels).to(dtype)
            start = draw(2, channels)
            mean, variance = start.clone().unbind()
            given, numbers = (x, gamma, beta, residual), (1e-3, slope, ceiling)
            y, statistics = normalize(*given, (mean, variance, 0.25), *numbers)
            exact: list[Any] = [each.double().requires_grad_() for each in given]
            z = torch.nn.functional.batch_norm(
                exact[0], None, None, exact[1], exact[2], True, 0.0, 1e-3
            )
            z = z + exact[3]
            # the gradient where rounding put y, on which side of a bend
            bent = torch.where(y > 0, torch.where(y < ceiling, z, ceiling), slope * z)
            z = bent if (slope, ceiling) != (1.0, math.inf) else z
            (z * weights.double()).sum().backward()
            batch = torch.stack([x.double().mean(0), x.double().var(0, correction=0)])
            moved = 0.25 * start.double() + 0.75 * batch
            pairs: list[Any] = [(y, z), (torch.stack([mean, variance]), moved)]
            for dys in ((weights,), (weights, weights)):
                found = derive(dys, x, y, statistics, *numbers)
                sums = (len(dys) * each.grad for each in exact)
                pairs += zip(found, sums, strict=True)
            if not all(close(a, b, tolerance) for a, b in pairs):
                return False
    return True


LIBRARY = Library(
    "batch_norm",
    {
        f"{name}_{suffix}": types
        for name, types in ARGUMENTS.items()
        for suffix in SUFFIX.values()
    },
    _trouble,
)
