"""The network as a recipe names it. Read without Keras."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from residency.config import require, require_one_of
from residency.models.building import build
from residency.models.catalog import check_options, find
from residency.models.head import Head
from residency.models.preprocessing import (
    PREPROCESSINGS,
    Preprocessing,
    Statistics,
    normalization,
)

if TYPE_CHECKING:
    import keras

    from residency.models.weights import LoadReport, WeightFile

MEASURED = ("dataset", "mean_image")
"""Preprocessings that come from the training images."""


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
