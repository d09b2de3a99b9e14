"""What a training is about to do, said before its first step."""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

from residency.data import Dataset
from residency.engine.network import Network
from residency.engine.optimizers import inner_kernels
from residency.engine.state import TrainState
from residency.recipes import Recipe
from residency.training import Muon, is_exempt

logger = logging.getLogger(__name__)


def describe_plan(
    network: Network,
    dataset: Dataset,
    settings: Recipe,
    state: TrainState,
    processes: int = 1,
) -> dict[str, Any]:
    """Returns what `plan.json` holds: sizes, steps, rates, and what decays."""
    exempt = settings.optimizer.decay_exempt
    for word in exempt:
        if not any(is_exempt(v.path, (word,)) for v in network.model.variables):
            logger.warning("optimizer.decay_exempt: no variable is called %r", word)
    paths = [each.path for each in network.trainable()]
    muon = isinstance(settings.optimizer, Muon)
    free = {path for path in paths if is_exempt(path, exempt)}
    free |= set(inner_kernels(network)) if muon else set()
    return {
        "source": dataset.source,
        "images": {part.name: len(part) for part in dataset.parts()},
        "classes": dataset.num_classes,
        "memory": dataset.memory,
        "model": network.model.name,
        "parameters": network.model.count_params(),
        "device": str(network.device),
        "precision": settings.precision,
        "steps": state.total_steps,
        "steps_per_epoch": state.steps_per_epoch,
        "batch_size": settings.data.batch_size,
        "processes": processes,
        "peak_rate": state.peak_rate,
        "schedule": type(settings.schedule).__name__,
        "weight_decay": settings.optimizer.weight_decay,
        "decayed": [path for path in paths if path not in free],
        "exempt": [path for path in paths if path in free],
    }


def plan_lines(plan: dict[str, Any]) -> list[str]:
    """Returns the plan in five lines for people."""
    images = ", ".join(f"{count:,} {part}" for part, count in plan["images"].items())
    epochs = plan["steps"] / plan["steps_per_epoch"]
    decayed = f"{plan['weight_decay']:g} on {_kinds(plan['decayed'])}"
    if not plan["weight_decay"]:
        decayed = "none"
    shared = f", shared by {n} processes" if (n := plan["processes"]) > 1 else ""
    return [
        f"data    {plan['source']}: {images} images of {plan['classes']} classes; "
        f"{plan['memory']}",
        f"model   {plan['model']}, {plan['parameters']:,} parameters, on "
        f"{plan['device']} in {plan['precision']}",
        f"steps   {plan['steps']:,} of {plan['batch_size']} images, "
        f"{epochs:.4g} epochs{shared}",
        f"rate    {plan['peak_rate']:g} at its peak, {plan['schedule']}",
        f"decay   {decayed}; exempt: {_kinds(plan['exempt'])}",
    ]


def _kinds(paths: Sequence[str]) -> str:
    """Returns `21 gamma, 21 beta`: how many variables of which name."""
    counts = Counter(path.rsplit("/", 1)[-1] for path in paths)
    return ", ".join(f"{n} {name}" for name, n in counts.items()) or "none"
