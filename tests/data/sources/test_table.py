"""CSV lists of images."""

import pytest

from residency.data.sources.table import from_csv
from residency.errors import DataError


@pytest.fixture
def folder(tmp_path, write_photos):
    return write_photos(tmp_path, {"images": 6})


def write(folder, text, encoding="utf-8"):
    (folder / "list.csv").write_text(text, encoding=encoding)
    return folder / "list.csv"


ROWS = "".join(f"images/{i:03d}.png,{'ab'[i % 2]}\n" for i in range(6))


@pytest.mark.parametrize("header", ["path,label", "Filename,Class", "IMAGE,target"])
def test_columns_are_found_by_their_names(folder, header):
    index = from_csv(write(folder, f"{header}\n{ROWS}"))
    assert index.class_names == ("a", "b")
    assert index.names[0] == "images/000.png"
    assert index.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert index.parts is None
    assert index.groups is None
    assert index.read(3)[0, 0].tolist() == [0, 3, 7]


def test_classes_that_are_numbers_are_sorted_as_numbers(folder):
    rows = "".join(f"images/{i:03d}.png,{8 + i}\n" for i in range(6))
    index = from_csv(write(folder, f"path,label\n{rows}"))
    assert index.class_names == ("8", "9", "10", "11", "12", "13")
    assert index.labels.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_and_a_byte_order_mark(folder, delimiter):
    text = f"path,label\n{ROWS}".replace(",", delimiter)
    assert len(from_csv(write(folder, text, "utf-8-sig"))) == 6


def test_parts_groups_and_quotes(folder):
    text = (
        "label,patient,path,split\n"
        "a,p1,images/000.png,train\n"
        '"b, c",p1,images/001.png,Training\n'
        "a,p2,images/002.png,val\n"
        '"b, c",,images/003.png,TEST\n'
    )
    index = from_csv(write(folder, text))
    assert index.parts == ("train", "train", "validation", "test")
    assert index.groups == ("p1", "p1", "p2", "images/003.png")
    assert index.class_names == ("a", "b, c")


def test_one_file_has_one_name_however_it_is_spelt(folder):
    text = "path,label\nimages/000.png,a\n./images//001.png,b\nx/../images/002.png,b\n"
    index = from_csv(write(folder, text))
    assert index.names == ("images/000.png", "images/001.png", "images/002.png")
    with pytest.raises(DataError, match=r"line 5: 'images/001.png' is listed twice"):
        from_csv(write(folder, f"{text}images/001.png,a\n"))


def test_only_ends_of_lines_end_a_row(folder):
    rows = ROWS.replace(",b", ",b\x85\u2028c").replace(",a", ',"a\nd"')
    index = from_csv(write(folder, f"path,label\n{rows}"))
    assert index.class_names == ("a\\x0ad", "b\x85\u2028c")
    assert len(index) == 6


def test_missing_files_become_samples_that_cannot_be_read(folder):
    index = from_csv(write(folder, f"path,label\n{ROWS}images/gone.png,a\n"))
    assert index.sizes[-1] == 0
    assert len(index) == 7


def test_all_files_missing_is_an_error(folder):
    text = "path,label\nx/1.png,a\nx/2.png,b\n"
    with pytest.raises(DataError, match=r"none of its 2 images.*x/1\.png, x/2\.png"):
        from_csv(write(folder, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "no column for the path.*the header is a, b"),
        ("path,b\n1,2\n", "no column for the label"),
        ("path,label\n", "expected a header and one row"),
        ("", "expected a header and one row"),
        ("path,label\nimages/000.png\n", "line 2: expected 2 fields, got 1"),
        ("path,label\nimages/000.png,\n", "line 2: the label is empty"),
        (f"path,label\n{ROWS}images/000.png,b\n", "line 8: .* is listed twice"),
        ("path,label,split\nimages/000.png,a,foo\n", "expected a part.*'foo'"),
    ],
)
def test_what_is_wrong_is_named(folder, text, message):
    with pytest.raises(DataError, match=message):
        from_csv(write(folder, text))


def test_other_encodings_and_absent_files(folder):
    with pytest.raises(DataError, match="expected UTF-8"):
        from_csv(write(folder, "path,label\né.png,a\n", "latin-1"))
    with pytest.raises(DataError, match=r"Did you mean 'list\.csv'"):
        from_csv(folder / "lists.csv")
