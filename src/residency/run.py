"""From recipe to records, straight down: train a model, or go on with a run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from residency.data import Dataset
from residency.data.splits import read_split
from residency.diagnosing import look_before
from residency.engine.distributed import joined
from residency.finetuning import read_weights
from residency.inputs import (
    data_changes,
    dotted,
    model_changes,
    open_data,
    reopen_data,
    require_fit,
    require_model,
    require_same_images,
    statistics_for,
)
from residency.models import Model, load_model, save_model
from residency.models.freezing import phases_of
from residency.models.weights import LoadReport
from residency.recipes import Recipe, resolve
from residency.run_folder import (
    create_run_folder,
    itself,
    occupied,
    read_cache,
    read_recipe,
    require_free,
    require_same_data,
)
from residency.session import Run, contract_for, run_session
from residency.teacher import keep_teacher, open_teacher, teacher_file

import keras  # isort: skip  after residency.models, which chooses the backend

DEFAULT_RECIPE = "quick/photos"
MODEL = "checkpoints/model.keras"  # the network before its first step, for a resume


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

    In several processes, started by `torchrun`, all call it and get the same `Run`; the
    first of them, rank 0, writes, prints and calls the callbacks.

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
        ExportError: The run folder cannot be written, or the weights not be read.
    """
    changes = {**model_changes(model), **(changes or {}), **dotted(overrides)}
    with joined() as processes:
        progress = progress and processes.first
        with processes.in_turn():
            resolved = resolve(recipe, data_changes(data, changes))
            settings = resolved.recipe
            require_model(settings.model, model)
            file = read_weights(settings)
            teacher = teacher_file(settings.loss)
            if processes.first:
                require_free(Path(out), name)
            keras.utils.set_random_seed(settings.seed)
            dataset = open_data(data, settings.data, progress)
            loads: list[LoadReport] = []
            if isinstance(settings.model, Model):
                model = settings.model.build(
                    num_classes=dataset.num_classes,
                    class_names=dataset.class_names,
                    image_size=dataset.image_size,
                    statistics=statistics_for(settings.model, dataset),
                    file=file,
                    on_load=loads.append,
                )
            require_fit(model, dataset, settings.precision)
            phases = phases_of(model, settings.finetune)  # what does not fit is told
            open_teacher(settings.loss, dataset)  # now, before anything is written
        require_same_images(dataset, processes)

        def begin() -> Path:
            load = loads[0] if loads else None
            folder = create_run_folder(Path(out), name, resolved, dataset, load)
            save_model(model, folder / MODEL, contract_for(dataset, settings))
            load_model(folder / MODEL)  # what cannot be loaded is told now
            keep_teacher(teacher, folder)
            return folder

        folder = processes.from_first(begin)
        if processes.first:
            with phases[0].applied():
                look_before(folder, model, dataset, settings)
        with occupied(folder, processes):
            return run_session(
                folder, model, dataset, settings, callbacks, progress, processes
            )


def resume(
    run: str | Path,
    *,
    data: Dataset | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    progress: bool = True,
) -> Run:
    """Goes on with a training where its newest checkpoint stands.

    It ends with the same weights, bit for bit, as a training never stopped, on the
    same CPU and versions; a GPU's own sums may differ in the last digits.

    Args:
        run: A run folder.
        data: The data set, where it was given in memory; else it is loaded again.
        callbacks: The callbacks given to `train`; their counters are given back.
        progress: Prints progress with time left.

    Raises:
        EngineError: The folder holds no run.
        DataError: The data changed since the training began; what changed is said.
    """
    folder = itself(Path(run))
    with joined() as processes:
        progress = progress and processes.first
        with processes.in_turn():
            settings = read_recipe(folder)
            keras.utils.set_random_seed(settings.seed)
            split = read_split(folder / "split.json")
            cache = read_cache(folder) or settings.data.cache
            source = replace(settings.data, cache=cache)
            dataset = reopen_data(folder, source, data, split, progress)
            model, contract = load_model(folder / MODEL)
            require_fit(model, dataset, settings.precision)
            require_same_data(folder, split, contract, dataset)
        require_same_images(dataset, processes)
        with occupied(folder, processes):
            return run_session(
                folder, model, dataset, settings, callbacks, progress, processes
            )
