"""From recipe to records, straight down: train a model, or go on with a run."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from residency.afterwards import finish
from residency.config import to_json
from residency.data import Data, Dataset, Pipeline
from residency.data.frames import StreamFrames
from residency.data.sources.arrays import IN_MEMORY
from residency.data.splits import Split, read_split
from residency.data.statistics import measure_statistics
from residency.engine.callbacks import KerasCallbacks
from residency.engine.checkpoint import load_checkpoint
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
from residency.engine.progress import ShowProgress, decoding_progress
from residency.engine.rate import LearningRate
from residency.engine.state import INTERRUPTED, TrainState
from residency.engine.step import Step
from residency.errors import EngineError
from residency.files import write_json
from residency.models import Contract, load_model, save_model
from residency.plan import describe_plan, plan_lines
from residency.recipes import Recipe, resolve
from residency.records import EpochRecord, Evaluation
from residency.run_folder import create_run_folder, read_recipe, require_same_data

import keras  # isort: skip  after residency.models, which chooses the backend

DEFAULT_RECIPE = "quick/photos"
MODEL = "checkpoints/model.keras"  # the network before its first step, for a resume


@dataclass(frozen=True, slots=True)
class Run:
    """What a training leaves behind."""

    folder: Path
    model: keras.Model
    """The best epoch's where something was held out, else the last."""
    history: tuple[EpochRecord, ...]
    evaluations: tuple[Evaluation, ...]
    """One a part, of `model`; empty while training is unfinished."""
    stopped: str | None
    """Why training ended early; `None` when it is finished."""


def train(
    model: keras.Model | str | None = None,
    data: Dataset | str | Any = None,
    recipe: str | Recipe = DEFAULT_RECIPE,
    out: str | Path = "runs",
    *,
    name: str | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    changes: Mapping[str, Any] | None = None,
    progress: bool = True,
    **overrides: Any,
) -> Run:
    """Trains a model as a recipe says and writes a run folder.

    Args:
        model: A Keras model from raw RGB, 0..255, to class probabilities; or a name
            of the catalog; `None` for the recipe's own.
        data: What `residency.data.load` returned or accepts; `None` for the
            recipe's own.
        recipe: A name of the catalog, or a `Recipe`.
        out: The run folder is made in here.
        name: Name of the run folder; `None` for time and recipe.
        callbacks: Keras callbacks, called as `fit` does.
        changes: Settings by dotted path, such as `{"optimizer.learning_rate": 0.05}`.
        progress: Prints progress with time left.
        **overrides: The same with `__` for the dot: `optimizer__learning_rate=0.05`.

    Returns:
        The `Run`. A training that was interrupted can be taken up by `resume`.

    Raises:
        ConfigError: A recipe, model or field does not exist or does not fit.
        DataError: The data cannot be used.
        EngineError: The model cannot be trained.
        ExportError: The run folder cannot be written.
    """
    changes = {
        **(changes or {}),
        **{path.replace("__", "."): value for path, value in overrides.items()},
    }
    if isinstance(model, str):
        changes = {"model.name": model, **changes}
    changes = {**_data_changes(data), **changes}
    resolved = resolve(recipe, changes)
    settings = resolved.recipe
    keras.utils.set_random_seed(settings.seed)
    dataset = _dataset(data, settings.data, progress)
    if not isinstance(model, keras.Model):
        model = settings.model.build(
            num_classes=dataset.num_classes,
            image_size=dataset.image_size,
            statistics=measure_statistics(
                dataset.train,
                with_mean_image=settings.model.preprocessing == "mean_image",
            ),
        )
    _require_fit(model, dataset)
    folder = create_run_folder(Path(out), name, resolved, dataset)
    save_model(model, folder / MODEL, _contract(dataset, settings))
    return _run(folder, model, dataset, settings, callbacks, progress)


def resume(
    run: str | Path,
    *,
    data: Dataset | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    progress: bool = True,
) -> Run:
    """Goes on with a training where its newest checkpoint stands.

    It ends with the same weights, bit for bit, as a training never stopped, on the
    same hardware and versions.

    Args:
        run: A run folder.
        data: The data set, where it was given in memory; else it is loaded again.
        callbacks: The callbacks given to `train`; their counters are given back.
        progress: Prints progress with time left.

    Raises:
        EngineError: The folder holds no run.
        DataError: The data changed since the training began; what changed is said.
    """
    folder = Path(run)
    settings = read_recipe(folder)
    keras.utils.set_random_seed(settings.seed)
    if settings.data.source in (None, IN_MEMORY) and data is None:
        raise EngineError(
            f"{folder}: was trained on arrays in memory, which no path leads to. Pass "
            "the same data set: residency.resume(run, data=...)."
        )
    split = read_split(folder / "split.json")
    dataset = data or _build(settings.data, None, progress, split)
    require_same_data(folder, split, dataset)
    model, _ = load_model(folder / MODEL)
    _require_fit(model, dataset)
    return _run(folder, model, dataset, settings, callbacks, progress)


def _run(
    folder: Path,
    model: keras.Model,
    dataset: Dataset,
    settings: Recipe,
    callbacks: Sequence[keras.callbacks.Callback],
    progress: bool,
) -> Run:
    network = Network(model)
    pipeline = Pipeline(
        dataset.train,
        image_size=dataset.image_size,
        batch_size=settings.data.batch_size,
        transforms=settings.data.transforms,
        seed=settings.seed,
        workers=_loaders(dataset, settings.data.workers),
    )
    step = Step(
        network,
        build_optimizer(settings.optimizer, network),
        loss=settings.loss,
        precision=settings.precision,
        clip_norm=settings.clip_norm,
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
    plan = describe_plan(network, dataset, settings, state)
    write_json(folder / "plan.json", plan)
    contract = _contract(dataset, settings)
    hooks: list[Hook] = [
        Measure(network, dataset),
        KeepBest(lambda: save_model(model, folder / "best.keras", contract)),
        MetricsFile(folder / "metrics.jsonl"),
        TensorBoard(folder / "tensorboard"),
        QuarantineFile(folder / "quarantine.json", dataset.quarantined),
        *([ShowProgress(plan_lines(plan))] if progress else []),
        StopOnNonFinite(),
        keras_callbacks,
        Checkpoint(
            folder / "checkpoints",
            step,
            keras_callbacks.state,
            minutes=settings.checkpoint_minutes,
        ),
    ]
    with stop_on_signals(state):
        fit(step, pipeline, rate, state, hooks)
    save_model(model, folder / "last.keras", contract)
    history = tuple(state.history)
    if state.stop == INTERRUPTED:
        return Run(folder, model, history, (), state.stop)
    best, evaluations = finish(folder, dataset, history)
    return Run(folder, best, history, evaluations, state.stop)


def _data_changes(data: Any) -> dict[str, Any]:
    """Returns the recipe's settings that the user's data decide."""
    if isinstance(data, str | Path):
        return {"data.source": str(data)}
    if isinstance(data, Dataset):
        return {
            "data.source": data.source,
            "data.image_size": data.image_size,
            "data.resize": data.resize,
            "data.classes": data.class_names,
        }
    return {} if data is None else {"data.source": IN_MEMORY}


def _dataset(data: Any, settings: Data, progress: bool) -> Dataset:
    if not isinstance(data, Dataset):
        source = None if isinstance(data, str | Path) else data
        return _build(settings, source, progress)
    if settings.keeps_full and data.source != IN_MEMORY:
        # The recipe crops from whole photos; those given were framed already.
        return _build(settings, None, progress, data.split)
    return data


def _build(
    settings: Data, source: Any, progress: bool, recorded: Split | None = None
) -> Dataset:
    show = decoding_progress() if progress else None
    return settings.build(source, progress=show, recorded=recorded)


def _loaders(dataset: Dataset, workers: int | None) -> int:
    """Returns the processes that make batches: none for images kept in memory."""
    if not isinstance(dataset.train.frames, StreamFrames):
        return 0
    return workers or max(1, (os.cpu_count() or 2) - 1)


def _require_fit(model: keras.Model, dataset: Dataset) -> None:
    """Raises `EngineError` if the model cannot take or name these images."""
    size = dataset.image_size
    wanted = tuple(model.input_shape[1:])
    if any(a not in (None, b) for a, b in zip(wanted, (size, size, 3), strict=True)):
        raise EngineError(
            f"model {model.name!r} takes images of {wanted}, the data set gives "
            f"({size}, {size}, 3). Load the data with image_size={wanted[0]}."
        )
    outputs = model.output_shape[-1]
    if outputs != dataset.num_classes:
        raise EngineError(
            f"model {model.name!r} has {outputs} outputs, {dataset.source} has "
            f"{dataset.num_classes} classes. Build it with "
            f"num_classes={dataset.num_classes}."
        )


def _contract(dataset: Dataset, settings: Recipe) -> Contract:
    return Contract(
        class_names=dataset.class_names,
        image_size=dataset.image_size,
        resize=dataset.resize,
        preprocessing=settings.model.preprocessing,
        recipe=to_json(settings),
    )
