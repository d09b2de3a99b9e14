import keras
import pytest

from residency.doctor.checks.transfer import finetune_lr_too_high
from residency.doctor.probe.pixels import from_pixels

run = finetune_lr_too_high.CHECK.run
OPTIMIZERS = keras.optimizers


@pytest.fixture
def findings(probe_of, pretrained, pictures):
    def find(optimizer, *, name="resnet50", frozen=False):
        x = from_pixels(pictures(16), "caffe")
        body = pretrained(name, "caffe")
        return run(probe_of(body, x, frozen=frozen, optimizer=optimizer))

    return find


@pytest.mark.parametrize(
    "optimizer",
    [
        OPTIMIZERS.Adam(1e-3),
        OPTIMIZERS.RMSprop(),
        OPTIMIZERS.AdamW(3e-3),
        OPTIMIZERS.SGD(0.1, momentum=0.9),
        OPTIMIZERS.Adam(OPTIMIZERS.schedules.ExponentialDecay(1e-3, 100, 0.9)),
    ],
)
def test_rates_from_scratch_are_found(findings, optimizer):
    (found,) = findings(optimizer)
    assert (found.label, found.severity) == ("finetune_lr_too_high", "warning")


@pytest.mark.parametrize(
    "optimizer",
    [
        OPTIMIZERS.Adam(1e-5),
        OPTIMIZERS.AdamW(1e-4),
        OPTIMIZERS.SGD(0.01, momentum=0.9),
        OPTIMIZERS.SGD(1e-3),
    ],
)
def test_gentle_rates_are_silent(findings, optimizer):
    assert findings(optimizer) == []


def test_a_frozen_body_may_have_any_rate(findings):
    assert findings(OPTIMIZERS.Adam(1e-2), frozen=True) == []


def test_a_network_of_no_known_family_is_not_judged(findings):
    assert findings(OPTIMIZERS.Adam(1e-3), name="my_network") == []
