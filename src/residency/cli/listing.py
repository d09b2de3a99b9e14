"""`residency list models|recipes|datasets`."""

import typer

from residency.cli.tables import print_table

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def models() -> None:
    """List the networks of the catalog."""
    from residency.models import list_models

    print_table(
        ("model", "parameters", "what"),
        [(m.name, f"{m.parameters:,}", m.description) for m in list_models()],
    )


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
