"""`Finetune` on a network: what trains in which epochs, and how fast."""

import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras

from residency.errors import ConfigError, did_you_mean
from residency.models.stages import all_layers, stages
from residency.training.freezing import BODY, HEAD, Finetune


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a network in one phase of a training."""

    name: str
    layers: tuple[Any, ...]
    trained: tuple[Any, ...]
    """Those of `layers` that train."""
    rate: float
    """Share of the learning rate."""

    @property
    def variables(self) -> list[Any]:
        """What an optimizer moves, once the phase was applied."""
        return [v for layer in self.trained for v in layer.trainable_variables]

    @property
    def whole(self) -> bool:
        """All that has weights trains, batch normalization left out of account."""
        counted = [x for x in self.layers if x.weights and not is_batch_norm(x)]
        return all(layer in self.trained for layer in counted)

    @property
    def batch_norm(self) -> tuple[int, int]:
        """Layers of batch normalization that train, and that stay as they are."""
        trains = [x in self.trained for x in self.layers if is_batch_norm(x)]
        return trains.count(True), trains.count(False)

    @property
    def parameters(self) -> int:
        """Numbers in `variables`."""
        return sum(math.prod(v.shape) for v in self.variables)


@dataclass(frozen=True, slots=True)
class Phase:
    """Epochs in which the same layers train."""

    start: int
    """The first of these epochs, counted from 0."""
    stages: tuple[Stage, ...]
    """From the head to the first stage, so that a later phase adds at the end; `()`:
    what trains is left as it is."""

    @property
    def head_only(self) -> bool:
        """Nothing but the head trains, in front of it all is in inference mode."""
        return bool(self.stages) and all(
            stage.name == HEAD for stage in self.stages if stage.trained
        )

    @property
    def rates(self) -> list[tuple[float, list[str]]]:
        """Shares of the learning rate with the paths of what trains at each."""
        return [(s.rate, [v.path for v in s.variables]) for s in self.stages]

    def apply(self) -> None:
        """Sets `trainable` of every layer."""
        for stage in self.stages:
            for layer in stage.layers:
                layer.trainable = layer in stage.trained

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Sets `trainable` of every layer, and puts it back."""
        whole = [layer for stage in self.stages for layer in stage.layers]
        layers = [inner for layer in whole for inner in layer._flatten_layers()]
        before = [layer.trainable for layer in layers]  # a layer sets those inside it
        self.apply()
        try:
            yield
        finally:
            for layer, trainable in zip(layers, before, strict=True):
                layer.trainable = trainable


def phases_of(model: keras.Model, finetune: Finetune | None) -> tuple[Phase, ...]:
    """Returns the phases of a training, one or two.

    Layers that the caller froze stay frozen. Without a `finetune` there is one phase.

    Raises:
        ConfigError: `freeze` or `train_last` asks for what the model has not, or
            nothing is left to train.
    """
    if finetune is None:
        return (Phase(0, ()),)
    by_name = stages(model)
    frozen = _frozen(model, finetune)
    everything = list(all_layers(model))
    free = [layer for layer in everything if layer.trainable and layer not in frozen]
    if finetune.batch_norm == "train":
        free += [layer for layer in frozen if is_batch_norm(layer)]
    if finetune.batch_norm == "frozen":
        head = by_name[HEAD]
        free = [x for x in free if x in head or not is_batch_norm(x)]
    last = Phase(finetune.head_epochs, _stages(by_name, free, finetune.stage_rate))
    if not any(layer.weights for layer in free):
        raise ConfigError(
            f"finetune.freeze: {', '.join(finetune.freeze)} leaves nothing of "
            f"{model.name!r} to train. Freeze less."
        )
    if not finetune.head_epochs or last.head_only:
        return (Phase(0, last.stages),)
    alone = [layer for layer in by_name[HEAD] if layer in free]
    return Phase(0, _stages(by_name, alone, finetune.stage_rate)), last


def _stages(by_name: Any, free: Sequence[Any], rate: float) -> tuple[Stage, ...]:
    return tuple(
        Stage(name, layers, tuple(x for x in layers if x in free), rate**place)
        for place, (name, layers) in enumerate(reversed(by_name.items()))
    )


def _frozen(model: keras.Model, finetune: Finetune) -> Collection[Any]:
    """Returns the layers that `freeze` or `train_last` name."""
    by_name = stages(model)
    body = [layer for name, some in by_name.items() if name != HEAD for layer in some]
    if finetune.train_last is not None:
        ordered = [layer for layer in all_layers(model) if layer in body]
        if finetune.train_last > len(ordered):
            raise ConfigError(
                f"finetune.train_last: {model.name!r} has {len(ordered)} layers before "
                f"its head, got {finetune.train_last}. To train all: --set "
                "finetune.train_last=none --set finetune.freeze=none."
            )
        return ordered[: -finetune.train_last]
    layers = {layer.name: layer for layer in all_layers(model)}
    frozen: list[Any] = []
    for name in finetune.freeze:
        if name == BODY:
            frozen += body
        elif name in by_name:
            frozen += by_name[name]
        elif name in layers:
            frozen.append(layers[name])
        else:
            known = [BODY, *by_name]
            raise ConfigError(
                f"finetune.freeze: {model.name!r} has no stage or layer {name!r}."
                f"{did_you_mean(name, [*known, *layers])} Stages: {', '.join(known)}."
            )
    return frozen


def is_batch_norm(layer: Any) -> bool:
    """Tells whether a layer has statistics that training moves."""
    return isinstance(layer, keras.layers.BatchNormalization)
