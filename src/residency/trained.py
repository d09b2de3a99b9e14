"""A trained model, whatever the user points at: a run, a file, a Keras model."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from residency.data import Data
from residency.errors import ExportError
from residency.models import Contract, load_model
from residency.run_folder import is_run_folder
from residency.session import Run

import keras  # isort: skip  after residency.models, which chooses the backend

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trained:
    """A model with what its file says, and the run it came from, if any."""

    model: keras.Model
    contract: Contract
    run: Path | None
    named: bool = True
    """The class names and the resize mode are the model's own, not stand-ins."""


def open_trained(run_or_model: Any) -> Trained:
    """Returns the model of a run, a run folder, a `.keras` file or a Keras model.

    A run gives its best model. A file without class names gives their numbers. What
    this function returned is returned again.

    Raises:
        ExportError: There is no such file, or it is no classifier of images.
    """
    if isinstance(run_or_model, Trained):
        return run_or_model
    if isinstance(run_or_model, Run):
        run_or_model = run_or_model.folder
    if isinstance(run_or_model, keras.Model):
        _require_classifier(run_or_model, None, f"model {run_or_model.name!r}")
        return Trained(run_or_model, _bare_contract(run_or_model), None, named=False)
    path = Path(run_or_model)
    run = next((p for p in (path, path.parent) if is_run_folder(p)), None)
    if path == run:
        path = path / "best.keras"
        if not path.exists():
            path = path.with_name("last.keras")
    model, contract = load_model(path)
    _require_classifier(model, contract, str(path))
    if contract is not None:
        return Trained(model, contract, run)
    contract = _bare_contract(model)
    logger.warning(
        "%s holds no class names; predictions are class numbers, images are resized "
        "to %d pixels",
        path,
        contract.image_size,
    )
    return Trained(model, contract, run, named=False)


def _require_classifier(
    model: keras.Model, contract: Contract | None, where: str
) -> None:
    inputs, outputs = (
        [tuple(tensor.shape) for tensor in getattr(model, side, None) or ()]
        for side in ("inputs", "outputs")
    )
    if [len(shape) for shape in inputs] != [4] or [len(s) for s in outputs] != [2]:
        raise ExportError(
            f"{where}: expected a classifier of images, with one input (batch, height, "
            "width, channels) and one output (batch, classes), got the inputs "
            f"{_words(inputs)} and the outputs {_words(outputs)}. Save the part that "
            "is one, or use the model in Keras."
        )
    classes = 2 if outputs[0][1] == 1 else outputs[0][1]
    if contract is not None and len(contract.class_names) != classes:
        raise ExportError(
            f"{where}: expected {classes} class names, one for each output, got "
            f"{len(contract.class_names)} in its residency.json. Save it again."
        )


def _words(shapes: Sequence[tuple[int | None, ...]]) -> str:
    return ", ".join(map(str, shapes)) or "none"


def _bare_contract(model: keras.Model) -> Contract:
    size = model.input_shape[2] or 224  # of squares, channels first or last
    outputs = model.output_shape[-1]
    numbers = tuple(str(n) for n in range(2 if outputs == 1 else outputs))
    return Contract(class_names=numbers, image_size=size, resize=Data().resize)
