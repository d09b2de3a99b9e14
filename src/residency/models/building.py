"""A network of the catalog, built. Read without Keras."""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from residency.models.catalog import check_options, find
from residency.models.preprocessing import Preprocessing, for_channels

if TYPE_CHECKING:
    import keras

    from residency.models.weights import LoadReport, WeightFile


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
