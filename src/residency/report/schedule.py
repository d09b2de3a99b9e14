"""How long a run took and how its learning rate went."""

from residency.records import duration
from residency.report.run_folder import RunFolder


def schedule(run: RunFolder) -> list[tuple[str, str]]:
    """Returns how long the run took and how the learning rate went."""
    if not run.history:
        return []
    last = run.history[-1]
    rates = [record.learning_rate for record in run.history]
    seconds = sum(record.seconds for record in run.history)
    speed = sorted(record.images_per_second for record in run.history)
    return [
        ("epochs finished", f"{last.epoch:,}"),
        ("steps", f"{last.step:,}"),
        ("learning rate", f"{rates[0]:g} at first, {rates[-1]:g} at the end"),
        ("time", duration(seconds)),
        ("speed", f"{speed[len(speed) // 2]:,.0f} images per second (median epoch)"),
    ]
