"""One training session: the loop with its hooks, from a folder's checkpoint on."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from residency.afterwards import finish
from residency.config import to_json
from residency.data import Dataset, Pipeline
from residency.data.torch.resident import resident
from residency.engine.callbacks import KerasCallbacks
from residency.engine.checkpoint import load_checkpoint
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
from residency.engine.network import Network
from residency.engine.optimizers import build_optimizer
from residency.engine.processor import cores_left_by
from residency.engine.progress import ShowProgress
from residency.engine.rate import LearningRate
from residency.engine.state import INTERRUPTED, TrainState
from residency.engine.step import Step
from residency.engine.together import Together
from residency.files import sweep, write_json
from residency.inputs import loader_processes
from residency.models import Contract, load_model, save_model
from residency.plan import describe_plan, plan_lines
from residency.recipes import Recipe
from residency.records import EpochRecord, Evaluation

import keras  # isort: skip  after residency.models, which chooses the backend

logger = logging.getLogger(__name__)


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
    processes.folder = folder / "checkpoints"
    network = Network(model)
    together = None
    if processes.size > 1:
        whole_batch = settings.batch_norm_over == "batch"
        together = Together(processes, network, settings.seed, whole_batch=whole_batch)
    pipeline = Pipeline(
        dataset.train,
        image_size=dataset.image_size,
        batch_size=settings.data.batch_size,
        transforms=settings.data.transforms,
        seed=settings.seed,
        workers=loader_processes(dataset, settings.data.workers, processes.cores),
        share=(processes.rank, processes.size),
    )
    batches, why_not = resident(pipeline, network.device)
    if batches is None and network.device.type == "cuda":
        logger.info("batches are made outside the GPU: %s", why_not)
    step = Step(
        network,
        build_optimizer(settings.optimizer, network),
        loss=settings.loss,
        precision=settings.precision,
        clip_norm=settings.clip_norm,
        micro_batch=settings.micro_batch,
        average=together and together.average,
        record=not callbacks,
    )
    state = TrainState(
        total_steps=settings.schedule.length(pipeline.steps_per_epoch),
        steps_per_epoch=pipeline.steps_per_epoch,
        peak_rate=settings.optimizer.rate_for(settings.data.batch_size),
    )
    rate = LearningRate(settings.schedule)
    keras_callbacks = KerasCallbacks(callbacks, model, rate)
    found = load_checkpoint(folder / "checkpoints", step)
    if found is not None:
        state, keras_callbacks.saved = found
    contract = contract_for(dataset, settings)
    with ExitStack() as stack:
        hooks: list[Hook] = []
        if processes.first:
            sweep(folder)
            plan = describe_plan(network, dataset, settings, state, processes.size)
            write_json(folder / "plan.json", plan)
            show = stack.enter_context(closing(ShowProgress(plan_lines(plan))))
            hooks = [
                Measure(network, dataset),
                KeepBest(lambda: save_model(model, folder / "best.keras", contract)),
                MetricsFile(folder / "metrics.jsonl"),
                TensorBoard(folder / "tensorboard"),
                QuarantineFile(folder / "quarantine.json", dataset.quarantined),
                *([show] if progress else []),
                StopOnNonFinite(step),
                keras_callbacks,
                Checkpoint(
                    folder / "checkpoints",
                    step,
                    keras_callbacks.state,
                    minutes=settings.checkpoint_minutes,
                ),
            ]
        stack.enter_context(stop_on_signals(together or state))
        stack.enter_context(cores_left_by(pipeline.workers, processes.cores))
        fit(
            step,
            batches or pipeline,
            rate,
            state,
            [*hooks, *([together] if together else [])],
        )
    if not network.is_finite():
        load_checkpoint(folder / "checkpoints", step)  # the last good weights
    if processes.first:
        save_model(model, folder / "last.keras", contract)
    history, stop = processes.from_first(lambda: (tuple(state.history), state.stop))
    if stop == INTERRUPTED:
        return Run(folder, model, history, (), stop)
    with processes.in_turn():
        if processes.first:
            model, evaluations = finish(folder, dataset, history)
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
        preprocessing=settings.model.preprocessing,
        recipe=to_json(settings),
    )
