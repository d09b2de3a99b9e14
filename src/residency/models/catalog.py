"""Networks by name: found, built, or named by a recipe. Read without Keras."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from residency.config import require, require_one_of
from residency.errors import ConfigError, did_you_mean
from residency.models.entries import ENTRIES, Entry
from residency.models.head import Head
from residency.models.preprocessing import (
    PREPROCESSINGS,
    Preprocessing,
    Statistics,
    for_channels,
    normalization,
)

if TYPE_CHECKING:
    import keras

    from residency.models.weights import LoadReport, WeightFile

MEASURED = ("dataset", "mean_image")
"""Preprocessings that come from the training images."""

CATALOG: Mapping[str, Entry] = {entry.name: entry for entry in ENTRIES}


def list_models() -> tuple[Entry, ...]:
    """Returns every network of the catalog; builds none and loads no Keras.

    Example:

    >>> list_models()[0].name, list_models()[0].parameters
    ('cifar_resnet20', 271098)
    """
    return ENTRIES


def build(
    name: str,
    *,
    num_classes: int,
    image_size: int | None = None,
    weights: "str | Path | WeightFile | None" = None,
    preprocessing: str | Preprocessing | None = None,
    data_format: str | None = None,
    channels: int | None = None,
    class_names: Sequence[str] = (),
    on_load: "Callable[[LoadReport], object] | None" = None,
    **options: Any,
) -> "keras.Model":
    """Builds a network of the catalog.

    Args:
        name: Such as `"cifar_resnet20"` or `"resnet50"`; see `list_models`.
        num_classes: At least 2.
        image_size: Side in pixels; `None` for the network's own default.
        weights: `None`; `"imagenet"` for the published ones, which are downloaded
            once; or a file of Keras (`.keras`, `.weights.h5`, `.h5`), PyTorch (`.pth`)
            or safetensors, also as `read_weights` returned it. A head for other
            classes stays new; see `load_weights`.
        preprocessing: `"torch"`, `"caffe"`, `"tf"`, `"lite"`, `"none"`, a
            `Preprocessing`, or `None` for what the weights were trained on, else the
            network's own default.
        data_format: `"channels_last"` or `"channels_first"`; `None` for Keras'
            setting, `keras.config.image_data_format()`, which the builders in
            `residency.models` follow, too. Residency's data are channels last.
        channels: Of the images. 1, grey, gives what the same image gives as RGB; for
            more than 3, a file's first kernel is repeated and scaled. `None`: 3, or
            what a file of ours was saved for. Else `preprocessing` is `"torch"`
            where neither it nor weights are given. Residency's data have 3.
        class_names: Of the outputs, in order, for comparison with those that a file of
            ours names; empty: only their number is compared.
        on_load: Called with what became of each layer, once `weights` are loaded.
        **options: Arguments of the network's builder, such as `shortcut="B"`.

    Returns:
        A model from `(batch, image_size, image_size, 3)`, or with the channels first
        from `(batch, 3, image_size, image_size)`, RGB in 0..255, to probabilities,
        `(batch, num_classes)`.

    Raises:
        ConfigError: An unknown name or option, a value the builder refuses, or
            weights of another network.

    Example:

    >>> build("cifar_resnet20", num_classes=3, image_size=16).output_shape
    (None, 3)
    """
    entry = find(name)
    check_options(entry, options)
    file = None
    if weights is not None:
        from residency.models.weights import open_weights, settings  # late: Keras

        file = open_weights(weights, name)
        preprocessing, options = settings(file, entry, preprocessing, options)
    if channels is not None:
        preprocessing = for_channels(preprocessing, channels)
    from residency.models.layout import built_with  # late: imports Keras

    module, function = entry.builder.split(":")
    builder = getattr(importlib.import_module(f"residency.models.{module}"), function)
    with built_with(data_format):
        model = builder(
            **entry.fixed,
            **{"name": name, **options},
            num_classes=num_classes,
            image_size=image_size or entry.image_size,
            preprocessing=preprocessing,
        )
    if file is not None:
        from residency.models.weights import load_weights

        report = load_weights(model, file, class_names=class_names)
        if on_load is not None:
            on_load(report)
    return model


def find(name: str) -> Entry:
    """Returns the entry called `name`; raises `ConfigError` with the closest one."""
    if name not in CATALOG:
        raise ConfigError(
            f"No model {name!r} in the catalog.{did_you_mean(name, CATALOG)} "
            "`residency list models` shows all."
        )
    return CATALOG[name]


def check_options(entry: Entry, options: Mapping[str, Any]) -> None:
    """Raises `ConfigError` for the first option that the builder does not take."""
    for option in options:
        if option not in entry.options:
            raise ConfigError(
                f"Model {entry.name!r} has no option {option!r}."
                f"{did_you_mean(option, entry.options)} "
                f"Options: {', '.join(entry.options)}."
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnModel:
    """A network that the caller gave, in place of one of the catalog."""

    name: str
    """The Keras model's name."""
    pixels: str = "the model's own"


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """The network of a recipe."""

    name: str
    """A name of the catalog."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of its builder, such as `{"shortcut": "B"}`."""
    weights: str | None = None
    """Trained weights to start from: what `residency.models.build` takes, a path or a
    name; `None` starts from random ones. A head for other classes is new."""
    head: Head | None = None
    """A new head in place of the network's own; `None` keeps that."""
    preprocessing: str = "auto"
    """`"auto"`: what `weights` were trained on, `"dataset"` where there are none;
    `"dataset"`: mean and deviation of the training images, per channel;
    `"mean_image"`: their mean per pixel subtracted (He et al., 2015); or the constants
    `"torch"`, `"caffe"`, `"tf"`, `"lite"`, `"none"`."""

    def __post_init__(self) -> None:
        require_one_of(self, "preprocessing", ("auto", *MEASURED, *PREPROCESSINGS))
        check_options(find(self.name), self.options)

    @property
    def pixels(self) -> str:
        """What the pixels go through, in one or a few words."""
        if self.preprocessing != "auto":
            return self.preprocessing
        return "dataset" if self.weights is None else "the weights' own"

    def build(
        self,
        *,
        num_classes: int,
        image_size: int,
        statistics: Statistics | None,
        file: "WeightFile | None" = None,
        class_names: Sequence[str] = (),
        on_load: "Callable[[LoadReport], object] | None" = None,
    ) -> "keras.Model":
        """Builds the network for a data set.

        Args:
            num_classes: At least 2.
            image_size: Side in pixels.
            statistics: What was measured over the training images, for the
                preprocessings in `MEASURED`; else `None` will do.
            file: `weights`, where they were read before.
            class_names: As for `residency.models.build`.
            on_load: As for `residency.models.build`.

        Raises:
            ConfigError: As `residency.models.build`; or what the preprocessing needs
                was not measured.
        """
        model = build(
            self.name,
            num_classes=num_classes,
            image_size=image_size,
            weights=file or self.weights,
            preprocessing=self._preprocessing(statistics),
            class_names=class_names,
            on_load=on_load,
            **self.options,
        )
        return model if self.head is None else self.head.on(model, num_classes)

    def _preprocessing(
        self, statistics: Statistics | None
    ) -> str | Preprocessing | None:
        if self.pixels not in MEASURED:
            return None if self.preprocessing == "auto" else self.preprocessing
        if self.pixels == "dataset" and statistics is not None:
            return normalization(statistics.mean, statistics.std)
        mean_image = None if statistics is None else statistics.mean_image
        measured = mean_image is not None
        require(self, "preprocessing", measured, "measured statistics or a constant")
        return normalization(mean_image)
