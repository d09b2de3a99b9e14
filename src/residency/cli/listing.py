"""`residency list models|recipes|datasets`."""

from typing import Annotated

import typer

from residency.cli.tables import print_table

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def models(
    trainable: Annotated[
        str | None,
        typer.Option(help="Show what trains of this model: a name, a file or a run."),
    ] = None,
    freeze: Annotated[
        str | None,
        typer.Option(help="Stages or layers, such as conv1,conv2; else the recipe's."),
    ] = None,
    recipe: Annotated[
        str, typer.Option(help="Whose settings --trainable shows.")
    ] = "finetune/head",
) -> None:
    """List the networks of the catalog, or the stages of one."""
    if trainable is not None:
        _stages(trainable, freeze, recipe)
        return
    from residency.models import list_models

    print_table(
        ("model", "parameters", "what"),
        [(m.name, f"{m.parameters:,}", m.description) for m in list_models()],
    )


def _stages(name: str, freeze: str | None, recipe: str) -> None:
    """Prints what a recipe trains of a model, stage by stage."""
    from residency.trainable import trainable

    rows: list[tuple[str, ...]] = []
    for s in trainable(name, recipe, freeze):
        when = "frozen" if s.from_epoch is None else f"from epoch {s.from_epoch}"
        rate = "" if s.from_epoch is None else f"x {s.rate:.3g}"
        numbers = (f"{s.parameters:,}", f"{s.trained:,}", when, rate)
        rows.append((s.name, *numbers, f"{s.decayed:,}", s.batch_norm))
    heads = ("stage", "parameters", "trained", "when", "rate", "decayed", "batch norm")
    print_table(heads, rows, title=f"{name}, as {recipe} trains it")


@app.command()
def recipes() -> None:
    """List the recipes."""
    from residency.recipes import list_recipes

    rows: list[tuple[str, ...]] = []
    for r in list_recipes():
        claim = (
            f"{r.claim.accuracy_percent:.2f} % ({r.claim.source})" if r.claim else ""
        )
        rows.append((r.name, r.model.name, r.data.source or "your photos", claim))
    print_table(("recipe", "model", "data", "promised test accuracy"), rows)


@app.command()
def datasets() -> None:
    """List the data sets known by name."""
    from residency.data import list_datasets

    print_table(("data set", "what"), list(list_datasets()))
