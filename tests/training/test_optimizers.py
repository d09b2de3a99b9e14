"""Optimizer settings."""

import pytest

from residency.errors import ConfigError
from residency.training import SGD, AdamW, Muon, is_exempt


def test_linear_scaling_is_off_unless_a_base_is_given():
    assert SGD(learning_rate=0.1).rate_for(1024) == 0.1
    assert SGD(learning_rate=0.1, base_batch_size=256).rate_for(1024) == 0.4


@pytest.mark.parametrize(
    "settings",
    [
        {"learning_rate": 0.0},
        {"momentum": 1.0},
        {"weight_decay": -1e-4},
        {"weight_decay": float("inf")},
    ],
)
def test_impossible_settings_are_refused(settings):
    with pytest.raises(ConfigError, match=f"SGD.{next(iter(settings))}"):
        SGD(**{"learning_rate": 0.1, **settings})


def test_nesterov_needs_momentum():
    with pytest.raises(ConfigError, match="no momentum"):
        SGD(learning_rate=0.1, momentum=0.0, nesterov=True)


def test_adamw_exempts_biases_and_normalisation():
    exempt = AdamW().decay_exempt
    assert is_exempt("conv2_bn/gamma", exempt)
    assert not is_exempt("gamma_conv/kernel", exempt)


@pytest.mark.parametrize("settings", [{"beta_1": 1.0}, {"beta_2": -0.1}])
def test_adamw_refuses_what_never_forgets(settings):
    with pytest.raises(ConfigError, match=rf"AdamW.{next(iter(settings))}.*\[0, 1\)"):
        AdamW(**settings)


@pytest.mark.parametrize("settings", [{"sgd_rate": 0.0}, {"momentum": 0.0}])
def test_muon_refuses_impossible_settings(settings):
    with pytest.raises(ConfigError, match=f"Muon.{next(iter(settings))}"):
        Muon(**settings)
