"""A trained model, whatever the user points at: a run, a file, a Keras model."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from residency.data import Data
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
        ExportError: There is no such file, or it is no model.
    """
    if isinstance(run_or_model, Trained):
        return run_or_model
    if isinstance(run_or_model, Run):
        run_or_model = run_or_model.folder
    if isinstance(run_or_model, keras.Model):
        return Trained(run_or_model, _bare_contract(run_or_model), None, named=False)
    path = Path(run_or_model)
    run = next((p for p in (path, path.parent) if is_run_folder(p)), None)
    if path == run:
        path = path / "best.keras"
        if not path.exists():
            path = path.with_name("last.keras")
    model, contract = load_model(path)
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


def _bare_contract(model: keras.Model) -> Contract:
    size = model.input_shape[1] or 224
    outputs = model.output_shape[-1]
    numbers = tuple(str(n) for n in range(2 if outputs == 1 else outputs))
    return Contract(class_names=numbers, image_size=size, resize=Data().resize)
