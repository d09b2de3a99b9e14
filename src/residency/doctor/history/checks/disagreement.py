"""RD507: fit says the network has learned, evaluate says it has not."""

import math
from collections.abc import Iterator

from residency.doctor.history.curves import Curves, finite, median, tail
from residency.records import Finding

STEPS = 300
"""With Keras' momentum of 0.99 the first statistics weigh 0.99^300 = 5 % then."""


def check(curves: Curves) -> Iterator[Finding]:
    """Yields training that goes well beside evaluation at chance, with its causes.

    Validation *above* training is normal: the training figure is a mean over an epoch
    in which the weights moved, under dropout and augmentation.
    """
    train, held_out = (
        median(tail(curves.accuracy, least=2)),
        median(tail(curves.val_accuracy, least=2)),
    )
    same = _on_training_images(curves)
    if same is not None:
        running, clean = same
        title = (
            f"On the training images fit reports a loss of {running:.3g}, evaluation "
            f"{clean:.3g}."
        )
        yield _finding(
            curves, title, {"fit": running, "evaluate": clean}, same_images=True
        )
    elif curves.epochs >= 2 and train - held_out > 0.3 and _is_chance(curves, held_out):
        title = (
            f"Training accuracy is {100 * train:.1f} %, validation stays at "
            f"{100 * held_out:.1f} %, as guessing would."
        )
        numbers = {"train": train, "validation": held_out}
        yield _finding(curves, title, numbers, same_images=False)


def _on_training_images(curves: Curves) -> tuple[float, float] | None:
    """Returns the two losses on training images, where they cannot both be right."""
    running, clean = median(curves.loss[-3:]), median(curves.train_loss[-3:])
    if not math.isfinite(running) or not math.isfinite(clean) or curves.epochs < 3:
        return None
    return (running, clean) if clean > 2 * running + 0.7 else None


def _is_chance(curves: Curves, share: float) -> bool:
    """Tells whether validation never was better than guessing."""
    shares = finite(curves.val_accuracy)
    if curves.num_classes:
        return max(shares) < 1 / curves.num_classes + 0.08
    return max(shares) - min(shares) < 0.08 and share < 0.56


def _finding(
    curves: Curves, title: str, numbers: dict[str, float], *, same_images: bool
) -> Finding:
    steps = curves.steps_per_epoch * curves.epochs if curves.steps_per_epoch else None
    early = steps < STEPS if steps is not None else curves.epochs < 5
    statistics = early or same_images
    causes = {
        "running mean of the training figure": "no: it makes training look worse",
        "dropout and augmentation": "no: they make training look worse",
        "statistics of batch normalization": "yes"
        if statistics
        else f"no: after {steps or 'many'} steps they have settled",
        "other preprocessing or labels": "no: the same images"
        if same_images
        else "yes",
    }
    allowed = [name for name, verdict in causes.items() if verdict == "yes"]
    return Finding(
        code="RD507",
        label="bn_stats_not_converged"
        if statistics
        else "train_val_preprocess_mismatch",
        severity="advice" if early else "error",
        title=f"{title} The numbers allow: {' or '.join(allowed)}.",
        evidence=numbers | causes | ({} if steps is None else {"steps": steps}),
        why="Both figures are of one network. What differs is how the images come to "
        "it, or what batch normalization knows about them.",
        cure="Wait for some hundred steps, or lower the momentum."
        if early
        else "Measure the statistics again, or lower the momentum."
        if same_images
        else "Evaluate on the training images: if that is bad too, it is batch "
        "normalization; if not, the validation pipeline.",
        snippet="layers.BatchNormalization(momentum=0.9)"
        if statistics
        else "model.evaluate(train_without_augmentation)",
        effect="Validation follows training.",
        confidence=0.6 if early else 0.85,
    )
