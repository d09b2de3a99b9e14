"""Plain results: what was measured, ready to be written as JSON or drawn.

No Keras, no torch and no loop here: `report/` reads these and nothing else.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share of successes, such as an accuracy, with its 95 % interval.

    Args:
        correct: Number of successes, in `[0, total]`.
        total: Number of trials, at least 1.

    Example:

    >>> accuracy = Proportion(106, 113)
    >>> str(accuracy)
    '93.81 % (95 % interval 87.8 to 97.0, n=113)'

    Reference: Wilson's score interval
    ([Wilson, 1927](https://doi.org/10.1080/01621459.1927.10502953)).
    """

    correct: int
    total: int

    @property
    def rate(self) -> float:
        """The share, in `[0, 1]`."""
        return self.correct / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval, `(low, high)` in `[0, 1]`."""
        z = 1.959963984540054  # the normal distribution's 97.5 % point
        n, p = self.total, self.rate
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return max(0.0, centre - half), min(1.0, centre + half)

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"{100 * self.rate:.2f} % (95 % interval {100 * low:.1f} to "
            f"{100 * high:.1f}, n={self.total:,})"
        )


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """What one epoch measured: one line of `metrics.jsonl`."""

    epoch: int
    """Epochs finished, from 1."""
    step: int
    """Optimizer steps finished."""
    learning_rate: float
    """The rate of the epoch's last step."""
    loss: float
    """Mean training loss over the epoch: augmented images, weights moving."""
    train_accuracy: Proportion
    """On a fixed sample of the training part, measured as validation is."""
    train_loss: float
    """On the same sample."""
    validation_accuracy: Proportion | None
    """`None` when nothing was held out."""
    validation_loss: float | None
    seconds: float
    """Since the epoch's start, evaluation included; time before a resume counts."""
    images_per_second: float
    """Of the training steps alone."""


def best_epoch(history: Sequence[EpochRecord]) -> EpochRecord | None:
    """Returns the epoch that validates best; of equal accuracies the lowest loss.

    `None` if nothing was held out: the lowest training loss is no reason to call
    an epoch the best.
    """
    measured = [record for record in history if record.validation_accuracy is not None]
    return max(measured, key=_validation_rank, default=None)


def _validation_rank(record: EpochRecord) -> tuple[float, float]:
    accuracy, loss = record.validation_accuracy, record.validation_loss
    rate = accuracy.rate if accuracy is not None else 0.0
    return (rate, -loss if loss is not None and not math.isnan(loss) else -math.inf)


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Precision, recall and F1 of one class, each in `[0, 1]`."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    """Images whose true class this is."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says about one image."""

    name: str
    """Path or name of the image."""
    label: str
    """Class of the highest probability; empty where the model gave no numbers."""
    confidence: float
    """That probability, in `[0, 1]`, or not a number."""
    top: tuple[tuple[str, float], ...]
    """Up to five `(class, probability)`, highest first."""
    truth: str | None = None
    """The true class, where known."""


@dataclass(frozen=True, slots=True)
class TaughtBy:
    """The teacher of a distilled model on the same images.

    Example:

    >>> print(TaughtBy(Proportion(130, 153), Proportion(110, 153)).agreement)
    71.90 % (95 % interval 64.3 to 78.4, n=153)
    """

    accuracy: Proportion
    """The teacher's own."""
    agreement: Proportion
    """Images that both give the same class, right or wrong."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model measured on one part of a data set."""

    part: str
    """`"train"`, `"validation"` or `"test"`."""
    used_for_choosing: bool
    """The best epoch or a setting was picked on these images: optimistic."""
    accuracy: Proportion
    top5: Proportion | None
    """`None` with five classes or fewer."""
    loss: float
    """Mean cross-entropy, in nats."""
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Counts, `[true][predicted]`."""
    wrong: tuple[Prediction, ...]
    """Misclassified images, most confident first; at most 200."""
    teacher: TaughtBy | None = None
    """`None` for a model that had none."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An image left out because it cannot be decoded."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something the doctor found."""

    code: str
    """Stable, such as `"RD104"`; its page is `docs/doctor/RD104.md`."""
    label: str
    """One of the vocabulary in `doctor/labels.py`."""
    severity: str
    """`"error"`, `"warning"` or `"advice"`."""
    title: str
    """One sentence, with the numbers."""
    evidence: Mapping[str, Any]
    """Numbers and short strings only, as JSON has them."""
    why: str
    """Why it matters, in one or two sentences."""
    cure: str
    """A few words."""
    snippet: str = ""
    """Code that can be pasted."""
    effect: str = ""
    """What the cure is expected to do."""
    confidence: float = 1.0
    """In `(0, 1]`."""
    source: str = ""
    """`"script.py:12"`, where there is a place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What a finding's cure did in a short training, next to the same without it."""

    code: str
    """Of the finding, as `label` and `title`."""
    label: str
    title: str
    treatment: str
    """What was changed, as `"a rate of 0.01"`; empty: nothing was tried."""
    verdict: str
    """`"helped"`, `"no difference"`, `"worse"`, `"unclear"` or `"not tried"`."""
    outcome: str
    """The finding since: `"confirmed"`, `"now warning"`, `"now advice"`, `"withdrawn"`
    or `"as it was"`."""
    summary: str
    """The result, or why nothing was tried, in a sentence."""
    measure: str = ""
    """What the curves show of rows held out, as a multiple of what a guess has, lower
    is better: `"cross-entropy"` or `"squared error"`."""
    steps: int = 0
    """Of the untreated training; the points of a curve divide them equally."""
    repeats: int = 0
    untreated: tuple[float, ...] = ()
    """Mean over the repeats, from before the first step on; empty: training raised."""
    treated: tuple[float, ...] = ()
    seconds: float = 0.0


def duration(seconds: float) -> str:
    """Returns a time span as people say it.

    >>> [duration(s) for s in (8, 95, 4000)]
    ['8 s', '1 min 35 s', '1 h 07 min']
    """
    if not math.isfinite(seconds) or seconds < 59.5:
        return f"{seconds:.0f} s"
    seconds = round(seconds)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def record_to_json(record: Any) -> Any:
    """Returns a record as objects, lists and scalars that `json` can write.

    A float that is no number becomes the word `"nan"`, `"inf"` or `"-inf"`:
    JSON has none, and a diverged run must still leave a file others can read.

    Example:

    >>> record_to_json(ClassScore("heron", 0.5, 1.0, math.nan, 33))["f1"]
    'nan'
    """
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        return {
            field.name: record_to_json(getattr(record, field.name))
            for field in dataclasses.fields(record)
        }
    if isinstance(record, tuple | list):
        return [record_to_json(item) for item in typing.cast("list[Any]", record)]
    if isinstance(record, float) and not math.isfinite(record):
        return str(record)
    return record


def record_from_json(cls: type[T], value: Any) -> T:
    """Returns the record of class `cls` that `record_to_json` wrote as `value`.

    Fields that the class does not have are passed over, so an older version
    reads what a newer one wrote.

    Raises:
        KeyError: A field without a default is missing.
        TypeError: A value has the wrong shape.
        ValueError: A value is no number.
    """
    hints = typing.get_type_hints(cls)
    known = {f.name: f for f in dataclasses.fields(typing.cast("Any", cls))}
    given = {
        name: _read(hints[name], value[name])
        for name, field in known.items()
        if name in value or field.default is dataclasses.MISSING
    }
    return cls(**given)


def epoch_to_json(record: EpochRecord) -> dict[str, Any]:
    """Returns one line of `metrics.jsonl` as an object."""
    return record_to_json(record)


def epoch_from_json(value: dict[str, Any]) -> EpochRecord:
    """Returns the record that `epoch_to_json` wrote; raises as `record_from_json`."""
    return record_from_json(EpochRecord, value)


def evaluation_to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Returns one item of `evaluation.json` as an object."""
    return record_to_json(evaluation)


def evaluation_from_json(value: dict[str, Any]) -> Evaluation:
    """Returns what `evaluation_to_json` wrote; raises as `record_from_json`."""
    return record_from_json(Evaluation, value)


def _read(annotation: Any, value: Any) -> Any:
    """Returns a JSON value as the annotated type of a record's field."""
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) is types.UnionType:  # only ever "X | None"
        return None if value is None else _read(arguments[0], value)
    if typing.get_origin(annotation) is tuple:
        if arguments[1] is Ellipsis:
            return tuple(_read(arguments[0], item) for item in value)
        pairs = zip(arguments, value, strict=True)
        return tuple(_read(kind, item) for kind, item in pairs)
    if dataclasses.is_dataclass(annotation):
        return record_from_json(typing.cast("type[Any]", annotation), value)
    return float(value) if annotation is float else value
