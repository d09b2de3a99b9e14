"""The figures that records alone can give, drawn when missing or out of date."""

from pathlib import Path

from residency.report.figures import confusion_matrix, curves
from residency.report.run_folder import RunFolder


def draw_missing(run: RunFolder) -> None:
    """Draws the curves and confusion matrices that the run folder lacks.

    A figure older than the file it shows is drawn again. Grids of photos are not
    made here: they need the images.
    """
    folder = run.path / "figures"
    if run.history and _is_stale(folder / "curves.svg", run.path / "metrics.jsonl"):
        curves(run.history, folder / "curves.svg")
    for evaluation in run.evaluations:
        figure = folder / f"confusion_{Path(evaluation.part).name}.svg"
        if _is_stale(figure, run.path / "evaluation.json"):
            confusion_matrix(evaluation, figure)


def _is_stale(figure: Path, source: Path) -> bool:
    if not figure.exists():
        return True
    return figure.stat().st_mtime < source.stat().st_mtime
