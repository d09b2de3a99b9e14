"""Which variables the optimizer's decay acts on."""

import keras
import pytest

from residency.doctor.checks.optimisation.decay_on_bias_bn import check


def norm():
    return [keras.layers.Dense(8), keras.layers.BatchNormalization()]


def test_finds_decayed_normalisation(probe_of):
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=5e-4)
    (found,) = check(probe_of(norm(), optimizer=optimizer))
    assert (found.label, found.severity) == ("decay_on_bias_bn", "warning")
    assert found.evidence["of_normalisations"] == 2


@pytest.mark.parametrize(
    ("layers", "optimizer"),
    [
        (norm(), keras.optimizers.AdamW(1e-3)),
        (norm(), keras.optimizers.AdamW(1e-3, weight_decay=0.05)),
        ([], keras.optimizers.SGD(0.1, weight_decay=5e-4)),
    ],
    ids=["AdamW as it comes", "AdamW as often written", "biases alone"],
)
def test_what_most_programs_do_is_advice(probe_of, layers, optimizer):
    found = check(probe_of(layers, optimizer=optimizer))
    assert [f.severity for f in found] == ["advice"]


def test_silent_where_they_are_excluded(probe_of):
    optimizer = keras.optimizers.SGD(0.1, weight_decay=5e-4)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    assert check(probe_of(norm(), optimizer=optimizer)) == []


def test_silent_without_decay(probe_of):
    assert check(probe_of(norm(), optimizer=keras.optimizers.SGD(0.1))) == []


def test_the_decay_that_is_named_is_what_keras_does(probe_of):
    """A step without gradient shrinks gamma by rate times decay."""
    gamma = keras.Variable([1.0, 1.0], name="gamma")
    optimizer = keras.optimizers.SGD(0.5, weight_decay=0.1)
    optimizer.apply([keras.ops.zeros(2)], [gamma])
    assert gamma.numpy().tolist() == pytest.approx([0.95, 0.95])
