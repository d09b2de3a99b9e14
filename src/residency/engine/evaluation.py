"""Measuring a network on a part: fixed order, no augmentation, inference mode."""

import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from residency.data import Batch, Dataset, Part, in_order
from residency.data.index import shortened
from residency.engine.losses import Teacher
from residency.engine.network import Network
from residency.errors import DataError
from residency.records import Evaluation, Prediction, Proportion, TaughtBy
from residency.training.metrics import class_scores, confusion_matrix, top_k

logger = logging.getLogger(__name__)

BATCH_SIZE = 256
MOST_WRONG = 200


@dataclass(frozen=True, slots=True)
class Measurement:
    """Accuracy and mean cross-entropy on one part."""

    accuracy: Proportion
    loss: float


def measure(network: Network | Teacher, dataset: Dataset, part: Part) -> Measurement:
    """Returns accuracy and loss of `network` on `part` of `dataset`."""
    return measured(outputs(network, dataset, part), dataset, part)


def measured(
    found: Iterable[tuple[Batch, torch.Tensor]], dataset: Dataset, part: Part
) -> Measurement:
    """Returns accuracy and loss on `part`, of its batches with their logits."""
    total = 0
    losses, rights = [], []  # on the device: no batch waits for the one before
    for batch, logits in found:
        labels = torch.from_numpy(batch.labels).to(logits.device, non_blocking=True)
        losses.append(cross_entropy(logits, labels, reduction="sum"))
        right = (logits.argmax(dim=1) == labels) & logits.isfinite().all(dim=1)
        rights.append(right.sum())
        total += len(labels)
    if total == 0:
        raise _unreadable(dataset, part)
    loss = float(torch.stack(losses).cpu().double().sum())
    correct = int(torch.stack(rights).sum())
    return Measurement(Proportion(correct, total), loss / total)


def evaluate(
    network: Network,
    dataset: Dataset,
    part: Part,
    *,
    used_for_choosing: bool,
    teacher: Teacher | None = None,
) -> Evaluation:
    """Returns all figures of `network` on `part`.

    Args:
        network: A trained model.
        dataset: Gives class names, size and resize mode.
        part: One of its parts.
        used_for_choosing: The part was used for choosing the epoch or a setting.
        teacher: Measured beside it, if it had one.
    """
    class_names = dataset.class_names
    found = [
        (batch.labels, batch.rows, logits.cpu())  # and not the images: they are many
        for batch, logits in outputs(network, dataset, part)
    ]
    if not found:
        raise _unreadable(dataset, part)
    labels, rows = (np.concatenate([row[k] for row in found]) for k in (0, 1))
    logits = torch.cat([row[2] for row in found])
    loss = float(cross_entropy(logits.double(), torch.from_numpy(labels)))
    probabilities = _softmax(logits)
    predicted = _answers(probabilities)
    count = len(class_names)  # also the number of the column of no answer
    counts = confusion_matrix(labels, predicted, count + 1)
    confusion = counts[:-1, :-1]
    names = [part.index.names[row] for row in rows]
    _report_unread(dataset, part, names)
    warn_of_unanswered(int((predicted == count).sum()), len(labels))
    return Evaluation(
        part=part.name,
        used_for_choosing=used_for_choosing,
        accuracy=top_k(probabilities, labels, 1),
        top5=top_k(probabilities, labels, 5) if len(class_names) > 5 else None,
        loss=loss,
        classes=class_scores(counts, (*class_names, ""))[:-1],
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
        wrong=_wrong(names, labels, predicted, probabilities, class_names),
        teacher=teacher and _beside(teacher, dataset, part, predicted, labels),
    )


def _beside(
    teacher: Teacher,
    dataset: Dataset,
    part: Part,
    predicted: np.ndarray,
    labels: np.ndarray,
) -> TaughtBy:
    """Returns how well the teacher knows `part`, and how often its pupil agrees."""
    said = np.concatenate(
        [_answers(_softmax(logits)) for _, logits in outputs(teacher, dataset, part)]
    )
    agreed = int(((said == predicted) & (said < dataset.num_classes)).sum())
    return TaughtBy(
        accuracy=Proportion(int((said == labels).sum()), len(labels)),
        agreement=Proportion(agreed, len(labels)),
    )


def predictions(
    names: list[str],
    probabilities: np.ndarray,
    class_names: tuple[str, ...],
    truth: list[str | None] | None = None,
) -> list[Prediction]:
    """Returns one `Prediction` a row of `probabilities` `(images, classes)`.

    A row of NaN gives no class.
    """
    found = []
    for row, name in enumerate(names):
        order = np.argsort(-probabilities[row], kind="stable")[:5]
        top = tuple((class_names[k], float(probabilities[row, k])) for k in order)
        true = truth[row] if truth else None
        if math.isnan(probabilities[row, 0]):
            top = (("", math.nan),)
        found.append(Prediction(name, top[0][0], top[0][1], top, true))
    return found


def probabilities(network: Network, images: np.ndarray) -> np.ndarray:
    """Returns float32 probabilities `(images, classes)` of uint8 `images`."""
    found = []
    with torch.inference_mode():
        for start in range(0, len(images), BATCH_SIZE):
            logits = network.logits(images[start : start + BATCH_SIZE], training=False)
            found.append(_softmax(logits))
    return np.concatenate(found)


def warn_of_unanswered(count: int, total: int) -> None:
    """Warns of images that count as wrong, as the model gave no numbers for them."""
    if count:
        logger.warning(
            "the model gives no numbers for %d of %d images: its training diverged, "
            "or its file is damaged",
            count,
            total,
        )


def _softmax(logits: torch.Tensor) -> np.ndarray:
    """Returns probabilities; NaN throughout in a row with a logit that is not finite.

    So such a row is nowhere right, as in `measured`.
    """
    finite = logits.isfinite().all(dim=1, keepdim=True)
    return logits.softmax(dim=1).where(finite, math.nan).cpu().numpy()


def _answers(probabilities: np.ndarray) -> np.ndarray:
    """Returns the class of each row; the number of classes where it is NaN."""
    answered = np.isfinite(probabilities[:, 0])
    return np.where(answered, probabilities.argmax(axis=1), probabilities.shape[1])


def outputs(
    network: Network | Teacher, dataset: Dataset, part: Part
) -> Iterator[tuple[Batch, torch.Tensor]]:
    """Yields the batches of `part` in order, each with its logits."""
    batches = in_order(part, dataset.image_size, BATCH_SIZE)
    with torch.inference_mode():
        for batch in batches:
            if len(batch):
                yield batch, network.logits(batch.images, training=False)


def _report_unread(dataset: Dataset, part: Part, measured: Sequence[str]) -> None:
    """Warns of the images that no figure counts, as they were decoded only now."""
    unread = sorted(set(part.index.names).difference(measured))
    if unread:
        logger.warning(
            "%s: %d of the %d images of the %s part cannot be read and are not "
            "measured (%s)",
            dataset.source,
            len(unread),
            len(part),
            part.name,
            shortened(unread, 3),
        )


def _unreadable(dataset: Dataset, part: Part) -> DataError:
    return DataError(
        f"{dataset.source}: none of the {len(part)} images of the {part.name} part can "
        "be read. Look at them with `residency data inspect`."
    )


def _wrong(
    names: list[str],
    labels: np.ndarray,
    predicted: np.ndarray,
    probabilities: np.ndarray,
    class_names: tuple[str, ...],
) -> tuple[Prediction, ...]:
    """Returns the misclassified images, the most confident mistakes first."""
    wrong = np.flatnonzero(predicted != labels)
    confidence = probabilities[wrong].max(axis=1)
    wrong = wrong[np.argsort(-confidence, kind="stable")][:MOST_WRONG]
    return tuple(
        predictions(
            [names[row] for row in wrong],
            probabilities[wrong],
            class_names,
            [class_names[labels[row]] for row in wrong],
        )
    )
