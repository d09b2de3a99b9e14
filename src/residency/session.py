"""One training session: the loop with its hooks, from a folder's checkpoint on."""

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from residency.afterwards import finish
from residency.config import to_json
from residency.data import Dataset, Pipeline
from residency.doctor.watch import Watch
from residency.engine.callbacks import KerasCallbacks
from residency.engine.checkpoint import load_checkpoint, read_checkpoint
from residency.engine.distributed import Processes
from residency.engine.hooks import (
    Checkpoint,
    Hook,
    KeepBest,
    Measure,
    MetricsFile,
    QuarantineFile,
    StopOnNonFinite,
    TensorBoard,
)
from residency.engine.interrupt import stop_on_signals
from residency.engine.loop import fit
from residency.engine.losses import Teacher
from residency.engine.network import Network
from residency.engine.phases import Phases
from residency.engine.processor import cores_left_by
from residency.engine.progress import ShowProgress
from residency.engine.rate import LearningRate
from residency.engine.state import INTERRUPTED, TrainState
from residency.engine.step import Step
from residency.engine.together import Together
from residency.files import sweep, write_json
from residency.finetuning import build_phases
from residency.inputs import loader_processes
from residency.models import Contract, load_model, save_model
from residency.plan import describe_load, describe_plan, describe_teacher, plan_lines
from residency.recipes import Recipe
from residency.records import EpochRecord, Evaluation
from residency.run_folder import read_load_report
from residency.teacher import open_teacher

import keras  # isort: skip  after residency.models, which chooses the backend


@dataclass(frozen=True, slots=True)
class Run:
    """What a training leaves behind; the same in all processes."""

    folder: Path
    model: keras.Model
    """The best epoch's where something was held out, else the last."""
    history: tuple[EpochRecord, ...]
    evaluations: tuple[Evaluation, ...]
    """One a part, of `model`; empty while training is unfinished."""
    stopped: str | None
    """Why training ended early; `None` when it is finished."""


def run_session(
    folder: Path,
    model: keras.Model,
    dataset: Dataset,
    settings: Recipe,
    callbacks: Sequence[keras.callbacks.Callback],
    progress: bool,
    processes: Processes,
) -> Run:
    """Trains `model` in `folder` to the recipe's end, or until it is stopped."""
    checkpoints = processes.folder = folder / "checkpoints"
    network = Network(model)
    together = build_together(network, settings, processes)
    pipeline = build_pipeline(dataset, settings, processes)
    phases = build_phases(network, settings, pipeline, processes)
    saved = read_checkpoint(checkpoints)
    state = saved.state() if saved else first_state(settings, pipeline)
    step = phases.step = build_step(
        phases,
        state,
        settings,
        average=together and together.average,
        teacher=open_teacher(settings.loss, dataset, folder),
        record=not callbacks,
    )
    keras_callbacks = KerasCallbacks(callbacks, model, LearningRate(settings.schedule))
    if saved is not None:
        saved.restore(step)
        keras_callbacks.saved = saved.callbacks()
    hooks: list[Hook] = [phases]
    with ExitStack() as stack:
        if processes.first:
            plan = describe_plan(phases, dataset, settings, state, processes.size)
            plan |= describe_load(read_load_report(folder))
            plan |= describe_teacher(step.teacher, dataset, settings)
            show = stack.enter_context(closing(begin(folder, plan)))
            hooks += [Watch(network), *measuring(folder, phases, dataset, settings)]
            hooks += [show] if progress else []
            hooks += ending(checkpoints, step, keras_callbacks, settings)
        hooks += [together] if together else []
        stack.enter_context(stop_on_signals(together or state))
        stack.enter_context(cores_left_by(pipeline.workers, processes.cores))
        fit(step, phases, keras_callbacks.rate, state, hooks)
    if not network.is_finite():
        load_checkpoint(checkpoints, step)  # the last good weights
    return _finished(folder, model, dataset, settings, state, processes, step.teacher)


def first_state(settings: Recipe, pipeline: Pipeline) -> TrainState:
    """Returns where a training starts."""
    return TrainState(
        total_steps=settings.schedule.length(pipeline.steps_per_epoch),
        steps_per_epoch=pipeline.steps_per_epoch,
        peak_rate=settings.optimizer.rate_for(settings.data.batch_size),
    )


def build_together(
    network: Network, settings: Recipe, processes: Processes
) -> Together | None:
    """Returns what keeps several processes in step; `None` for one."""
    if processes.size == 1:
        return None
    whole_batch = settings.batch_norm_over == "batch"
    return Together(processes, network, settings.seed, whole_batch=whole_batch)


def build_pipeline(
    dataset: Dataset, settings: Recipe, processes: Processes
) -> Pipeline:
    """Returns what makes this process's share of each batch."""
    return Pipeline(
        dataset.train,
        image_size=dataset.image_size,
        batch_size=settings.data.batch_size,
        transforms=settings.data.transforms,
        seed=settings.seed,
        workers=loader_processes(dataset, settings.data.workers, processes.cores),
        share=(processes.rank, processes.size),
    )


def build_step(
    phases: Phases, state: TrainState, settings: Recipe, **more: Any
) -> Step:
    """Returns what trains on one batch, in the phase of `state`."""
    return Step(
        *phases.enter(state.epoch),
        loss=settings.loss,
        precision=settings.precision,
        clip_norm=settings.clip_norm,
        micro_batch=settings.micro_batch,
        **more,
    )


def begin(folder: Path, plan: dict[str, Any]) -> ShowProgress:
    """Clears away what a killed session left; writes the plan and returns its show."""
    sweep(folder)
    write_json(folder / "plan.json", plan)
    return ShowProgress(plan_lines(plan))


def measuring(
    folder: Path, phases: Phases, dataset: Dataset, settings: Recipe
) -> list[Hook]:
    """Returns the hooks that measure, and write down what happens."""
    model, contract = phases.network.model, contract_for(dataset, settings)
    return [
        Measure(partial(phases.measure, dataset), dataset),
        KeepBest(lambda: save_model(model, folder / "best.keras", contract)),
        MetricsFile(folder / "metrics.jsonl"),
        TensorBoard(folder / "tensorboard"),
        QuarantineFile(folder / "quarantine.json", dataset.quarantined),
    ]


def ending(
    checkpoints: Path, step: Step, callbacks: KerasCallbacks, settings: Recipe
) -> list[Hook]:
    """Returns the hooks that may end a training, and the one that saves it, last."""
    minutes = settings.checkpoint_minutes
    save = Checkpoint(checkpoints, step, callbacks.state, minutes=minutes)
    return [StopOnNonFinite(step), callbacks, save]


def _finished(
    folder: Path,
    model: keras.Model,
    dataset: Dataset,
    settings: Recipe,
    state: TrainState,
    processes: Processes,
    teacher: Teacher | None,
) -> Run:
    """Saves the last model and, where the training is done, evaluates the best."""
    if processes.first:
        save_model(model, folder / "last.keras", contract_for(dataset, settings))
    history, stop = processes.from_first(lambda: (tuple(state.history), state.stop))
    if stop == INTERRUPTED:
        return Run(folder, model, history, (), stop)
    with processes.in_turn():
        if processes.first:
            model, evaluations = finish(folder, dataset, history, teacher)
        else:
            model, evaluations = load_model(folder / "best.keras")[0], ()
    evaluations = processes.from_first(lambda: evaluations)
    return Run(folder, model, history, evaluations, stop)


def contract_for(dataset: Dataset, settings: Recipe) -> Contract:
    """Returns what travels in the model's file."""
    return Contract(
        class_names=dataset.class_names,
        image_size=dataset.image_size,
        resize=dataset.resize,
        preprocessing=settings.model.pixels,
        recipe=to_json(settings),
    )
