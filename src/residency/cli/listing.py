"""`residency list models|recipes|datasets`."""

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command()
def models() -> None:
    """List the networks of the catalog."""
    from residency.models import list_models

    _table(
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
    _table(("recipe", "model", "data", "promised test accuracy"), rows)


@app.command()
def datasets() -> None:
    """List the data sets known by name."""
    from residency.data import list_datasets

    _table(("data set", "what"), list(list_datasets()))


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0)
    for row in rows:
        table.add_row(*map(escape, row))
    Console().print(table)
