"""`residency diagnose`."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def diagnose(
    subject: Annotated[
        Path, typer.Argument(help="A run folder, a .keras file, or a script.")
    ],
    data: Annotated[
        str | None, typer.Option(help="A folder, file or name; else the run's own.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="What a model without settings is trained with.")
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Planned; else as the recipe says, if any does."),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    trying: Annotated[
        bool, typer.Option("--try", help="Try the cures too, for as long again.")
    ] = False,
    budget: Annotated[float, typer.Option(help="About so many seconds.")] = 60,
) -> None:
    """Say why a model does not learn; exit status 1 where an error is found."""
    from residency.diagnosing import diagnose_subject

    diagnosis = diagnose_subject(
        subject,
        data,
        recipe=recipe,
        epochs=epochs,
        budget_seconds=budget,
        trying=trying,
    )
    if html is not None:
        diagnosis.to_html(html)
    if as_json:
        print(diagnosis.to_json())
    else:
        print(diagnosis)
        if html is not None:
            print(f"Page: {html}")
    if diagnosis.worst == "error":
        sys.exit(1)
