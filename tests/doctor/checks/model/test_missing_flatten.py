import numpy as np
from keras import layers

from residency.doctor.checks.model.missing_flatten import find


def net(*between):
    return [
        layers.Conv2D(8, 3, activation="relu"),
        *between,
        layers.Dense(4, activation="softmax"),
    ]


def test_an_output_with_places(probe_of, images):
    for one_hot in (False, True):
        loss = ("" if one_hot else "sparse_") + "categorical_crossentropy"
        (found,) = find(probe_of(net(), images(one_hot=one_hot), loss))
        assert found.severity == "error"
        assert found.evidence["output_shape"] == "(14, 14, 4)"


def test_pooled_outputs(probe_of, images):
    for layer in (layers.Flatten(), layers.GlobalMaxPooling2D()):
        assert find(probe_of(net(layer), images())) == []


def test_labels_for_each_place_or_step(probe_of, images):
    x, _ = images()
    places = (x[:, :, :, 0] > 0).astype("int64")
    model = [layers.Conv2D(2, 3, padding="same", activation="softmax")]
    assert find(probe_of(model, (x, places))) == []
    pixels = [layers.Conv2D(3, 3, padding="same")]
    assert find(probe_of(pixels, (x, x), "mse")) == []
    words = np.random.default_rng(0).integers(0, 9, (32, 6))
    tags = [layers.Embedding(9, 4), layers.Dense(3, activation="softmax")]
    assert find(probe_of(tags, (words, words % 3))) == []
