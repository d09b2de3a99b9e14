"""A CSV file that lists images and their labels."""

import csv
import io
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from residency.data.index import Index, by_number, shortened
from residency.data.sources.folder import PART_NAMES
from residency.data.sources.image_files import Found, index_files, missing, readable
from residency.errors import DataError

COLUMNS = {
    "path": ("path", "file", "filename", "file_name", "filepath", "image", "img"),
    "label": ("label", "class", "target", "category", "class_name"),
    "part": ("part", "split", "subset", "set"),
    "group": ("group", "group_id", "patient", "patient_id", "subject"),
}
"""Header names of each column, in any case; the first two are needed."""


def from_csv(path: str | Path) -> Index:
    """Returns the index of a CSV file with one image a row.

    The columns are found by their header (`COLUMNS`): the image's path, relative to
    the CSV file; its label; and, if there are any, its part (train, val, test) and
    its group. Rows of images that do not exist become samples that cannot be read.

    Raises:
        DataError: No such file or columns, an empty field, an image listed twice, or
            none of the images exists.
    """
    table = Path(path)
    rows = _rows(table)
    found: dict[str, Found] = {}
    groups: dict[str, str] = {}
    for number, row in rows:
        image = _sample(table, number, row)
        if image.name in found:
            raise DataError(f"{table}, line {number}: {image.name!r} is listed twice.")
        found[image.name] = image
        groups[image.name] = row.get("group") or image.name
    if not any(image.size for image in found.values()):
        _raise_all_missing(table, list(found.values()))
    images = [found[name] for name in sorted(found)]
    index = index_files(str(path), images, order=by_number)
    if any(row.get("group") for _, row in rows):
        return replace(index, groups=tuple(groups[name] for name in index.names))
    return index


def _rows(table: Path) -> list[tuple[int, dict[str, str]]]:
    """Returns each row's line number and its fields by our column names."""
    if not table.is_file():
        raise DataError(missing(table))
    try:
        text = table.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{table}: expected UTF-8 text: {error}.") from error
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    try:
        stream = io.StringIO(text, newline="")
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        lines = [(reader.line_num, fields) for fields in reader if any(fields)]
    except csv.Error as error:
        raise DataError(f"{table}: not a CSV file: {error}.") from error
    if len(lines) < 2:
        raise DataError(
            f"{table}: expected a header and one row an image, got neither."
        )
    header = [name.strip() for name in lines[0][1]]
    columns = _columns(table, header)
    rows = []
    for number, fields in lines[1:]:
        if len(fields) != len(header):
            raise DataError(
                f"{table}, line {number}: expected {len(header)} fields, "
                f"got {len(fields)}."
            )
        rows.append((number, {c: fields[i].strip() for c, i in columns.items()}))
    return rows


def _columns(table: Path, header: Sequence[str]) -> dict[str, int]:
    """Returns the position of each column that there is."""
    lower = [name.lower() for name in header]
    found = {
        column: lower.index(name)
        for column, names in COLUMNS.items()
        for name in reversed(names)
        if name in lower
    }
    for column in ("path", "label"):
        if column not in found:
            raise DataError(
                f"{table}: no column for the {column}: expected one named "
                f"{', '.join(COLUMNS[column])}; the header is {', '.join(header)}."
            )
    return found


def _sample(table: Path, number: int, row: Mapping[str, str]) -> Found:
    for column in ("path", "label"):
        if not row[column]:
            raise DataError(f"{table}, line {number}: the {column} is empty.")
    part = row.get("part", "").lower()
    if "part" in row and part not in PART_NAMES:
        raise DataError(
            f"{table}, line {number}: expected a part such as train, val or test, "
            f"got {row['part']!r}."
        )
    path = row["path"].replace("\\", "/")
    file = table.parent / path
    try:
        size = file.stat().st_size
    except (OSError, ValueError):
        size = 0
    name = readable(posixpath.normpath(path))  # of one file always the same
    return Found(name, file, size, readable(row["label"]), PART_NAMES.get(part))


def _raise_all_missing(table: Path, images: Sequence[Found]) -> None:
    raise DataError(
        f"{table}: none of its {len(images):,} images can be found below "
        f"{table.parent.absolute()}: {shortened([i.name for i in images], 3)}. Paths "
        f"are relative to the CSV file."
    )
