"""The command `residency`: its sub-commands, and what happens to errors."""

import errno
import io
import logging
import os
import sys

import typer

from residency import __version__
from residency.cli import data, listing
from residency.cli.diagnose import diagnose
from residency.cli.evaluate import evaluate
from residency.cli.export import export
from residency.cli.predict import predict
from residency.cli.report import report
from residency.cli.train import resume, train
from residency.errors import ResidencyError

OUTPUT_FAILS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""What writing to a full or broken disk ends in; other errors name their file."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Train image classifiers in Keras: the paper's number, and the reason.",
)
app.command()(train)
app.command()(resume)
app.command()(evaluate)
app.command()(predict)
app.command()(report)
app.command()(diagnose)
app.command()(export)
app.add_typer(data.app, name="data", help="Look at a data set.")
app.add_typer(listing.app, name="list", help="List models, recipes or data sets.")


@app.callback(invoke_without_command=True)
def options(
    version: bool = typer.Option(False, "--version", help="Print the version."),
) -> None:
    """Options before the command."""
    if version:
        print(__version__)
        raise typer.Exit


def main() -> None:
    """Runs the command line; a user's error is one line and exit status 2."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    logging.addLevelName(logging.WARNING, "warning")
    for stream in (sys.stdout, sys.stderr):  # a file name may be in no known encoding
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:  # closed
                sys.stdout.flush()  # a full disk is met here, or at the very end
    except ResidencyError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except MemoryError:
        print("error: memory ran out. Take smaller images or batches.", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        full = error.filename is None and error.errno in OUTPUT_FAILS
        where = "standard output" if full else error.filename
        said = f"{where}: " if where else ""
        print(f"error: {said}{error.strerror or error}.", file=sys.stderr)
        if full and sys.stdout is not None:  # what is left would be written at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(2)
