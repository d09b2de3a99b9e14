"""The report: one HTML file that needs nothing but itself."""

import base64
import dataclasses
import shlex
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from residency.files import replacing
from residency.records import EpochRecord, Evaluation, best_epoch
from residency.report.class_table import weak_classes, worst_first
from residency.report.confusions import confusions_in_words
from residency.report.data_counts import data_counts
from residency.report.headline import caveats, claim_beside, headline
from residency.report.numbers import interval, percent
from residency.report.redraw import draw_missing
from residency.report.run_folder import RunFolder, read_run_folder
from residency.report.schedule import schedule
from residency.report.settings import leaves, settings

MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
ROWS_AT_ONCE = 25  # longer tables are folded


@dataclasses.dataclass(frozen=True, slots=True)
class PartView:
    """What the page shows of one evaluated part."""

    evaluation: Evaluation
    classes: list[Any]
    weak: frozenset[str]
    sentences: list[str]
    figure: str | None


def write_report(run_folder: Path) -> Path:
    """Writes `report.html` into a run folder and returns its path.

    The file is self-contained: figures are inside, nothing is loaded from
    elsewhere and no script runs. It is written whole or not at all. What the run
    has not produced yet is said to be missing; figures that its records can give
    are drawn first.

    Args:
        run_folder: The folder that `train` wrote, finished or not.

    Returns:
        The path of `report.html`.

    Raises:
        DataError: There is no such folder.
        ExportError: The folder cannot be written to.
    """
    run_folder = Path(run_folder)
    draw_missing(read_run_folder(run_folder))
    page = render(read_run_folder(run_folder))
    target = run_folder / "report.html"
    with replacing(target) as temporary:
        # A file name may hold bytes that are no UTF-8; they are shown as codes.
        temporary.write_bytes(page.encode("utf-8", "backslashreplace"))
    return target


def render(run: RunFolder) -> str:
    """Returns the HTML of the report on `run`."""
    environment = Environment(
        loader=PackageLoader("residency.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    chosen, defaults = settings(run)
    parts, counts = data_counts(run)
    return environment.get_template("report.html.j2").render(
        run=run,
        name=str(run.recipe.get("name") or run.path.name),
        model=_model(run),
        data=_data(run),
        quoted=headline(run),
        claim=claim_beside(run),
        caveats=caveats(run),
        best=best_epoch(run.history),
        last=_last(run),
        parts=[_part_view(run, e) for e in _quoted_first(run)],
        figures={name: data_uri(path) for name, path in run.figures.items()},
        count_parts=parts,
        counts=counts,
        chosen=chosen,
        defaults=defaults,
        schedule=schedule(run),
        environment=_environment(run),
        shell_path=shlex.quote(str(run.path)),
        python_path=repr(str(run.path)),
        rows_at_once=ROWS_AT_ONCE,
        percent=percent,
        interval=interval,
    )


def data_uri(path: Path) -> str:
    """Returns the file as a `data:` address, base64.

    An SVG inside an image can run no script and load nothing, and its names do
    not meet those of the other figures.
    """
    content = base64.b64encode(path.read_bytes()).decode("ascii")
    return f"data:{MEDIA_TYPES[path.suffix]};base64,{content}"


def _part_view(run: RunFolder, evaluation: Evaluation) -> PartView:
    return PartView(
        evaluation=evaluation,
        classes=worst_first(evaluation.classes),
        weak=weak_classes(evaluation.classes),
        sentences=confusions_in_words(evaluation),
        figure=f"confusion_{evaluation.part}"
        if f"confusion_{evaluation.part}" in run.figures
        else None,
    )


def _quoted_first(run: RunFolder) -> list[Evaluation]:
    quoted = headline(run)
    return sorted(run.evaluations, key=lambda evaluation: evaluation is not quoted)


def _last(run: RunFolder) -> EpochRecord | None:
    return run.history[-1] if run.history else None


def _environment(run: RunFolder) -> list[tuple[str, str]]:
    """Returns name and value, the command as it can be typed again."""
    found = dict(run.environment)
    if isinstance(found.get("command"), list):
        found["command"] = shlex.join(map(str, found["command"]))
    return list(leaves(found))


def _model(run: RunFolder) -> str:
    return _named(run, "model", "name")


def _data(run: RunFolder) -> str:
    return _named(run, "data", "source")


def _named(run: RunFolder, section: str, field: str) -> str:
    """Returns what a section of the recipe is called, its class if nothing else."""
    found = dict(leaves(run.settings.get(section, {}), section))
    return found.get(f"{section}.{field}") or found.get(section) or "not recorded"
