"""What no array of a file says and its numbers still need: pixels, epsilon, strides."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from residency.errors import ConfigError
from residency.models.preprocessing import PREPROCESSINGS, Preprocessing

METADATA = "residency"
"""Under this name a file of ours says what its network expects, as JSON."""
_MOST_CHANNELS = 1024  # of a file's images; cameras have up to a few hundred
_DIGITS = 10
"""The inverse of a deviation, inverted again, has its first 10 digits for certain."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """What a network must share with the one its weights were trained in."""

    preprocessing: Preprocessing | None = None
    """Of the images; `None` where it is not known."""
    bn_epsilon: float | None = None
    """Of every batch normalisation; `None` where not known, or not all alike."""
    leaky_slope: float | None = None
    """Below zero, of every leaky relu; `None` where not known, or there is none."""
    strided_1x1: bool | None = None
    """Whether the first 1x1 convolution of a bottleneck block has the stride, and not
    the 3x3; `None` where there are no such blocks."""


def traits_of(model: keras.Model) -> Traits:
    """Returns what a model of the catalog, or one like it, was built with."""
    epsilons = {layer.epsilon for layer in _of(model, keras.layers.BatchNormalization)}
    slopes = {layer.negative_slope for layer in _of(model, keras.layers.LeakyReLU)}
    return Traits(
        preprocessing=_preprocessing_of(model),
        bn_epsilon=epsilons.pop() if len(epsilons) == 1 else None,
        leaky_slope=slopes.pop() if len(slopes) == 1 else None,
        strided_1x1=_strided_1x1(model),
    )


def set_traits(model: keras.Model, traits: Traits) -> None:
    """Gives the model's layers the epsilon and the slope of the weights."""
    if traits.bn_epsilon is not None:
        for layer in _of(model, keras.layers.BatchNormalization):
            layer.epsilon = traits.bn_epsilon
    if traits.leaky_slope is not None:
        for layer in _of(model, keras.layers.LeakyReLU):
            layer.negative_slope = traits.leaky_slope


def same_pixels(one: Preprocessing, other: Preprocessing) -> bool:
    """Tells whether two do the same to a colour, whatever their names."""
    return one.channel_order == other.channel_order and all(
        np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-6, atol=1e-6)
        for a, b in ((one.mean, other.mean), (one.std, other.std))
    )


def to_json(traits: Traits, class_names: Sequence[str] = ()) -> dict[str, Any]:
    """Returns plain JSON values; what is not known is left out."""
    pixels = traits.preprocessing
    said = {
        "class_names": list(class_names) or None,
        "preprocessing": pixels and _preprocessing_to_json(pixels),
        "bn_epsilon": traits.bn_epsilon,
        "leaky_slope": traits.leaky_slope,
        "strided_1x1": traits.strided_1x1,
    }
    return {name: value for name, value in said.items() if value is not None}


def from_json(said: Mapping[str, Any]) -> Traits:
    """Returns what `to_json` wrote.

    Raises:
        ConfigError: It makes no sense.
    """
    try:
        pixels, strided = said.get("preprocessing"), said.get("strided_1x1")
        _require_names(said.get("class_names"))
        return Traits(
            preprocessing=pixels and _preprocessing_from_json(pixels),
            bn_epsilon=_not_negative(said, "bn_epsilon"),
            leaky_slope=_not_negative(said, "leaky_slope"),
            strided_1x1=None if strided is None else bool(strided),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"weights: what the file says of its network makes no sense ({error}). It "
            "was not written by this version, or is damaged."
        ) from error


def _require_names(names: Any) -> None:
    if names is None:
        return
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise ValueError(f"class_names is {str(names)[:40]}, expected a list of texts")


def _not_negative(said: Mapping[str, Any], name: str) -> float | None:
    value = said.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"{name} is {value!r}, expected a number, 0 or more")
    return float(value)


def _of(model: keras.Model, kind: type) -> Iterator[Any]:
    return (layer for layer in model.layers if isinstance(layer, kind))


def _strided_1x1(model: keras.Model) -> bool | None:
    """Reads the block in which each kind of network first halves a map."""
    layers = {layer.name: layer for layer in model.layers}
    for names in (
        ("conv3_block1_1_conv", "conv3_block1_2_conv", "conv3_block1_3_conv"),
        ("res3a_branch2a", "res3a_branch2b", "res3a_branch2c"),
    ):
        if all(name in layers for name in names):
            first, second, _ = (layers[name].strides[0] for name in names)
            return None if first == second else first > second
    return None


def _preprocessing_of(model: keras.Model) -> Preprocessing | None:
    layers: list[Any] = [x for x in model.layers if x.name == "preprocessing"]
    if not layers or np.size(layers[0].scale) < 3:
        return None
    scale, offset = np.asarray(layers[0].scale), np.asarray(layers[0].offset)
    if scale.ndim == 3:  # channels first
        scale, offset = np.ravel(scale), offset.transpose(1, 2, 0)
    names = {layer.name for layer in model.layers}
    found = Preprocessing(
        name="own",
        mean=_rounded((-offset / scale).squeeze()[..., :3]),
        std=_rounded(1 / scale[:3]),
        channel_order="bgr" if _flips(model) else "rgb",
        channels=1 if "grey_as_rgb" in names else scale.size,
    )
    for known in PREPROCESSINGS.values():
        if same_pixels(known, found):
            return replace(known, channels=found.channels)
    return found


def _flips(model: keras.Model) -> bool:
    return any(type(operation).__name__ == "Flip" for operation in model.operations)


def _preprocessing_to_json(pixels: Preprocessing) -> dict[str, Any]:
    return {
        "name": pixels.name,
        "mean": np.asarray(pixels.mean).tolist(),
        "std": list(pixels.std),
        "channel_order": pixels.channel_order,
        "channels": pixels.channels,
    }


def _preprocessing_from_json(said: Mapping[str, Any]) -> Preprocessing:
    mean, std = (np.asarray(said[name], dtype="float64") for name in ("mean", "std"))
    if not (np.isfinite(mean).all() and np.isfinite(std).all()):
        raise ValueError("its mean or deviation is no number")
    if said["channels"] > _MOST_CHANNELS:
        raise ValueError(f"{said['channels']:,} channels, above {_MOST_CHANNELS:,}")
    return Preprocessing(
        name=str(said["name"]),
        mean=_rounded(mean),
        std=_rounded(std),
        channel_order=said["channel_order"],
        channels=said["channels"],
    )


def _rounded(values: np.ndarray) -> tuple[Any, ...]:
    if values.ndim > 1:
        return tuple(_rounded(row) for row in values)
    return tuple(float(f"{value:.{_DIGITS}g}") for value in values)
