import keras

from residency.doctor.checks.transfer import bn_frozen_mismatch
from residency.doctor.probe.pixels import from_pixels

run = bn_frozen_mismatch.CHECK.run
L = keras.layers


def fresh():
    layers = [
        keras.Input((32, 32, 3)),
        L.Conv2D(8, 3),
        L.BatchNormalization(),
        L.ReLU(),
    ]
    return keras.Sequential([*layers, L.GlobalAveragePooling2D()])


def test_frozen_at_first_values_is_found(probe_of, pictures):
    (found,) = run(probe_of(fresh(), pictures() / 255))
    assert found.severity == "warning"
    assert found.evidence["never_trained"]


def test_statistics_of_other_inputs_are_found(probe_of, pretrained, pictures):
    body = pretrained("my_network", "torch")
    (found,) = run(probe_of(body, from_pixels(pictures(), "unit") / 50))
    assert not found.evidence["never_trained"]


def test_statistics_that_fit_are_silent(probe_of, pretrained, pictures):
    body = pretrained("my_network", "torch")
    assert run(probe_of(body, from_pixels(pictures(), "torch"))) == []
    assert run(probe_of(fresh(), pictures() / 255, frozen=False)) == []


def test_wrong_inputs_explain_it(probe_of, pretrained, pictures):
    body = pretrained("resnet50", "caffe")
    assert run(probe_of(body, pictures() / 255)) == []
