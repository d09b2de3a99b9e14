import keras
import numpy as np
import pytest

from residency.doctor.checks.transfer import pretrained_preprocess_mismatch
from residency.doctor.probe.pixels import from_pixels

run = pretrained_preprocess_mismatch.CHECK.run
L = keras.layers
FAMILIES = {"resnet50": "caffe", "resnet50v2": "tf", "densenet121": "torch"}


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("given", ["raw", "unit", "tf", "torch", "caffe"])
def test_each_family_and_each_preparation(probe_of, pretrained, pictures, name, given):
    body = pretrained(name, FAMILIES[name])
    found = run(probe_of(body, from_pixels(pictures(), given)))
    assert len(found) == (given != FAMILIES[name])
    for finding in found:
        assert finding.label == "pretrained_preprocess_mismatch"
        assert finding.evidence["expected"] == FAMILIES[name]


def test_networks_that_scale_themselves_want_pixels(probe_of, pretrained, pictures):
    own = [L.Rescaling(1 / 255), L.Normalization(mean=[0.485] * 3, variance=[0.05] * 3)]
    body = pretrained("efficientnetb0", "raw", own=own)
    assert run(probe_of(body, pictures())) == []
    (found,) = run(probe_of(body, pictures() / 255))
    assert found.severity == "error"


@pytest.mark.parametrize(
    ("before", "count"),
    [([L.Rescaling(1 / 127.5, offset=-1)], 0), ([L.Rescaling(1 / 255)], 1), ([], 1)],
)
def test_layers_of_the_user_count(probe_of, pretrained, pictures, before, count):
    body = pretrained("mobilenetv2_100_32", "tf")
    assert len(run(probe_of(body, pictures(), before=before))) == count


def test_floats_without_steps(probe_of, pretrained, pictures):
    rng = np.random.default_rng(0)
    x = pictures() + rng.uniform(-0.5, 0.5, pictures().shape)
    body = pretrained("resnet50", "caffe", bn=False)
    assert run(probe_of(body, from_pixels(x, "caffe"))) == []
    assert run(probe_of(body, (x / 255).astype("float32")))[0].severity == "error"
    assert run(probe_of(body, x.astype("float32")))


def test_a_network_that_was_never_trained_expects_nothing(probe_of, pictures):
    layers = [
        keras.Input((32, 32, 3)),
        L.Conv2D(8, 3),
        L.BatchNormalization(),
        L.ReLU(),
    ]
    body = keras.Sequential([*layers, L.GlobalAveragePooling2D()], name="resnet50")
    assert run(probe_of(body, pictures() / 255, frozen=False)) in ([], None)


def test_own_weights_in_a_known_network(probe_of, pretrained, pictures):
    """Trained anew on 0..1: the statistics say so, whatever the name says."""
    body = pretrained("resnet50", "unit")
    assert run(probe_of(body, pictures() / 255)) == []


def test_weights_of_unknown_origin(probe_of, pretrained, pictures):
    body = pretrained("my_network", "torch")
    assert run(probe_of(body, from_pixels(pictures(), "torch"))) == []
    (found,) = run(probe_of(body, pictures()))
    assert found.evidence["best"] == "torch"
    assert found.severity == "warning"


def test_a_known_network_is_found_when_taken_apart(pictures):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((32, 32, 3))
    base = keras.applications.VGG16(
        weights=None, include_top=False, input_tensor=L.Rescaling(1 / 255)(inputs)
    )
    for layer in base.layers:
        if layer.name == "block1_conv1":
            layer.bias.assign(np.linspace(-1, 1, 64))
    outputs = L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(base.output))
    model = keras.Model(inputs, outputs)
    model.compile("adam", "sparse_categorical_crossentropy")
    from residency.doctor.probe import take_probe

    data = pictures(16), np.arange(16) % 3
    (found,) = run(take_probe(model, data, budget_seconds=30, trials=False))
    assert found.evidence["family"] == "VGG"


def test_a_catalog_network_takes_pixels(probe_of, pretrained, pictures):
    """It scales them itself, though it may be named as a network of Keras."""
    own = [L.Rescaling(1 / 58, offset=-2, name="preprocessing")]
    body = pretrained("resnet50", "raw", own=own)
    assert run(probe_of(body, pictures())) == []
    (found,) = run(probe_of(body, pictures() / 255))
    assert found.severity == "error"
