"""Settings of transfer learning."""

import pytest

from residency.config import set_paths
from residency.errors import ConfigError
from residency.recipes import resolve
from residency.training import Finetune


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train_last": 0}, "Finetune.train_last"),
        ({"stage_rate": 1.5}, r"Finetune.stage_rate: expected a number in \(0, 1\]"),
        ({"stage_rate": 0.0}, "Finetune.stage_rate"),
        ({"head_epochs": -1}, "Finetune.head_epochs: expected 0 or more"),
        ({"feature_passes": -1}, "Finetune.feature_passes"),
        ({"train_last": 4, "freeze": ("conv1",)}, "nothing but body, as train_last"),
    ],
)
def test_values_that_do_not_fit(settings, message):
    with pytest.raises(ConfigError, match=message):
        Finetune(**settings)


def test_they_are_set_on_a_command_line():
    found = set_paths(Finetune(), {"freeze": "conv1,conv2", "head_epochs": "3"})
    assert found == Finetune(freeze=("conv1", "conv2"), head_epochs=3)
    changes = {"finetune": "Finetune", "finetune.train_last": "8"}
    assert resolve("quick/photos", changes).recipe.finetune == Finetune(train_last=8)
    assert resolve("finetune/head", {"finetune": "none"}).recipe.finetune is None
