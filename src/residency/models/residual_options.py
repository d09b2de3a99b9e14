"""What every residual network here can be told beside its own arguments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import keras
from keras import layers

from residency.config import require, require_one_of, set_paths
from residency.errors import ConfigError
from residency.models.interface import classifier

ACTIVATIONS: dict[str, Callable[[str], Any]] = {
    "relu": lambda name: layers.Activation("relu", name=name),
    "relu6": lambda name: layers.ReLU(max_value=6.0, name=name),
    "leaky_relu": lambda name: layers.LeakyReLU(negative_slope=0.1, name=name),
    "silu": lambda name: layers.Activation("silu", name=name),
    "gelu": lambda name: layers.Activation("gelu", name=name),
}
FLAT_AT_ZERO = ("relu", "relu6")
"""Their gradient at 0 is 0: no way back from a scale of 0 before them."""
HEADS = ("average", "flatten_dense")


@dataclass(frozen=True, kw_only=True, slots=True)
class ResidualOptions:
    """Options that the papers add to any residual network.

    Example:

    >>> ResidualOptions.of({"zero_gamma": True}).zero_gamma
    True
    """

    activation: str = "relu"
    """`"relu"`, `"relu6"`, `"leaky_relu"` (0.1 below zero), `"silu"` or `"gelu"`."""
    zero_gamma: bool = False
    """Each residual starts at 0, so a block starts as its shortcut: the scale of its
    last batch normalisation starts at 0 (Goyal et al., 2017, section 5.1). Before a
    relu such a scale would never move; pre-activation networks start their last
    convolution at 0 instead."""
    stochastic_depth: float = 0.0
    """Probability, in [0, 1), that training leaves out the residual of the last block,
    image by image; grows linearly from the first block on (Huang et al., 2016, who
    take 0.5 and draw once a batch). What stays is divided by its own probability, so
    inference needs no factor."""
    dropout: float = 0.0
    """Share of the classifier's inputs that a training step leaves out, in [0, 1)."""
    head: str = "average"
    """`"average"`, the mean over the map; `"flatten_dense"`, all of the map through a
    dense layer of 256 relus, for a fixed image size."""
    classifier_bias: bool = True
    """A bias in the last layer."""

    def __post_init__(self) -> None:
        require_one_of(self, "activation", ACTIVATIONS)
        require_one_of(self, "head", HEADS)
        for field in ("stochastic_depth", "dropout"):
            value = getattr(self, field)
            require(self, field, 0 <= value < 1, "a probability in [0, 1)")

    @classmethod
    def of(cls, given: Mapping[str, Any], **defaults: Any) -> Self:
        """Returns the options that a builder was given.

        Args:
            given: By field name.
            **defaults: What this network has instead of the defaults above.

        Raises:
            ConfigError: An unknown option (the closest is named), or a value of the
                wrong type or out of range.
        """
        return set_paths(cls(**defaults), given, where="options")

    @property
    def last_gamma(self) -> str:
        """Where the scale of a residual's last batch normalisation starts."""
        return "zeros" if self.zero_gamma else "ones"

    @property
    def last_kernel(self) -> str:
        """Where the last kernel of a pre-activation residual starts."""
        return "zeros" if self.zero_gamma else "he_normal"

    def activate(self, x: Any, *, name: str) -> Any:
        """Adds the activation as a layer of this name."""
        return ACTIVATIONS[self.activation](name)(x)

    def drop(self, residual: Any, depth: float, *, name: str) -> Any:
        """Adds stochastic depth to the residual at this share of all blocks."""
        rate = self.stochastic_depth * depth
        if not rate:
            return residual
        one_an_image = (None, 1, 1, 1)
        return layers.Dropout(rate, one_an_image, name=f"{name}_drop")(residual)

    def classify(self, x: Any, num_classes: int, *, name: str = "predictions") -> Any:
        """Returns probabilities, `(batch, num_classes)`, of maps or vectors.

        Args:
            x: Maps, or vectors, which the head takes as they are.
            num_classes: As for `classifier`.
            name: Of the last dense layer.

        Raises:
            ConfigError: Too few classes, or a dense layer on maps of open size.
        """
        if len(x.shape) == 4:
            x = self._vectors(x)
        if self.dropout:
            x = layers.Dropout(self.dropout, name="dropout")(x)
        return classifier(
            x,
            num_classes,
            kernel_initializer="he_normal",
            use_bias=self.classifier_bias,
            name=name,
        )

    def _vectors(self, maps: Any) -> Any:
        if self.head == "average":
            return layers.GlobalAveragePooling2D(name="avg_pool")(maps)
        if None in keras.tree.flatten(maps.shape)[1:]:
            raise ConfigError(
                "head: 'flatten_dense' has weights for every pixel of the last map, so "
                "its size is fixed. Give image_size, or take head='average'."
            )
        x = layers.Flatten(name="flatten")(maps)
        return layers.Dense(
            256, activation="relu", kernel_initializer="he_normal", name="fc256"
        )(x)
