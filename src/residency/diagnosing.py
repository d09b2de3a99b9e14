"""The doctor on what a user points at: a run, a model file, a script."""

import json
import logging
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from residency.data import Data, Dataset
from residency.doctor import (
    Diagnosis,
    before_training,
    diagnose,
    diagnose_script,
    try_cures,
)
from residency.doctor.checks.transfer import bn_stats_not_converged
from residency.doctor.ordering import in_order
from residency.doctor.watch import say
from residency.errors import ConfigError, DataError
from residency.files import write_text
from residency.recipes import Recipe, get_recipe
from residency.records import Finding, record_from_json
from residency.run_folder import is_run_folder, read_recipe
from residency.trained import open_trained

import keras  # isort: skip  after residency.models, which chooses the backend

logger = logging.getLogger(__name__)

SCRIPTS = (".py", ".ipynb")
HIDDEN = {"RD405": bn_stats_not_converged.CHECK.healthy}
"""By code, the word when all is well, of checks that look at first weights alone."""
NOT_RUN = (
    "Read, not run: what the data and the weights show needs "
    "`residency.diagnose(model, (x, y))`."
)


def diagnose_subject(
    subject: str | Path,
    data: Any = None,
    *,
    recipe: str | None = None,
    epochs: int | None = None,
    budget_seconds: float = 60,
    trying: bool = False,
) -> Diagnosis:
    """Says why a run, a model or a script does not learn.

    Args:
        subject: A run folder, a `.keras` file with its compile settings if it has any,
            or a Keras script (`.py`, `.ipynb`), which is read and never run.
        data: What `residency.data.load` takes; `None` for the run's own. A script
            needs none.
        recipe: Of a model without settings; a run has its own.
        epochs: Planned; `None`: as the recipe says, or not known.
        budget_seconds: About the time taken.
        trying: Also tries the cures, for as long again.

    Raises:
        ConfigError: No such file, no such recipe, a folder that holds no run, or
            data, epochs or trials of a script.
        DataError: A model without data.
    """
    subject = Path(subject)
    if subject.suffix in SCRIPTS:
        return _read_script(subject, data, epochs=epochs, trying=trying)
    if subject.is_dir() and not is_run_folder(subject):
        raise ConfigError(
            f"diagnose: {subject}: a folder, but no run. Images are looked at beside "
            f"the model that they train: residency diagnose model.keras --data "
            f"{subject}."
        )
    if not subject.exists():
        raise ConfigError(
            f"diagnose: {subject}: no such run, model or script. Expected a run "
            "folder, a .keras file, or a .py or .ipynb file."
        )
    trained = open_trained(subject)
    if trained.run is None:
        _compile(trained.model, subject)
    settings, history = get_recipe(recipe) if recipe else None, None
    if trained.run is not None:
        settings = settings or read_recipe(trained.run)
        history = trained.run if is_run_folder(trained.run) else None
    if data is None and (trained.run is None or settings is None):
        raise DataError(
            f"diagnose: {subject} does not know its data. Pass them: --data photos/."
        )
    dataset = _dataset(trained, settings, data)
    found = diagnose(
        trained.model,
        dataset,
        epochs=epochs,
        recipe=settings,
        history=history,
        budget_seconds=budget_seconds,
    )
    if history is not None:
        found = _with_said_before(found, history)
    if not trying:
        return found
    return try_cures(
        trained.model,
        dataset,
        found,
        epochs=epochs,
        recipe=settings,
        budget_seconds=budget_seconds,
    )


def _read_script(
    path: Path, data: Any, *, epochs: int | None, trying: bool
) -> Diagnosis:
    """Says what a script's text tells; raises `ConfigError` for what needs a run."""
    if data is not None:
        raise ConfigError(
            f"diagnose: {path.name} is read and never run, so data tell nothing. "
            "Leave out --data, or pass a run folder or a .keras file with them."
        )
    if trying:
        raise ConfigError(
            f"diagnose: {path.name} is read and never run, so its cures cannot "
            "be tried. Expected a run folder or a .keras file with --try."
        )
    if epochs is not None:
        raise ConfigError(
            f"diagnose: {path.name} is read and never run; it says its epochs "
            "itself. Leave out --epochs."
        )
    start = time.monotonic()
    findings = diagnose_script(path)
    return Diagnosis(
        findings=findings,
        healthy=(),
        not_checked=(),
        subject=path.name,
        seconds=round(time.monotonic() - start, 2),
        notes=(NOT_RUN,),
    )


def _with_said_before(found: Diagnosis, run: Path) -> Diagnosis:
    """Adds what was said before a run's training and is hidden by what it trained."""
    try:
        text = (run / "diagnosis.json").read_text(encoding="utf-8")
        said = [
            replace(record_from_json(Finding, each), source=f"{run.name}, at its start")
            for each in json.loads(text)["findings"]
            if each["code"] in HIDDEN
        ]
    except (OSError, KeyError, TypeError, ValueError):  # not there, or damaged
        return found
    fine = {HIDDEN[each.code] for each in said}
    return replace(
        found,
        findings=in_order([*found.findings, *said]),
        healthy=tuple(phrase for phrase in found.healthy if phrase not in fine),
    )


def look_before(
    folder: Path, model: keras.Model, dataset: Dataset, settings: Recipe
) -> None:
    """Says in seconds what is wrong with a training that is about to begin.

    Errors and warnings are logged, everything is in `diagnosis.json` of the run folder.
    The training begins in any case, and just as it would have.
    """
    try:
        diagnosis = before_training(model, dataset, settings)
    except Exception as error:  # whatever a user's own model does: it is not the time
        logger.warning("the doctor could not look at %s: %s", model.name, error)
        return
    write_text(folder / "diagnosis.json", diagnosis.to_json() + "\n")
    for finding in diagnosis:
        if finding.severity != "advice":
            say(finding)


def _compile(model: keras.Model, path: Path) -> None:
    """Gives a loaded model the compile settings of its file, if it has any."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json")).get("compile_config")
    if not config:  # Keras writes {} for what was never compiled
        return
    try:
        model.compile_from_config(config)
    except Exception as error:  # it may name the user's own loss or optimizer
        logger.warning("%s: its compile settings are left out: %s", path, error)


def _dataset(trained: Any, settings: Recipe | None, data: Any) -> Any:
    """Returns the data set, framed as the model's own was."""
    if data is None and settings is not None:
        return settings.data.build()
    contract = trained.contract
    return Data(
        source=data, image_size=contract.image_size, resize=contract.resize
    ).build()
