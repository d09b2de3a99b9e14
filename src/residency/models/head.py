"""What lies behind a network's last feature map, where it is not the paper's own."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from residency.config import require
from residency.errors import ConfigError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """Pooling, hidden layers, and one output a class, or one for two classes.

    Example:

    >>> from residency.models import build
    >>> net = build("resnet18", num_classes=2, image_size=64)
    >>> Head(output="sigmoid").on(net, num_classes=2).output_shape
    (None, 1)
    """

    pool: Literal["average", "flatten"] = "average"
    """The map's mean per channel, or all its numbers, which fixes the image size."""
    hidden: tuple[int, ...] = ()
    """Widths of dense layers with relu before the last one."""
    dropout: float = 0.0
    """Share of what the last layer takes that a step leaves out. In [0, 1)."""
    output: Literal["softmax", "sigmoid"] = "softmax"
    """`"sigmoid"`: of two classes, the probability of the second one alone; trained by
    binary cross-entropy."""

    def __post_init__(self) -> None:
        require(self, "hidden", all(n > 0 for n in self.hidden), "widths above 0")
        require(self, "dropout", 0 <= self.dropout < 1, "a share in [0, 1)")

    def on(self, network: "keras.Model", num_classes: int) -> "keras.Model":
        """Returns `network` with this head in place of its own; its body is shared.

        Raises:
            ConfigError: A sigmoid for more than two classes, or a network that is
                inside another one.
        """
        import keras  # late: the catalog is read without Keras

        from residency.models.stages import last_map

        if self.output == "sigmoid" and num_classes != 2:
            raise ConfigError(
                "Head.output: 'sigmoid' tells two classes apart, the data have "
                f"{num_classes}. Take 'softmax'."
            )
        x = last_map(network)
        if x is None:
            raise ConfigError(
                f"Head: {network.name!r} holds its last map in a model inside the "
                "model. Give the head to that one."
            )
        outputs = self._layers(x, num_classes)
        return keras.Model(network.input, outputs, name=network.name)

    def _layers(self, x: Any, num_classes: int) -> Any:
        from keras import layers

        if len(x.shape) == 4 and self.pool == "average":
            x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        elif len(x.shape) == 4:
            x = layers.Flatten(name="flatten")(x)
        for place, width in enumerate(self.hidden, start=1):
            x = layers.Dense(
                width,
                activation="relu",
                kernel_initializer="he_normal",
                name=f"hidden{place}",
            )(x)
        if self.dropout:
            x = layers.Dropout(self.dropout, name="head_dropout")(x)
        outputs = 1 if self.output == "sigmoid" else num_classes
        x = layers.Dense(
            outputs, kernel_initializer="glorot_uniform", name="predictions"
        )(x)
        return layers.Activation(self.output, dtype="float32", name="probabilities")(x)
