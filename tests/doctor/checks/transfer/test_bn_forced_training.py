import keras
import pytest

from residency.doctor.checks.transfer import bn_forced_training

run = bn_forced_training.CHECK.run
L = keras.layers


class Forced(L.BatchNormalization):
    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=True, mask=mask)


def body(norm):
    layers = [keras.Input((32, 32, 3)), L.Conv2D(8, 3), norm, L.ReLU()]
    return keras.Sequential([*layers, L.Dropout(0.5), L.GlobalAveragePooling2D()])


def test_statistics_of_the_batch_at_inference_are_found(probe_of, pictures):
    (found,) = run(probe_of(body(Forced()), pictures() / 255, frozen=False))
    assert found.severity == "warning"
    assert found.evidence["relative_change"] > 1e-3


@pytest.mark.parametrize("norm", [L.BatchNormalization, L.LayerNormalization])
@pytest.mark.parametrize("scale", [1, 255])
def test_ordinary_layers_are_silent(probe_of, pictures, norm, scale):
    assert run(probe_of(body(norm()), pictures() / scale, frozen=False)) == []


class Unit(L.Layer):
    """A convolution whose normalisation is inside, and told to train."""

    def __init__(self, training):
        super().__init__()
        self.conv, self.norm = L.Conv2D(8, 3), L.BatchNormalization()
        self.always = training

    def build(self, shape):
        self.conv.build(shape)
        self.norm.build(self.conv.compute_output_shape(shape))

    def compute_output_shape(self, shape):
        return self.conv.compute_output_shape(shape)

    def call(self, inputs, training=None):
        return self.norm(self.conv(inputs), training=self.always or training)


@pytest.mark.parametrize(("training", "count"), [(True, 1), (None, 0)])
def test_normalisation_inside_a_layer_of_the_user(probe_of, pictures, training, count):
    found = run(probe_of(body(Unit(training)), pictures() / 255, frozen=False))
    assert len(found) == count
