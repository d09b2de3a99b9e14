"""`residency train` and `residency resume`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from residency.errors import ConfigError

if TYPE_CHECKING:
    from residency.run import Run


def train(
    recipe: Annotated[
        str | None, typer.Argument(help="Such as quick/photos; see `list recipes`.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="A folder, a file, or a name: `list datasets`.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Instead of the recipe's: `list models`.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="path=value, such as optimizer.learning_rate=0.05."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Run folders are made in here.")] = Path(
        "runs"
    ),
    name: Annotated[
        str | None, typer.Option(help="Name of the run folder; else time and recipe.")
    ] = None,
) -> None:
    """Train a model as a recipe says; write a run folder with a report."""
    if recipe is None and model is None:
        raise ConfigError(
            "train: expected a recipe, such as `residency train quick/photos --data "
            "photos/`, or --model. `residency list recipes` shows them."
        )
    changes = parse_changes(set_ or [])
    from residency import run as runs

    _finish(
        runs.train(
            model, data, recipe or runs.DEFAULT_RECIPE, out, name=name, changes=changes
        )
    )


def resume(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
) -> None:
    """Go on with a run that was stopped, exactly where it stood."""
    from residency import run as runs

    _finish(runs.resume(run))


def parse_changes(texts: list[str]) -> dict[str, str]:
    """Returns `path=value` texts as a mapping.

    Raises:
        ConfigError: A text has no `=`.
    """
    changes: dict[str, str] = {}
    for text in texts:
        path, equals, value = text.partition("=")
        if not equals or not path:
            raise ConfigError(
                f"--set {text}: expected path=value, such as "
                "--set optimizer.learning_rate=0.05."
            )
        changes[path.strip()] = value
    return changes


def _finish(run: "Run") -> None:
    """Prints what a run left behind, once; ends with status 1 if it failed."""
    from residency.engine.distributed import is_first

    if is_first():
        _print(run)
    if run.stopped == "interrupted":
        sys.exit(130)
    if run.stopped is not None and "finite" in run.stopped:
        sys.exit(1)


def _print(run: "Run") -> None:
    folder = run.folder
    if run.stopped == "interrupted":
        print(f"Interrupted. Go on with: residency resume {folder}")
        return
    for evaluation in run.evaluations:
        chosen = ", used for choosing" if evaluation.used_for_choosing else ""
        print(f"{evaluation.part} accuracy{chosen}: {evaluation.accuracy}")
    print(f"Report:  {folder / 'report.html'}")
    print(f"Model:   {folder / 'best.keras'}")
    print(f"Predict: residency predict {folder} IMAGE...")
    if run.stopped is not None:
        print(f"Training ended early: {run.stopped}.")
        if "finite" in run.stopped:
            print("Try a lower rate: --set optimizer.learning_rate=...")
