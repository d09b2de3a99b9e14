"""RD508: a long rest before the rate drops, or no drop at all."""

from collections.abc import Iterator

from residency.doctor.history.curves import Curves, finite, median, noise
from residency.records import Finding

STAGE = 15
"""Epochs at one rate from which a rest is worth a word."""


def check(curves: Curves) -> Iterator[Finding]:
    """Yields stages at one rate whose second half brings nothing."""
    loss, rates = curves.loss, curves.learning_rate
    if len(finite(loss)) != len(loss) or len(rates) != len(loss):
        return
    start = 0
    for end in range(1, len(rates) + 1):
        if end == len(rates) or abs(rates[end] - rates[start]) > 0.01 * abs(
            rates[start]
        ):
            if end - start >= STAGE:
                yield from _rest(curves, start, end)
            start = end


def _rest(curves: Curves, start: int, end: int) -> Iterator[Finding]:
    """Yields the stage if its second half neither trains nor validates better."""
    half = start + (end - start) // 2
    watched = [curves.loss[start:end]]
    if len(curves.val_loss) == len(curves.loss):
        watched.append(curves.val_loss[start:end])
    if any(_improves(finite(values)) for values in watched):
        return
    if median(curves.loss[half:end]) < 0.02 * curves.loss[0]:
        return  # nothing left to learn
    last = end == len(curves.loss)
    then = "the run ends there" if last else f"the rate drops after epoch {end}"
    yield Finding(
        code="RD508",
        label="plateau",
        severity="advice",
        title=f"Nothing improves in epochs {half + 1} to {end} at a rate of "
        f"{curves.learning_rate[start]:g}; {then}.",
        evidence={"from": half + 1, "to": end, "rate": curves.learning_rate[start]},
        why="At one rate the loss comes to rest where steps and noise balance. More "
        "epochs at this rate change nothing.",
        cure="Drop the rate." if last else "Drop the rate sooner.",
        snippet=f"# at epoch {half}: learning_rate = "
        f"{curves.learning_rate[start] / 10:g}",
        effect="The same accuracy in fewer epochs, or a better one in as many.",
        confidence=0.6,
    )


def _improves(values: list[float]) -> bool:
    """Tells whether the second half of a stage ends lower than it begins."""
    half = values[len(values) // 2 :]
    fell = median(half[:3]) - median(half[-3:])
    return fell > max(0.01 * abs(values[0]), noise(half))
