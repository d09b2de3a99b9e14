"""Muon: momentum turned into the closest orthogonal matrix, for convolutions."""

from collections.abc import Callable, Iterable
from typing import Any

import torch

# The quintic of the reference, tuned to bring singular values near 1 in few steps.
_QUINTIC = (3.4445, -4.7750, 2.0315)
_STEPS = 3


class OrthogonalMomentum(torch.optim.Optimizer):
    """Groups with `orthogonal` take Muon's step, the others Nesterov SGD.

    Args:
        groups: Of tensors; kernels have their outputs first, `(out, ...)`.
        lr: Rate of groups that name none.
        momentum: Of all groups.

    Reference: [Jordan et al., 2024](https://kellerjordan.github.io/posts/muon/).
    """

    def __init__(
        self, groups: Iterable[dict[str, Any]], lr: float, momentum: float
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": 0.0}
        super().__init__(groups, defaults | {"orthogonal": False})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Moves every parameter that has a gradient."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            rate, momentum = group["lr"], group["momentum"]
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                gradient = parameter.grad
                if group["weight_decay"]:
                    gradient = gradient.add(parameter, alpha=group["weight_decay"])
                state = self.state[parameter]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(parameter)
                buffer = state["momentum_buffer"]
                buffer.mul_(momentum).add_(gradient)
                update = gradient.add(buffer, alpha=momentum)
                if group["orthogonal"]:
                    outputs = len(parameter)
                    parameter.mul_(outputs**0.5 / parameter.norm().clamp_min(1e-12))
                    update = orthogonal(update.reshape(outputs, -1)).view_as(parameter)
                parameter.sub_(update.mul_(rate))  # the rate may be on the device
        return loss


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Returns a matrix with the singular vectors of `matrix` and values near 1.

    Newton-Schulz: three rounds of an odd polynomial on the singular values. They come
    to lie between 0.3 and 1.3 but for those that were below a hundredth of the norm.

    Example:

    >>> orthogonal(torch.diag(torch.tensor([2.0, 1.0]))).diag().round(decimals=1)
    tensor([0.8000, 1.0000])
    """
    a, b, c = _QUINTIC
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.t()
    x = x / x.norm().clamp_min(1e-7)
    for _ in range(_STEPS):
        gram = x @ x.t()
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if wide else x.t()
