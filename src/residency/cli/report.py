"""`residency report`."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(help="The folder of a run, finished or not.")],
) -> None:
    """Write report.html into a run's folder again, and print its path."""
    from residency.errors import DataError
    from residency.report import write_report
    from residency.run_folder import is_run_folder

    if not is_run_folder(run):
        raise DataError(
            f"{run}: expected the folder of a run, found none. Its path was printed "
            "when the training started."
        )
    print(write_report(run))
