"""Blocks: places, squeeze and excitation."""

import keras
import numpy as np

from residency.models.residual import places, squeeze_excite


def test_places_of_resnet50():
    found = list(places((3, 4, 6, 3)))
    assert len(found) == 16
    assert [p.name for p in found if p.stride == 2] == [
        "conv3_block1",
        "conv4_block1",
        "conv5_block1",
    ]
    np.testing.assert_allclose([p.depth for p in found], np.arange(1, 17) / 16)


def test_squeeze_excite_is_the_papers_formula():
    """s = sigmoid(W2 relu(W1 mean(x))), x times s; in float64."""
    x = keras.Input((5, 4, 32))
    model = keras.Model(x, squeeze_excite(x, name="block"))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    w1, b1, w2, b2 = (w.astype("float64") for w in model.get_weights())
    assert w1.shape == (1, 1, 32, 2)
    maps = rng.normal(size=(3, 5, 4, 32)).astype("float32")
    hidden = np.maximum(maps.astype("float64").mean((1, 2)) @ w1[0, 0] + b1, 0)
    scale = 1 / (1 + np.exp(-(hidden @ w2[0, 0] + b2)))
    np.testing.assert_allclose(
        model.predict(maps, verbose=0), maps * scale[:, None, None], rtol=1e-4
    )
