"""Gradients that can be differentiated again: by torch's own steps."""

from collections.abc import Callable, Sequence
from typing import Any

import torch


def gradients_by_torch(
    run: Callable[..., torch.Tensor],
    given: Sequence[torch.Tensor | None],
    needed: Sequence[bool],
    dy: torch.Tensor,
) -> list[torch.Tensor | None]:
    """Returns the gradients of `run(*given)` with respect to those that are needed.

    Args:
        run: Does what the native kernel did, in functions of torch.
        given: What it takes.
        needed: One for each of them, as `ctx.needs_input_grad`.
        dy: The gradient of the result.
    """
    # views: one of them may itself depend on another, which must not count here
    views: list[Any] = [None if t is None else t.view_as(t) for t in given]
    wanted = [n for n, need in enumerate(needed) if need]
    if not wanted:
        return [None] * len(given)
    found = torch.autograd.grad(
        run(*views),
        [views[n] for n in wanted],
        dy,
        create_graph=True,
        allow_unused=True,
    )
    return [found[wanted.index(n)] if n in wanted else None for n in range(len(views))]
