"""Questions about a run's epochs that the figures and the page both ask."""

from collections.abc import Sequence

from residency.records import EpochRecord


def best_epoch(history: Sequence[EpochRecord]) -> EpochRecord | None:
    """Returns the epoch of the highest validation accuracy; the first of equals.

    `None` if nothing was held out: the lowest training loss is no reason to
    call an epoch the best.
    """
    measured = [r for r in history if r.validation_accuracy is not None]
    if not measured:
        return None
    return max(measured, key=lambda r: (_rate(r), -r.epoch))


def _rate(record: EpochRecord) -> float:
    return record.validation_accuracy.rate if record.validation_accuracy else -1.0
