"""After the last step: the best model measured, figures drawn, the report written."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from residency.data import Batch, Dataset, Part, in_order
from residency.engine.evaluation import evaluate, predictions, probabilities
from residency.engine.losses import Teacher
from residency.engine.network import Network
from residency.files import replacing, write_json
from residency.models import load_model
from residency.records import EpochRecord, Evaluation, evaluation_to_json
from residency.report import (
    confusion_matrix,
    curves,
    image_grid,
    prediction_grid,
    write_report,
)

import keras  # isort: skip  after residency.models, which chooses the backend

SHOWN = 16  # images in a grid


def finish(
    folder: Path,
    dataset: Dataset,
    history: Sequence[EpochRecord],
    teacher: Teacher | None = None,
) -> tuple[keras.Model, tuple[Evaluation, ...]]:
    """Returns the best model and its evaluation on the held-out parts.

    Writes `best.keras` where no epoch was chosen, `evaluation.json`, `figures/` and
    `report.html`.
    """
    best = folder / "best.keras"
    if not best.exists():
        with replacing(best) as temporary:
            shutil.copyfile(folder / "last.keras", temporary)
    model, _ = load_model(best)
    network = Network(model)
    parts = [part for part in (dataset.validation, dataset.test) if part is not None]
    evaluations = tuple(
        evaluate(
            network,
            dataset,
            part,
            used_for_choosing=part is dataset.validation,
            teacher=teacher,
        )
        for part in parts
    )
    write_json(folder / "evaluation.json", [evaluation_to_json(e) for e in evaluations])
    figures = folder / "figures"
    if history:
        curves(history, figures / "curves.svg")
    for part, evaluation in zip(parts, evaluations, strict=True):
        confusion_matrix(evaluation, figures / f"confusion_{part.name}.svg")
    draw_samples(dataset, figures / "samples.png")
    if parts:
        draw_predictions(network, dataset, parts[-1], figures / "predictions.png")
        draw_mistakes(dataset, parts[-1], evaluations[-1], figures / "mistakes.png")
    write_report(folder)
    return model, evaluations


def draw_samples(dataset: Dataset, path: Path) -> None:
    """Draws training images as the model sees them, before augmentation."""
    batch = _some(dataset, dataset.train)
    titles = [dataset.class_names[label] for label in batch.labels]
    image_grid(batch.images, titles, path)


def draw_predictions(
    network: Network, dataset: Dataset, part: Part, path: Path
) -> None:
    """Draws some images of `part` with what the model says, wrong ones in red."""
    some = part.sample(SHOWN, seed=0)
    batch = _some(dataset, part)
    found = predictions(
        [some.index.names[row] for row in batch.rows],
        probabilities(network, batch.images),
        dataset.class_names,
        [dataset.class_names[label] for label in batch.labels],
    )
    prediction_grid(found, batch.images, path)


def draw_mistakes(
    dataset: Dataset, part: Part, evaluation: Evaluation, path: Path
) -> None:
    """Draws the most confident mistakes; nothing if there is none."""
    row = {name: i for i, name in enumerate(part.index.names)}
    wrong = evaluation.wrong[:SHOWN]
    if wrong:
        rows = np.array([row[prediction.name] for prediction in wrong])
        prediction_grid(wrong, _first(dataset, part.select(rows)).images, path)


def _some(dataset: Dataset, part: Part) -> Batch:
    return _first(dataset, part.sample(SHOWN, seed=0))


def _first(dataset: Dataset, part: Part) -> Batch:
    return next(in_order(part, dataset.image_size, SHOWN))
