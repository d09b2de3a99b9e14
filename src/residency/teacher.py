"""The teacher of a distillation: opened, and compared with the data it is to teach."""

from pathlib import Path

from residency.data import Dataset
from residency.data.index import shortened
from residency.engine.losses import Teacher
from residency.engine.network import Network
from residency.errors import ConfigError
from residency.models import load_model
from residency.training import CrossEntropy, Distillation


def open_teacher(loss: CrossEntropy | Distillation, dataset: Dataset) -> Teacher | None:
    """Returns the teacher that a loss names; `None` for a loss without one.

    Raises:
        ExportError: There is no such model.
        ConfigError: It does not know the classes of the data by name, or takes images
            of another size.
    """
    if not isinstance(loss, Distillation):
        return None
    path = Path(loss.teacher)
    model, contract = load_model(path / "best.keras" if path.is_dir() else path)
    names = contract.class_names if contract else ()
    if set(names) != set(dataset.class_names):
        raise ConfigError(
            f"loss.teacher: {path} knows {shortened(names) or 'no class names'}, "
            f"{dataset.source} has {shortened(dataset.class_names)}. Take a teacher of "
            "the same classes."
        )
    size = model.input_shape[1]
    if size not in (None, dataset.image_size):
        raise ConfigError(
            f"loss.teacher: {path} takes images of {size} pixels, the data set gives "
            f"{dataset.image_size}. Train with --set data.image_size={size}."
        )
    columns = [names.index(name) for name in dataset.class_names]
    return Teacher(Network(model), columns)
