import keras

from residency.doctor.checks.transfer import bn_trains_above_frozen
from residency.doctor.probe.pixels import from_pixels

run = bn_trains_above_frozen.CHECK.run


def findings(probe_of, pretrained, pictures, frozen):
    body = pretrained("resnet50", "caffe")
    for layer in body.layers:
        layer.trainable = not isinstance(layer, frozen)
    return run(probe_of(body, from_pixels(pictures(16), "caffe"), frozen=None))


def test_it_is_advice(probe_of, pretrained, pictures):
    found = findings(probe_of, pretrained, pictures, keras.layers.Conv2D)
    assert [f.severity for f in found] == ["advice"]


def test_one_kind_of_state_is_silent(probe_of, pretrained, pictures):
    norm = keras.layers.BatchNormalization
    for frozen in (keras.layers.Layer, (), norm):
        assert findings(probe_of, pretrained, pictures, frozen) == []
