import keras
import pytest

from residency.doctor.checks.transfer import bn_stats_not_converged

run = bn_stats_not_converged.CHECK.run
L = keras.layers


def body(momentum):
    norm = L.BatchNormalization(momentum=momentum)
    layers = [keras.Input((32, 32, 3)), L.Conv2D(8, 3), norm, L.ReLU()]
    return keras.Sequential([*layers, L.GlobalAveragePooling2D()])


@pytest.mark.parametrize(("momentum", "epochs"), [(0.99, 5), (0.999, 100), (0.9, 2)])
def test_few_steps_are_found(probe_of, pictures, momentum, epochs):
    x = pictures(64)  # two batches an epoch
    (found,) = run(probe_of(body(momentum), x / 255, frozen=False, epochs=epochs))
    assert found.severity == "warning"
    assert found.evidence["share"] == pytest.approx(1 - momentum ** (2 * epochs))


@pytest.mark.parametrize(("momentum", "epochs"), [(0.99, 150), (0.9, 20), (0.5, 4)])
def test_enough_steps_are_silent(probe_of, pictures, momentum, epochs):
    x = pictures(64)
    found = run(probe_of(body(momentum), x / 255, frozen=False, epochs=epochs))
    assert found == []


def test_pretrained_and_frozen_ones_are_not_meant(probe_of, pretrained, pictures):
    x = pictures(64)
    network = pretrained("my_network", "unit")
    assert run(probe_of(network, x / 255, frozen=False, epochs=1)) == []
    assert run(probe_of(body(0.99), x / 255, frozen=True, epochs=1)) == []


def test_without_a_plan_it_cannot_tell(probe_of, pictures):
    assert run(probe_of(body(0.99), pictures() / 255, frozen=False)) is None
