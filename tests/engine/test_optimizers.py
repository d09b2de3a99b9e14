"""A rate for each stage, against torch's own parameter groups."""

import numpy as np
import pytest
import torch

from residency.engine.network import Network
from residency.engine.optimizers import build_optimizer
from residency.engine.step import Step
from residency.models.freezing import phases_of
from residency.training import SGD, AdamW, CrossEntropy, Finetune

from .conftest import small_model


def plain(kind, model, groups):
    """Returns torch's optimizer over copies of the variables, by path."""
    values = {
        v.path: torch.nn.Parameter(v.value.detach().clone())
        for v in model.trainable_variables
    }
    listed = [
        {"params": [values[path] for path in paths], "lr": 0.1 * share}
        for share, paths in groups
    ]
    return values, kind(listed)


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (
            SGD(learning_rate=0.1, weight_decay=0.01),
            lambda groups: torch.optim.SGD(groups, momentum=0.9, weight_decay=0.01),
        ),
        (
            AdamW(learning_rate=0.1, weight_decay=0.02, decay_exempt=()),
            lambda groups: torch.optim.AdamW(groups, weight_decay=0.02),
        ),
    ],
)
def test_discriminative_rates_are_torchs_groups(batch, config, kind):
    model = small_model()
    [phase] = phases_of(model, Finetune(freeze=(), stage_rate=0.3))
    phase.apply()
    assert [share for share, _ in phase.rates] == [1.0, 0.3]
    network = Network(model)
    values, theirs = plain(kind, model, phase.rates)
    optimizer = build_optimizer(config, network, phase.rates)
    random = np.random.default_rng(0)
    for rate in (0.1, 0.05, 0.1):
        for group, (share, _) in zip(theirs.param_groups, phase.rates, strict=True):
            group["lr"] = rate * share
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("rate_factor", 1.0)
        for each in network.trainable():
            drawn = random.normal(size=tuple(each.value.shape))
            grad = torch.from_numpy(drawn).float()
            each.value.grad = torch.empty_like(each.value).copy_(grad)  # its layout
            each.share_gradient()
            values[each.path].grad = grad
        theirs.step()
        optimizer.step()
    for each in network.trainable():
        found, wanted = each.value.detach(), values[each.path].detach()
        torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-6)


def test_a_step_gives_each_group_its_share(batch):
    model = small_model()
    [phase] = phases_of(model, Finetune(freeze=(), stage_rate=0.3))
    phase.apply()
    network = Network(model)
    optimizer = build_optimizer(SGD(learning_rate=0.1), network, phase.rates)
    Step(network, optimizer, loss=CrossEntropy())(*batch, 0.2)
    assert [group["lr"] for group in optimizer.param_groups] == [0.2, 0.2 * 0.3]
    paths = [v.path for v in model.trainable_variables]
    assert sum(len(g["params"]) for g in optimizer.param_groups) == len(paths)
