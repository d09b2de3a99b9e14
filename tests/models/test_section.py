"""A recipe's model section."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from residency.config import from_json, set_paths, to_json
from residency.errors import ConfigError
from residency.models import Head, Model, build, save_model


@dataclass(frozen=True)
class Measured:
    mean: tuple[float, float, float] = (100.0, 110.0, 120.0)
    std: tuple[float, float, float] = (50.0, 60.0, 70.0)
    mean_image: np.ndarray | None = None


def test_section_is_set_by_path():
    section = set_paths(
        Model(name="cifar_resnet20"),
        {"options.shortcut": "B", "preprocessing": "mean_image"},
    )
    assert section.options == {"shortcut": "B"}
    moved = set_paths(section, {"name": "resnet50", "options": {"stem": "cifar"}})
    assert moved.options == {"stem": "cifar"}
    assert from_json(Model, to_json(section)) == section


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("name", "cifarresnet20", "Did you mean 'cifar_resnet20'"),
        ("options.stem", "cifar", "has no option 'stem'"),
        ("preprocessing", "datasett", "Did you mean 'dataset'"),
    ],
)
def test_section_refuses_what_cannot_be_built(path, value, message):
    with pytest.raises(ConfigError, match=message):
        set_paths(Model(name="cifar_resnet20"), {path: value})


def test_section_builds_with_measured_statistics():
    section = Model(name="cifar_resnet20", options={"shortcut": "B"})
    model = section.build(num_classes=2, image_size=8, statistics=Measured())
    layer = model.get_layer("preprocessing")
    np.testing.assert_allclose(layer.scale, [1 / 50, 1 / 60, 1 / 70])
    np.testing.assert_allclose(layer.offset, [-2, -110 / 60, -120 / 70])
    assert "conv3_block1_0_conv" in [layer.name for layer in model.layers]


def test_section_builds_with_a_mean_image():
    section = Model(name="cifar_resnet20", preprocessing="mean_image")
    statistics = Measured(mean_image=np.full((8, 8, 3), 7.0))
    model = section.build(num_classes=2, image_size=8, statistics=statistics)
    np.testing.assert_array_equal(
        model.get_layer("preprocessing").offset, np.full((8, 8, 3), -7.0)
    )


def test_mean_image_that_was_not_measured():
    section = Model(name="cifar_resnet20", preprocessing="mean_image")
    with pytest.raises(ConfigError, match="measured statistics"):
        section.build(num_classes=2, image_size=8, statistics=Measured())


def test_pixels_are_the_weights_own_unless_told(tmp_path):
    """Trained with other constants than the network's own default."""
    trained = build("cifar_resnet20", num_classes=3, image_size=8, preprocessing="tf")
    save_model(trained, tmp_path / "net.keras")
    weights = str(tmp_path / "net.keras")
    section = Model(name="cifar_resnet20", weights=weights)
    assert section.pixels == "the weights' own"
    assert Model(name="cifar_resnet20").pixels == "dataset"
    model = section.build(num_classes=2, image_size=8, statistics=None)
    assert model.output_shape == (None, 2)
    layer = model.get_layer("preprocessing")
    np.testing.assert_allclose(layer.scale, [1 / 127.5] * 3)
    kernel = model.get_layer("conv3_block1_1_conv").kernel.numpy()
    np.testing.assert_array_equal(
        kernel, trained.get_layer("conv3_block1_1_conv").kernel.numpy()
    )
    told = replace(section, preprocessing="torch")
    assert told.pixels == "torch"
    model = told.build(num_classes=2, image_size=8, statistics=None)
    np.testing.assert_allclose(
        model.get_layer("preprocessing").scale[0], 1 / 58.395, rtol=1e-6
    )


def test_a_section_with_a_head_of_its_own():
    section = Model(
        name="cifar_resnet20", head=Head(output="sigmoid"), preprocessing="torch"
    )
    model = section.build(num_classes=2, image_size=8, statistics=None)
    assert model.output_shape == (None, 1)
    assert from_json(Model, to_json(section)) == section
