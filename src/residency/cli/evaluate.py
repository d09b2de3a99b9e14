"""`residency evaluate`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from residency.cli.tables import print_table

MOST_PRINTED = 12  # classes whose confusion matrix fits a terminal


def evaluate(
    model: Annotated[Path, typer.Argument(help="A run folder or a .keras file.")],
    data: Annotated[
        str | None, typer.Option(help="A folder, file or name; else the run's own.")
    ] = None,
    part: Annotated[
        str | None, typer.Option(help="train, validation, test or all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    confusion: Annotated[
        Path | None, typer.Option(help="Draw the confusion matrix: an SVG or PNG.")
    ] = None,
    precision: Annotated[
        str, typer.Option(help="Of convolutions: float32 or bfloat16.")
    ] = "float32",
) -> None:
    """Measure a model: accuracy, per-class figures, the confusion matrix."""
    from residency.data.sources.image_files import readable
    from residency.evaluation import evaluate as measure
    from residency.records import evaluation_to_json
    from residency.report import confusion_matrix, confusions_in_words
    from residency.report.figures.style import require_format

    if confusion is not None:
        require_format(confusion)
    evaluation = measure(model, data, part=part, precision=precision)
    if confusion is not None:
        confusion_matrix(evaluation, confusion)
    if as_json:
        print(json.dumps(evaluation_to_json(evaluation), ensure_ascii=False))
        return
    chosen = ", used for choosing" if evaluation.used_for_choosing else ""
    print(f"{evaluation.part} accuracy{chosen}: {evaluation.accuracy}")
    if evaluation.top5 is not None:
        print(f"{evaluation.part} top-5 accuracy{chosen}: {evaluation.top5}")
    print(f"loss: {evaluation.loss:.4f}")
    if evaluation.teacher is not None:
        print(f"its teacher's accuracy: {evaluation.teacher.accuracy}")
        print(f"same answer as its teacher: {evaluation.teacher.agreement}")
    print_table(
        ("class", "precision", "recall", "F1", "images"),
        [
            (
                score.name,
                *(
                    f"{100 * f:.1f} %"
                    for f in (score.precision, score.recall, score.f1)
                ),
                f"{score.support:,}",
            )
            for score in evaluation.classes
        ],
    )
    names = [score.name for score in evaluation.classes]
    if len(names) <= MOST_PRINTED:
        counts = [
            (name, *map(str, row))
            for name, row in zip(names, evaluation.confusion, strict=True)
        ]
        print_table(("true \\ predicted", *names), counts)
    for line in confusions_in_words(evaluation):
        print(readable(line))
