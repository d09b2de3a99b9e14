"""`residency data inspect|show|split`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from residency.cli.tables import print_table

if TYPE_CHECKING:
    from residency.data.inspect import Inspection, Range

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

LISTED = 20  # lines of a long list; --json has them all

Source = Annotated[
    str, typer.Argument(help="A folder, a file, or a name: `list datasets`.")
]


class _Table(NamedTuple):
    """One table of the printed inspection."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


@app.command()
def inspect(
    data: Source,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write inspection.json into this folder.")
    ] = None,
    headers_only: Annotated[
        bool, typer.Option("--headers-only", help="Do not decode: quick, finds less.")
    ] = False,
) -> None:
    """Count classes, sizes and formats; find broken images and duplicates."""
    from residency.data.inspect import inspect_index
    from residency.data.sources import resolve
    from residency.files import write_json

    found = inspect_index(resolve(data), decode=False if headers_only else None)
    record = _as_json(found)
    if out is not None:
        write_json(out / "inspection.json", record)
    if as_json:
        print(json.dumps(record, indent=1, ensure_ascii=False))
    else:
        for table in _tables(found):
            print_table(table.columns, table.rows, title=table.title)
            print()


@app.command()
def show(
    data: Source,
    recipe: Annotated[
        str | None, typer.Option(help="Augments as this recipe does.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("data.png"),
    count: Annotated[int, typer.Option(min=1, help="Images to show.")] = 16,
    seed: Annotated[int, typer.Option(help="Other images, other draws.")] = 0,
) -> None:
    """Draw training images as the model sees them, plain and augmented."""
    from dataclasses import replace

    from residency.data import Data
    from residency.data.preview import preview
    from residency.report.figures import image_grid

    settings = Data()
    if recipe is not None:
        from residency.recipes import get_recipe

        settings = get_recipe(recipe).data
    whole = replace(settings, source=data, cache="stream", validation=0.0, test=0.0)
    loaded = whole.build()
    seen = preview(loaded, settings.transforms, count, seed)
    columns = min(8, len(seen.names))
    images: list[Any] = []
    titles: list[str] = []
    for start in range(0, len(seen.names), columns):
        line = slice(start, start + columns)
        images += [*seen.before[line], *seen.after[line]]
        titles += [*seen.class_names[line], *("augmented" for _ in seen.names[line])]
    heading = f"{data}, {recipe or 'no recipe'}, {loaded.image_size} pixels"
    print(image_grid(images, titles, out, columns=columns, title=heading))


@app.command()
def split(
    data: Source,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("split.json"),
    validation: Annotated[float, typer.Option(help="Share to validate on.")] = 0.15,
    test: Annotated[float, typer.Option(help="Share to test on at the end.")] = 0.15,
    seed: Annotated[int, typer.Option(help="Same seed, same split.")] = 0,
) -> None:
    """Split into train, validation and test, and record it in a file."""
    from residency.data import Data
    from residency.files import write_json

    loaded = Data(
        source=data, validation=validation, test=test, split_seed=seed, cache="stream"
    ).build()
    write_json(out, loaded.split.to_json())
    counts = (f"{part} {count:,}" for part, count in loaded.split.counts().items())
    print(f"{out}: {', '.join(counts)}")


def _as_json(found: "Inspection") -> dict[str, Any]:
    from dataclasses import asdict

    ratio = found.imbalance_ratio
    return {
        **asdict(found),
        "imbalance_ratio": ratio if ratio < float("inf") else None,
    }


def _tables(found: "Inspection") -> list[_Table]:
    parts = tuple(found.classes[0].counts)
    classes = [(c.name, *(f"{c.counts[p]:,}" for p in parts)) for c in found.classes]
    totals = [f"{sum(c.counts[part] for c in found.classes):,}" for part in parts]
    facts = [
        ("images", f"{found.images:,}"),
        ("largest class / smallest", f"{found.imbalance_ratio:.2f}"),
        ("width, pixels", _range(found.widths)),
        ("height, pixels", _range(found.heights)),
        ("formats", _counts(found.formats)),
        ("colour modes", _counts(found.modes)),
        ("broken", f"{len(found.quarantined):,}"),
        ("groups of equal images", f"{len(found.duplicates):,}"),
        ("of them across parts", f"{sum(d.across_parts for d in found.duplicates):,}"),
        ("of them in two classes", f"{sum(d.contradicting for d in found.duplicates)}"),
        ("looked at", "every pixel" if found.decoded else "headers and stored bytes"),
    ]
    equal = [
        (f"{name} ({part}, {label})", str(number))
        for number, group in enumerate(found.duplicates, start=1)
        for name, part, label in zip(
            group.names, group.parts, group.classes, strict=True
        )
    ]
    tables = [
        _Table("Classes", ("class", *parts), [*classes, ("all", *totals)]),
        _Table("Images", ("what", found.source), facts),
        _Table(
            "Broken images",
            ("image", "reason"),
            _shortened([(q.name, q.reason) for q in found.quarantined]),
        ),
        _Table("Equal images", ("image", "group"), _shortened(equal)),
    ]
    return [table for table in tables if table.rows]


def _range(values: "Range | None") -> str:
    if values is None:
        return "none"
    low, middle, high = values.minimum, values.median, values.maximum
    return f"{low} to {high}, median {middle:g}"


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in found.items()) or "none"


def _shortened(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    if len(rows) <= LISTED:
        return list(rows)
    return [*rows[:LISTED], (f"and {len(rows) - LISTED} more: see --json", "")]
