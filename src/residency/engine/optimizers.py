"""Optimizer settings to torch optimizers over the memory of the Keras variables."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch

from residency.engine.muon import OrthogonalMomentum
from residency.engine.network import Network, Trainable
from residency.errors import EngineError
from residency.training import SGD, AdamW, Muon, is_exempt

FUSED = ("cpu", "cuda", "mps")  # devices whose optimizers pass over memory once


def build_optimizer(
    config: SGD | AdamW | Muon,
    network: Network,
    rates: Sequence[tuple[float, Sequence[str]]] | None = None,
) -> torch.optim.Optimizer:
    """Returns the torch optimizer, over the views that `network.trainable` gives.

    Its first group decays, its second is exempt. The views want their gradients before
    each step: `Trainable.share_gradient`.

    Args:
        config: The settings.
        network: What is trained.
        rates: Shares of the rate, each with the paths of its variables, which are
            groups of their own, in this order; `None`: the whole rate for all.

    Raises:
        EngineError: The model has nothing to train.
    """
    variables = network.trainable()
    if not variables:
        raise EngineError(
            f"model {network.model.name!r}: no variable is trainable. "
            "Set `layer.trainable = True` on the layers to train."
        )
    groups: list[dict[str, Any]] = []
    inner = inner_kernels(network) if isinstance(config, Muon) else []
    for share, paths in rates or [(1.0, [each.path for each in variables])]:
        some = [each for each in variables if each.path in paths]
        groups += _groups(config, some, share, inner)
    return _optimizer(config, groups, network.device.type)


def _groups(
    config: SGD | AdamW | Muon,
    variables: Sequence[Trainable],
    share: float,
    inner: Collection[str],
) -> list[dict[str, Any]]:
    """Returns what decays, what is exempt, and what Muon turns, if there is any."""
    found: list[dict[str, Any]] = [
        {"params": [], "weight_decay": config.weight_decay, "rate_factor": share},
        {"params": [], "weight_decay": 0.0, "rate_factor": share},
        {"params": [], "orthogonal": True, "rate_factor": share},
    ]
    if isinstance(config, Muon):
        for group in found[:2]:
            group["rate_factor"] *= config.sgd_rate / config.learning_rate
    for each in variables:
        exempt = is_exempt(each.path, config.decay_exempt)
        found[2 if each.path in inner else int(exempt)]["params"].append(each.view)
    for group in found:
        if group["rate_factor"] == 1.0:
            del group["rate_factor"]
    return [group for group in found if group["params"]]


def _optimizer(
    config: SGD | AdamW | Muon, groups: list[dict[str, Any]], device: str
) -> torch.optim.Optimizer:
    if isinstance(config, Muon):
        return OrthogonalMomentum(
            groups, lr=config.learning_rate, momentum=config.momentum
        )
    if isinstance(config, AdamW):
        optimizer = torch.optim.AdamW(
            groups,
            lr=config.learning_rate,
            betas=(config.beta_1, config.beta_2),
            eps=config.epsilon,
            fused=device in FUSED,
            capturable=device == "cuda",
        )
        # It would warn at each step before the one that is recorded.
        optimizer._warned_capturable_if_run_uncaptured = device == "cuda"  # pyright: ignore
        return optimizer
    return torch.optim.SGD(
        groups,
        lr=config.learning_rate,
        momentum=config.momentum,
        nesterov=config.nesterov,
        fused=device in FUSED,
    )


def give_state(
    optimizer: torch.optim.Optimizer, state: Mapping[int, Mapping[str, Any]]
) -> None:
    """Gives an optimizer the state of another one, parameter by parameter.

    Args:
        optimizer: Its parameters beyond those of `state` start without any, as new
            ones do: momentum 0.
        state: By the parameters' numbers, as in `Optimizer.state_dict()["state"]`.
    """
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
    # Fused optimizers go through a parameter and its buffers in memory's order,
    # whatever the axes are called.
    for parameter, buffers in optimizer.state.items():
        for name, value in buffers.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                buffers[name] = torch.empty_like(parameter).copy_(value)


def inner_kernels(network: Network) -> list[str]:
    """Returns the paths of the kernels of convolutions, but for the network's first."""
    return [v.path for v in network.model.weights if len(v.shape) == 4][1:]
