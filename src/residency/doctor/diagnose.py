"""`residency.diagnose`: one probe, all checks, one answer."""

import time
from collections.abc import Sequence
from typing import Any

import keras

from residency.data import Dataset
from residency.doctor.checks import CHECKS
from residency.doctor.diagnosis import Diagnosis
from residency.doctor.history import diagnose_history
from residency.doctor.ordering import in_order
from residency.doctor.own_data import batches_of
from residency.doctor.plan import Plan, plan_of, units_of
from residency.doctor.probe import Probe, take_probe
from residency.errors import ConfigError
from residency.recipes import Recipe, get_recipe
from residency.records import Finding

DEFAULT_BATCH = 64
"""Of our data sets where no recipe says another."""
QUICK_SECONDS = 4.0
"""About the time before a training's first step."""
NOT_COMPILED = (
    "The model is not compiled: loss, rate and schedule need its compile settings, or "
    "the name of a recipe (recipe=, --recipe)."
)


def diagnose(
    model: keras.Model,
    train: Any,
    validation: Any = None,
    *,
    epochs: int | None = None,
    callbacks: Sequence[Any] = (),
    history: Any = None,
    recipe: str | Recipe | None = None,
    budget_seconds: float = 60,
) -> Diagnosis:
    """Says why a model does not learn, or will not, with evidence and cure.

    The model, its weights, its optimizer and all random states are afterwards as they
    were; of an iterator that cannot be read again, what was read is used up.

    Args:
        model: Any built Keras model, with its compile settings if it has any, on the
            torch, TensorFlow or JAX backend.
        train: What `fit` takes: arrays `(x, y)`, a `PyDataset`, a tf.data `Dataset`, a
            torch `DataLoader`, a generator; or a data set of `residency.data.load`,
            whose validation part is used too.
        validation: The same, or `None`.
        epochs: How many are planned; `None`: not known, and what depends on the length
            of training is not checked.
        callbacks: Those that `fit` would get.
        history: Of a training already done: what `fit` returned, a dict of lists, a
            run folder, a CSV log or TensorBoard's folder.
        recipe: Name of a recipe, or the recipe, for a model that is not compiled.
        budget_seconds: About the time taken; slow models are tried for fewer steps.

    Returns:
        The findings, strongest first, what is fine and what could not be told.

    Raises:
        ConfigError: `budget_seconds` is not positive, no such recipe, or `model` is no
            Keras model.
        DataError: Data of a kind that `fit` would not take, without samples, or
            without the labels that the loss takes.

    Example:

    >>> import numpy as np
    >>> x, y = np.random.default_rng(0).random((64, 8)), np.arange(64) % 2
    >>> model = keras.Sequential(
    ...     [keras.Input((8,)), keras.layers.Dense(1, activation="softmax")]
    ... )
    >>> model.compile("adam", "binary_crossentropy")
    >>> diagnose(model, (x, y), budget_seconds=2).findings[0].label
    'last_activation_wrong'
    """
    start = time.monotonic()
    if not budget_seconds > 0:
        raise ConfigError(
            f"diagnose: expected budget_seconds above 0, got {budget_seconds}."
        )
    train, validation, plan = prepared(model, train, validation, recipe)
    probe = take_probe(
        model,
        train,
        validation,
        epochs=epochs,
        callbacks=callbacks,
        plan=plan,
        budget_seconds=budget_seconds,
    )
    return _answer(probe, model.name, start, history)


def before_training(model: keras.Model, data: Dataset, recipe: Recipe) -> Diagnosis:
    """Says what is wrong with a training that is about to begin, in seconds.

    No steps are tried; see `diagnose` for the rest.
    """
    start = time.monotonic()
    train, validation = _parts(data, None, recipe)
    probe = take_probe(
        model,
        train,
        validation,
        plan=plan_of(recipe, len(train), units_of(model)),
        budget_seconds=QUICK_SECONDS,
        trials=False,
    )
    return _answer(probe, model.name, start, None)


def _answer(probe: Probe, subject: str, start: float, history: Any) -> Diagnosis:
    findings, healthy, unknown = run_checks(probe)
    if history is not None:
        findings += diagnose_history(history)
    return Diagnosis(
        findings=in_order(findings),
        healthy=tuple(healthy),
        not_checked=tuple(unknown),
        subject=subject,
        seconds=round(time.monotonic() - start, 2),
        notes=(NOT_COMPILED,) if probe.settings.optimizer is None else (),
    )


def run_checks(probe: Probe) -> tuple[list[Finding], list[str], list[str]]:
    """Returns findings, what is fine, and what the probe cannot tell."""
    findings: list[Finding] = []
    healthy: list[str] = []
    unknown: list[str] = []
    for check in CHECKS:
        found = check.run(probe)
        if found is None:
            unknown.append(check.healthy)
        elif found:
            findings += found
        else:
            healthy.append(check.healthy)
    return findings, healthy, unknown


def prepared(
    model: keras.Model, train: Any, validation: Any, recipe: str | Recipe | None
) -> tuple[Any, Any, Plan | None]:
    """Returns the parts as a probe takes them, and the plan of a recipe.

    The plan is `None` where there is no recipe, or the model is compiled.

    Raises:
        ConfigError: No such recipe, or `model` is no Keras model.
    """
    if not isinstance(model, keras.Model):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigError(
            f"diagnose: expected a Keras model, got {type(model).__name__}. Load it "
            "first, by keras.saving.load_model(...)."
        )
    settings = get_recipe(recipe) if isinstance(recipe, str) else recipe
    if isinstance(train, Dataset):
        train, validation = _parts(train, validation, settings)
    if settings is None or getattr(model, "optimizer", None) is not None:
        return train, validation, None
    steps = len(train) if hasattr(train, "__len__") else 1
    return train, validation, plan_of(settings, steps, units_of(model))


def _parts(data: Dataset, validation: Any, settings: Recipe | None) -> tuple[Any, Any]:
    """Returns the training and validation parts of our data set as batches."""
    batch_size = settings.data.batch_size if settings else DEFAULT_BATCH
    size = data.image_size
    held_out = validation
    if held_out is None and data.validation is not None:
        held_out = batches_of(data.validation, image_size=size, batch_size=batch_size)
    transforms = settings.data.transforms if settings else ()
    train = batches_of(
        data.train, image_size=size, batch_size=batch_size, transforms=transforms
    )
    return train, held_out
