"""`residency report`."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(help="The folder of a run, finished or not.")],
) -> None:
    """Write report.html into a run's folder again, and print its path."""
    from residency.report import write_report

    print(write_report(run))
