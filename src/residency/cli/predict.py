"""`residency predict`."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from residency.cli.tables import print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from residency.models import Contract
    from residency.records import Prediction

MOST_IN_GRID = 64


def predict(
    model: Annotated[Path, typer.Argument(help="A run folder or a .keras file.")],
    paths: Annotated[list[str], typer.Argument(help="Images, folders or patterns.")],
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write a table to this file.")
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help='Print {"predictions": [...], "broken": [...]} as JSON.'
        ),
    ] = False,
    grid: Annotated[
        Path | None, typer.Option(help="Draw the images with their classes: a PNG.")
    ] = None,
    precision: Annotated[
        str, typer.Option(help="Of convolutions: float32 or bfloat16.")
    ] = "float32",
) -> None:
    """Classify images; known mistakes are red in the grid."""
    from residency.data.sources.image_files import readable
    from residency.files import write_text
    from residency.prediction import predict as classify
    from residency.records import record_to_json
    from residency.trained import open_trained

    if grid is not None:
        from residency.report.figures.style import require_format

        require_format(grid)
    trained = open_trained(model)
    predictions, broken = classify(trained, paths, precision=precision)
    for each in broken:
        print(readable(f"warning: {each.name}: {each.reason}"), file=sys.stderr)
    if csv_file is not None:
        write_text(csv_file, _csv(predictions))
    if grid is not None:
        _draw(trained.contract, predictions[:MOST_IN_GRID], grid)
    if as_json:
        found = {
            "predictions": record_to_json(predictions),
            "broken": record_to_json(broken),
        }
        print(json.dumps(found, ensure_ascii=False, indent=1))
    elif csv_file is None:
        _print(predictions)


def _csv(predictions: "Sequence[Prediction]") -> str:
    from residency.data.sources.image_files import readable

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "class", "confidence", "true_class"])
    for p in predictions:
        name, label, truth = map(_cell, (readable(p.name), p.label, p.truth or ""))
        writer.writerow([name, label, f"{p.confidence:.6f}", truth])
    return text.getvalue()


def _cell(name: str) -> str:
    """Returns a name that spreadsheets take for a text, not for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name


def _draw(
    contract: "Contract", predictions: "Sequence[Prediction]", path: Path
) -> None:
    from residency.prediction import read_image
    from residency.report import prediction_grid

    images = [read_image(p.name, contract) for p in predictions]
    prediction_grid(predictions, images, path)


def _print(predictions: "Sequence[Prediction]") -> None:
    known = [p for p in predictions if p.truth is not None]
    columns = ["image", "class", "confidence", *(["true class"] if known else [])]
    rows = [
        [p.name, p.label, f"{100 * p.confidence:.1f} %", p.truth or ""][: len(columns)]
        for p in predictions
    ]
    wrong = [n for n, p in enumerate(predictions) if p.truth not in (None, p.label)]
    print_table(columns, rows, red=wrong)
    if known:
        right = len(known) - len(wrong)
        print(f"{right:,} of {len(known):,} images with a known class are right.")
