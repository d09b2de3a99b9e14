"""The doctor on what a user points at: a run, a model file, a script."""

import time
from pathlib import Path
from typing import Any

from residency.data import Data
from residency.doctor import Diagnosis, diagnose, diagnose_script
from residency.errors import ConfigError, DataError
from residency.recipes import Recipe, get_recipe
from residency.run_folder import is_run_folder, read_recipe
from residency.trained import open_trained

SCRIPTS = (".py", ".ipynb")


def diagnose_subject(
    subject: str | Path,
    data: Any = None,
    *,
    recipe: str | None = None,
    budget_seconds: float = 60,
) -> Diagnosis:
    """Says why a run, a model or a script does not learn.

    Args:
        subject: A run folder, a `.keras` file with its compile settings if it has any,
            or a Keras script (`.py`, `.ipynb`), which is read and never run.
        data: What `residency.data.load` takes; `None` for the run's own. A script
            needs none.
        recipe: Of a model without settings; a run has its own.
        budget_seconds: About the time taken.

    Raises:
        ConfigError: No such file, or no such recipe.
        DataError: A model without data.
    """
    subject = Path(subject)
    if subject.suffix in SCRIPTS:
        start = time.monotonic()
        findings = diagnose_script(subject)
        return Diagnosis(
            findings=findings,
            healthy=(),
            not_checked=(),
            subject=subject.name,
            seconds=round(time.monotonic() - start, 2),
        )
    if not subject.exists():
        raise ConfigError(
            f"diagnose: {subject}: no such run, model or script. Expected a run "
            "folder, a .keras file, or a .py or .ipynb file."
        )
    trained = open_trained(subject)
    settings, history = get_recipe(recipe) if recipe else None, None
    if trained.run is not None:
        settings = settings or read_recipe(trained.run)
        history = trained.run if is_run_folder(trained.run) else None
    if data is None and (trained.run is None or settings is None):
        raise DataError(
            f"diagnose: {subject} does not know its data. Pass them: --data photos/."
        )
    return diagnose(
        trained.model,
        _dataset(trained, settings, data),
        recipe=settings,
        history=history,
        budget_seconds=budget_seconds,
    )


def _dataset(trained: Any, settings: Recipe | None, data: Any) -> Any:
    """Returns the data set, framed as the model's own was."""
    if data is None and settings is not None:
        return settings.data.build()
    contract = trained.contract
    return Data(
        source=data, image_size=contract.image_size, resize=contract.resize
    ).build()
