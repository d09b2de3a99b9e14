"""The teacher of a distillation: opened, compared with the data, kept for a resume."""

import logging
import shutil
from pathlib import Path

from residency.data import Dataset
from residency.data.index import shortened
from residency.engine.losses import Teacher
from residency.engine.network import Network
from residency.errors import ConfigError
from residency.files import replacing
from residency.models import Contract, load_model
from residency.training import CrossEntropy, Distillation

import keras  # isort: skip  after residency.models, which chooses the backend

logger = logging.getLogger(__name__)

TEACHER = "checkpoints/teacher.keras"
"""In the run folder: as it was when the training began, for a resume."""


def open_teacher(
    loss: CrossEntropy | Distillation, dataset: Dataset, run: Path | None = None
) -> Teacher | None:
    """Returns the teacher that a loss names; `None` for a loss without one.

    Args:
        loss: Of the recipe.
        dataset: What it is to teach.
        run: A run folder that keeps the teacher; `None`: where the user has it.

    Raises:
        ExportError: The file is no model.
        ConfigError: There is no such file, it has other classes, or it takes images of
            another size. That it was trained on images framed in another way, or does
            not know the classes by name, is a warning.
    """
    if not isinstance(loss, Distillation):
        return None
    path = run / TEACHER if run else _file_of(loss)
    model, contract = load_model(path)
    _require_images(path, model, dataset)
    network = Network(model)
    columns = _columns(path, network, contract, dataset)
    if run is None:
        _warn(path, contract, dataset)
    return Teacher(network, columns)


def teacher_file(loss: CrossEntropy | Distillation) -> Path | None:
    """Returns the file of a loss's teacher, without links: `latest` leads on."""
    return _file_of(loss) if isinstance(loss, Distillation) else None


def keep_teacher(file: Path | None, run: Path) -> None:
    """Copies the teacher into a run folder: the user's file may change meanwhile."""
    if file is not None:
        with replacing(run / TEACHER) as temporary:
            shutil.copyfile(file, temporary)


def _file_of(loss: Distillation) -> Path:
    path = Path(loss.teacher).resolve()
    file = path / "best.keras" if path.is_dir() else path
    if not file.is_file():
        raise ConfigError(
            "loss.teacher: expected a run folder with a best.keras in it, or a .keras "
            f"file, got {loss.teacher}. Pass --set loss.teacher=RUN."
        )
    return file


def _require_images(path: Path, model: keras.Model, dataset: Dataset) -> None:
    side = dataset.image_size
    takes, given = tuple(model.input_shape[1:]), (side, side, 3)
    fits = [a in (None, b) for a, b in zip(takes, given, strict=False)]
    if len(takes) != 3 or not all(fits):
        raise ConfigError(
            f"loss.teacher: {path} takes images of {takes}, the data set gives "
            f"{given}. Train with --set data.image_size={takes[0]}, or take another "
            "teacher."
        )


def _columns(
    path: Path, network: Network, contract: Contract | None, dataset: Dataset
) -> list[int]:
    """Returns the teacher's class numbers in the order of the data set's classes."""
    names = contract.class_names if contract else ()
    if not names and network.num_classes == dataset.num_classes:
        return list(range(dataset.num_classes))
    if set(names) != set(dataset.class_names):
        known = shortened(names) or f"{network.num_classes} classes without names"
        raise ConfigError(
            f"loss.teacher: {path} knows {known}, {dataset.source} has "
            f"{shortened(dataset.class_names)}. Take a teacher of the same classes."
        )
    return [names.index(name) for name in dataset.class_names]


def _warn(path: Path, contract: Contract | None, dataset: Dataset) -> None:
    """Says what may make the teacher worse than it was."""
    if contract is None:
        logger.warning(
            "loss.teacher: %s holds no class names and no word of its preprocessing: "
            "its outputs are taken for %s, its input for pixels of 0 to 255",
            path,
            shortened(dataset.class_names),
        )
        return
    for field in ("image_size", "resize"):
        was, now = getattr(contract, field), getattr(dataset, field)
        if was != now:
            logger.warning(
                "loss.teacher: %s was trained on images of %s %s, these have %s; it "
                "may know them less well (--set data.%s=%s)",
                path,
                field,
                was,
                now,
                field,
                was,
            )
