"""What a training is about to do, said before its first step."""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

from residency.data import Dataset
from residency.engine.evaluation import measure
from residency.engine.hooks import SAMPLE
from residency.engine.losses import Teacher
from residency.engine.optimizers import inner_kernels
from residency.engine.phases import Phases
from residency.engine.state import TrainState
from residency.models.freezing import Phase
from residency.models.weights import LoadReport
from residency.recipes import Recipe
from residency.records import Proportion, record_from_json, record_to_json
from residency.training import Distillation, Muon, is_exempt

logger = logging.getLogger(__name__)


def describe_plan(
    phases: Phases,
    dataset: Dataset,
    settings: Recipe,
    state: TrainState,
    processes: int = 1,
) -> dict[str, Any]:
    """Returns what `plan.json` holds: sizes, steps, rates, what trains, what decays."""
    network = phases.network
    exempt = settings.optimizer.decay_exempt
    for word in exempt:
        if not any(is_exempt(v.path, (word,)) for v in network.model.variables):
            logger.warning("optimizer.decay_exempt: no variable is called %r", word)
    described = [_phase(phases, phase) for phase in phases.phases]
    paths = [each.path for each in network.trainable()]  # of the last phase
    phases.now.apply()
    muon = isinstance(settings.optimizer, Muon)
    free = {path for path in paths if is_exempt(path, exempt)}
    free |= set(inner_kernels(network)) if muon else set()
    return {
        "source": dataset.source,
        "images": {part.name: len(part) for part in dataset.parts()},
        "classes": dataset.num_classes,
        "cache": dataset.cache,
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
        "phases": described if settings.finetune else [],
        "weight_decay": settings.optimizer.weight_decay,
        "decayed": [path for path in paths if path not in free],
        "exempt": [path for path in paths if path in free],
    }


def describe_load(report: LoadReport | None) -> dict[str, Any]:
    """Returns what `plan.json` holds of the weights that were loaded, if any were."""
    if report is None:
        return {}
    return {"weights": f"{report.file} ({report.origin}): {report.counts}"}


def describe_teacher(
    teacher: Teacher | None, dataset: Dataset, settings: Recipe
) -> dict[str, Any]:
    """Returns what `plan.json` holds of a distillation; nothing without a teacher."""
    loss = settings.loss
    if teacher is None or not isinstance(loss, Distillation):
        return {}
    part = dataset.validation or dataset.train.sample(SAMPLE, 0)
    model = teacher.network.model
    told = {
        "teacher": loss.teacher,
        "model": model.name,
        "parameters": model.count_params(),
        "temperature": loss.temperature,
        "weight": loss.weight,
        "part": part.name,
        "accuracy": record_to_json(measure(teacher, dataset, part).accuracy),
    }
    return {"distillation": told}


def _phase(phases: Phases, phase: Phase) -> dict[str, Any]:
    """Applies a phase and returns what trains in it, the last stage first."""
    phase.apply()
    trains = [
        {
            "stage": stage.name,
            "rate": stage.rate,
            "layers": [layer.name for layer in stage.trained if layer.weights],
            "parameters": stage.parameters,
            "whole": stage.whole,
        }
        for stage in phase.stages
    ]
    trains = [stage for stage in trains if stage["parameters"]]
    norms = [stage.batch_norm for stage in phase.stages]
    told: dict[str, Any] = {
        "from_epoch": phase.start,
        "trains": trains,
        "batch_norm_trains": sum(some for some, _ in norms),
        "batch_norm_stays": sum(some for _, some in norms),
    }
    if phase.head_only and phases.features is not None:
        told |= {
            "feature_passes": phases.features.passes,
            "feature_bytes": phases.features.kept_bytes,
        }
    return told


def plan_lines(plan: dict[str, Any]) -> list[str]:
    """Returns the plan in a few lines for people."""
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
        *([f"weights {plan['weights']}"] if "weights" in plan else []),
        *_teacher_lines(plan.get("distillation")),
        *(f"trains  {_phase_words(phase, epochs)}" for phase in plan["phases"]),
    ]


def _teacher_lines(told: dict[str, Any] | None) -> list[str]:
    if told is None:
        return []
    accuracy = record_from_json(Proportion, told["accuracy"])
    return [
        f"teacher {told['teacher']}: {told['model']}, {told['parameters']:,} "
        f"parameters, {told['part']} {100 * accuracy.rate:.2f} %; temperature "
        f"{told['temperature']:g}, weight {told['weight']:g}"
    ]


def _phase_words(phase: dict[str, Any], epochs: float) -> str:
    """Returns `from epoch 6: head, block7 (x 0.3), 2 layers of block6 (x 0.09)`."""
    stages = []
    for stage in phase["trains"]:
        part = "" if stage["whole"] else f"{len(stage['layers'])} layer(s) of "
        rate = "" if stage["rate"] == 1 else f" (rate x {stage['rate']:.2g})"
        stages.append(f"{part}{stage['stage']}{rate}")
    parameters = sum(stage["parameters"] for stage in phase["trains"])
    words = (
        f"from epoch {phase['from_epoch'] + 1}, {parameters:,} parameters: "
        f"{', '.join(stages)}"
    )
    if phase["batch_norm_trains"] or phase["batch_norm_stays"]:
        words += (
            f"; batch normalization: {phase['batch_norm_trains']} layers train, "
            f"{phase['batch_norm_stays']} stay"
        )
    if phase["from_epoch"] >= epochs:
        words += "; never, as the training ends before"
    if passes := phase.get("feature_passes"):
        size = phase["feature_bytes"] / 1e6
        several = "passes" if passes > 1 else "pass"
        words += f"; on features kept of {passes} {several}, {size:,.1f} MB"
    elif passes == 0:
        words += "; on features that are computed anew in each epoch"
    return words


def _kinds(paths: Sequence[str]) -> str:
    """Returns `21 gamma, 21 beta`: how many variables of which name."""
    counts = Counter(path.rsplit("/", 1)[-1] for path in paths)
    return ", ".join(f"{n} {name}" for name, n in counts.items()) or "none"
