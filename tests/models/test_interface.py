"""Raw pixels in, probabilities out."""

import keras
import numpy as np

from residency.models.interface import classifier


def test_logits_are_a_layer_of_their_own(small_net, photos):
    names = [layer.name for layer in small_net.layers]
    assert names[:2] == ["images", "preprocessing"]
    assert names[-2:] == ["predictions", "probabilities"]
    logits = keras.Model(small_net.input, small_net.get_layer("predictions").output)
    z = logits.predict(photos[:, :16, :16], verbose=0)
    p = small_net.predict(photos[:, :16, :16], verbose=0)
    np.testing.assert_allclose(
        np.exp(z) / np.exp(z).sum(1, keepdims=True), p, rtol=1e-5
    )


def test_probabilities_are_float32_under_mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        x = keras.Input((4, 4, 8))
        outputs = classifier(x, 3, kernel_initializer="he_normal")
    finally:
        keras.config.set_dtype_policy(before)
    assert outputs.dtype == "float32"
