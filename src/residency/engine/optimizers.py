"""Optimizer settings to torch optimizers over the Keras variables."""

import torch

from residency.engine.muon import OrthogonalMomentum
from residency.engine.network import Network
from residency.errors import EngineError
from residency.training import SGD, AdamW, Muon, is_exempt


def build_optimizer(
    config: SGD | AdamW | Muon, network: Network
) -> torch.optim.Optimizer:
    """Returns the torch optimizer; its first group decays, its second is exempt.

    Raises:
        EngineError: The model has nothing to train.
    """
    variables = network.trainable()
    if not variables:
        raise EngineError(
            f"model {network.model.name!r}: no variable is trainable. "
            "Set `layer.trainable = True` on the layers to train."
        )
    exempt = config.decay_exempt
    orthogonal = []
    if isinstance(config, Muon):
        inner = set(inner_kernels(network))
        orthogonal = [value for path, value in variables if path in inner]
        variables = [each for each in variables if each[0] not in inner]
    decayed = [value for path, value in variables if not is_exempt(path, exempt)]
    free = [value for path, value in variables if is_exempt(path, exempt)]
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if isinstance(config, Muon):
        factor = config.sgd_rate / config.learning_rate
        groups = [group | {"rate_factor": factor} for group in groups]
        if orthogonal:
            groups.append({"params": orthogonal, "orthogonal": True})
        return OrthogonalMomentum(
            groups, lr=config.learning_rate, momentum=config.momentum
        )
    if isinstance(config, AdamW):
        return torch.optim.AdamW(
            groups,
            lr=config.learning_rate,
            betas=(config.beta_1, config.beta_2),
            eps=config.epsilon,
        )
    return torch.optim.SGD(
        groups,
        lr=config.learning_rate,
        momentum=config.momentum,
        nesterov=config.nesterov,
    )


def inner_kernels(network: Network) -> list[str]:
    """Returns the paths of the trainable kernels of convolutions, but for the first."""
    kernels = [path for path, value in network.trainable() if value.ndim == 4]
    return kernels[1:]
