"""RD207: the metric shows something else than how well the task is done."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.model.head import BINARY, REGRESSION, Head, read_head
from residency.doctor.checks.model.targets import EXCLUSIVE, Targets, read_targets
from residency.doctor.probe import Loss, Probe
from residency.records import Finding

_PLAIN = ("accuracy", "acc")
_BINARY = ("binary_accuracy", "BinaryAccuracy")
_CATEGORICAL = ("categorical_accuracy", "CategoricalAccuracy")
_SPARSE = ("sparse_categorical_accuracy", "SparseCategoricalAccuracy")
_ANY = (*_PLAIN, *_BINARY, *_CATEGORICAL, *_SPARSE, "Accuracy")


def find(probe: Probe) -> Sequence[Finding] | None:
    """Looks at each metric as Keras will understand it."""
    settings, head = probe.settings, read_head(probe)
    targets = read_targets(probe, head)
    if not settings.metric_kinds:
        return []
    if head is None or targets is None or settings.loss is None:
        return None
    for metric in settings.metric_kinds:
        found = _judge(metric, head, targets, settings.loss)
        if found is not None:
            return [found]
    return []


def _judge(metric: str, head: Head, targets: Targets, loss: Loss) -> Finding | None:
    many = targets.exclusive_classes
    whole = targets.kind in ("classes", "binary")
    if metric not in _ANY:
        return None
    if targets.kind == "real":
        if loss.name not in REGRESSION:
            return None  # the loss is wrong first: loss_task_mismatch
        return _finding(
            metric,
            "warning",
            f"{metric} for real numbers.",
            {"loss": loss.name},
            "It counts predictions that equal the target, or fall on the same side of "
            "one half; for numbers that says nothing.",
            "mean_absolute_error",
        )
    if metric == "Accuracy" and head.activation != "linear":
        return _finding(
            metric,
            "warning",
            "keras.metrics.Accuracy counts outputs that equal the label exactly.",
            {"activation": head.activation or "unknown"},
            "Probabilities are hardly ever exactly 0 or 1: it stays near 0.",
            "accuracy",
        )
    if metric in _BINARY and targets.kind in EXCLUSIVE and many > 2:
        free = 1 - 1 / many
        return _finding(
            metric,
            "warning",
            f"binary_accuracy over {many} classes: {free:.0%} for an output that "
            "knows nothing.",
            {"classes": many, "score_of_no_knowledge": round(free, 4)},
            f"It counts each of the {many} outputs on its own, and all but one should "
            "be 0.",
            "sparse_categorical_accuracy" if whole else "categorical_accuracy",
        )
    if metric in _CATEGORICAL and whole and head.units > 1:
        return _finding(
            metric,
            "warning",
            "categorical_accuracy takes one-hot labels, and these are class numbers.",
            {"labels": targets.kind, "units": head.units},
            "The largest of one number is always the first: class 0.",
            "sparse_categorical_accuracy",
        )
    if metric in _SPARSE and targets.kind == "one_hot":
        return _finding(
            metric,
            "warning",
            "sparse_categorical_accuracy takes class numbers, and these are one-hot.",
            {"labels": "one_hot", "units": head.units},
            "Rows are compared with class numbers.",
            "categorical_accuracy",
        )
    return _plain(metric, head, targets, loss) if metric in _PLAIN else None


def _plain(metric: str, head: Head, targets: Targets, loss: Loss) -> Finding | None:
    """ "accuracy", which Keras resolves by the shapes of output and labels."""
    if targets.kind == "multi_hot" and head.units > 1 and loss.name in BINARY:
        per_row = float(targets.values.sum(axis=1).mean())
        return _finding(
            metric,
            "warning",
            f"'{metric}' compares only the largest output with the first of "
            f"{per_row:.1f} labels that hold.",
            {"labels_per_sample": round(per_row, 3), "units": head.units},
            "Keras takes rows of several numbers for one-hot classes.",
            "binary_accuracy",
        )
    if head.units != 1:
        return None
    if targets.kind == "signs":
        return _finding(
            metric,
            "warning",
            f"'{metric}' turns the output into 0 or 1; labels are -1 and 1.",
            {"labels": "-1 and 1", "threshold": 0.5},
            "Samples of the label -1 never count as right.",
            "keras.metrics.MeanMetricWrapper",
        )
    if loss.from_logits and loss.name in BINARY and targets.kind == "binary":
        return _finding(
            metric,
            "advice",
            f"'{metric}' takes scores over 0.5 for class 1; scores over 0 are.",
            {"threshold": 0.5, "right_threshold": 0.0},
            "The output is a score (from_logits=True), and its middle is 0.",
            "BinaryAccuracy(threshold=0.0)",
        )
    return None


def _finding(
    metric: str,
    severity: str,
    title: str,
    evidence: dict[str, float | str | int],
    why: str,
    right: str,
) -> Finding:
    name = f"keras.metrics.{right}" if "(" in right else f'"{right}"'
    if right.startswith("keras."):
        name = (
            "keras.metrics.MeanMetricWrapper("
            "lambda y, p: keras.ops.equal(y > 0, p > 0), name='accuracy')"
        )
        right = "a metric that compares signs"
    return Finding(
        code="RD207",
        label="metric_misleading",
        severity=severity,
        title=title,
        evidence={"metric": metric, **evidence},
        why=why,
        cure=f"Use {right}",
        snippet=f"model.compile(loss=model.loss, optimizer=model.optimizer, "
        f"metrics=[{name}])",
        effect="The number shown is the one that is meant; training stays the same.",
    )


CHECK = Check("the metrics measure the task", find)
