import keras
import numpy as np
import pytest

from residency.doctor.checks.transfer import channel_order
from residency.doctor.probe import take_probe
from residency.doctor.probe.pixels import CONTRACTS, from_pixels

run = channel_order.CHECK.run
MEAN = np.float32(CONTRACTS["caffe"].mean)


@pytest.mark.parametrize(
    "prepare",
    [
        lambda x: x - MEAN,  # RGB pixels, means of BGR
        lambda x: x - MEAN[::-1],  # RGB throughout
        lambda x: x[..., ::-1] - MEAN[::-1],  # BGR pixels, means of RGB
    ],
)
def test_exchanged_for_caffe_weights(probe_of, pretrained, pictures, prepare):
    body = pretrained("vgg16", "caffe", bn=False)
    (found,) = run(probe_of(body, prepare(pictures())))
    assert (found.label, found.severity) == ("channel_order", "warning")


@pytest.mark.parametrize("name", ["mobilenetv2_100_32", "densenet121"])
def test_pictures_read_as_bgr(probe_of, pretrained, pictures, name):
    contract = "tf" if name.startswith("mobile") else "torch"
    body = pretrained(name, contract)
    assert run(probe_of(body, from_pixels(pictures(), contract))) == []
    assert run(probe_of(body, from_pixels(pictures()[..., ::-1], contract)))


def test_statistics_overrule_cold_pictures(probe_of, pretrained, pictures):
    """Pictures of the sea, on weights that were trained on such pictures."""
    body = pretrained("mobilenetv2_100_32", "tf")
    sea = pictures()[..., ::-1]
    for layer in body.layers:
        if layer.name == "conv1_bn":
            layer.momentum = 0.0
            body(from_pixels(sea, "tf"), training=True)
            layer.momentum = 0.99
    assert run(probe_of(body, from_pixels(sea, "tf"))) == []


def test_the_right_order_is_silent(probe_of, pretrained, pictures):
    body = pretrained("vgg16", "caffe", bn=False)
    assert run(probe_of(body, from_pixels(pictures(), "caffe"))) == []
    grey = np.repeat(pictures().mean(-1, keepdims=True).round(), 3, -1)
    assert run(probe_of(body, from_pixels(grey, "caffe"))) == []


@pytest.mark.parametrize(
    ("shape", "count"),
    [((3, 32, 32), 1), ((1, 28, 28), 1), ((32, 32, 3), 0), ((3, 40, 16), 0)],
)
def test_channels_first_for_a_model_that_takes_them_last(shape, count):
    layers = [keras.layers.Conv2D(4, 3, padding="same"), keras.layers.Flatten()]
    model = keras.Sequential([keras.Input(shape), *layers, keras.layers.Dense(2)])
    x = np.random.default_rng(0).normal(size=(16, *shape)).astype("float32")
    probe = take_probe(model, (x, np.arange(16) % 2), budget_seconds=9, trials=False)
    assert len(run(probe) or ()) == count
