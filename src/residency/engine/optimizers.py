"""Optimizer settings to torch optimizers over the memory of the Keras variables."""

import torch

from residency.engine.muon import OrthogonalMomentum
from residency.engine.network import Network
from residency.errors import EngineError
from residency.training import SGD, AdamW, Muon, is_exempt

FUSED = ("cpu", "cuda", "mps")  # devices whose optimizers pass over memory once


def build_optimizer(
    config: SGD | AdamW | Muon, network: Network
) -> torch.optim.Optimizer:
    """Returns the torch optimizer, over the views that `network.trainable` gives.

    Its first group decays, its second is exempt. The views want their gradients before
    each step: `Trainable.share_gradient`.

    Raises:
        EngineError: The model has nothing to train.
    """
    variables = network.trainable()
    if not variables:
        raise EngineError(
            f"model {network.model.name!r}: no variable is trainable. "
            "Set `layer.trainable = True` on the layers to train."
        )
    orthogonal = []
    if isinstance(config, Muon):
        inner = set(inner_kernels(network))
        orthogonal = [each.view for each in variables if each.path in inner]
        variables = [each for each in variables if each.path not in inner]
    exempt = {v.path for v in variables if is_exempt(v.path, config.decay_exempt)}
    decayed = [each.view for each in variables if each.path not in exempt]
    free = [each.view for each in variables if each.path in exempt]
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    fused = network.device.type in FUSED
    if isinstance(config, Muon):
        factor = config.sgd_rate / config.learning_rate
        groups = [group | {"rate_factor": factor} for group in groups]
        if orthogonal:
            groups.append({"params": orthogonal, "orthogonal": True})
        return OrthogonalMomentum(
            groups, lr=config.learning_rate, momentum=config.momentum
        )
    if isinstance(config, AdamW):
        on_cuda = network.device.type == "cuda"
        optimizer = torch.optim.AdamW(
            groups,
            lr=config.learning_rate,
            betas=(config.beta_1, config.beta_2),
            eps=config.epsilon,
            fused=fused,
            capturable=on_cuda,
        )
        # It would warn at each step before the one that is recorded.
        optimizer._warned_capturable_if_run_uncaptured = on_cuda  # pyright: ignore
        return optimizer
    return torch.optim.SGD(
        groups,
        lr=config.learning_rate,
        momentum=config.momentum,
        nesterov=config.nesterov,
        fused=fused,
    )


def inner_kernels(network: Network) -> list[str]:
    """Returns the paths of the trainable kernels of convolutions, but for the first."""
    kernels = [each.path for each in network.trainable() if each.value.ndim == 4]
    return kernels[1:]
