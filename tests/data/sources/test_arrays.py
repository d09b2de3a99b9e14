"""Arrays and .npz files: which shapes, ranges and labels mean what."""

import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from residency.data.sources.arrays import as_labels, as_pixels, from_arrays, from_npz
from residency.errors import DataError

GREY = np.arange(4 * 3 * 2, dtype=np.uint8).reshape(4, 3, 2)
COLOUR = np.arange(4 * 3 * 2 * 3, dtype=np.uint8).reshape(4, 3, 2, 3)
LABELS = np.array([0, 1, 1, 0])


@pytest.mark.parametrize("x", [GREY, GREY[..., None]])
def test_grey_becomes_three_equal_channels(x):
    index = from_arrays((x, LABELS))
    assert index.read(1).shape == (3, 2, 3)
    np.testing.assert_array_equal(index.read(1), np.stack([GREY[1]] * 3, axis=-1))
    assert index.sizes.tolist() == [6] * 4
    assert index.parts is None


def test_colour_stays():
    index = from_arrays((COLOUR, LABELS))
    np.testing.assert_array_equal(index.read(2), COLOUR[2])
    assert index.content(2) == COLOUR[2].tobytes()


@pytest.mark.parametrize("dtype", [np.int64, np.float32, np.uint16])
def test_whole_numbers_are_kept(dtype):
    np.testing.assert_array_equal(as_pixels(COLOUR.astype(dtype), "x"), COLOUR)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_up_to_1_are_scaled(dtype):
    scaled = np.linspace(0, 1, 256).astype(dtype).reshape(1, 16, 16)
    expected = np.rint(np.linspace(0, 1, 256) * 255).reshape(1, 16, 16)
    np.testing.assert_array_equal(as_pixels(scaled, "x"), expected)


@given(st.lists(st.integers(0, 255), min_size=4, max_size=4))
def test_bytes_divided_by_255_come_back(values):
    x = np.array(values, np.uint8).reshape(1, 2, 2)
    back = as_pixels(x.astype(np.float32) / 255, "x")
    np.testing.assert_array_equal(back, x)


def test_resized_floats_in_0_to_255_are_rounded():
    x = np.array([[[0.2, 99.6], [254.9, 3.4]]])
    assert as_pixels(x, "x").tolist() == [[[0, 100], [255, 3]]]


def test_truth_values_are_black_and_white():
    assert as_pixels(np.eye(2, dtype=bool)[None], "x").tolist() == [
        [[255, 0], [0, 255]]
    ]


@pytest.mark.parametrize(
    "x",
    [
        np.array([[[-1.0, 1.0]]]),  # scaled to -1..1
        np.array([[[0.5, 2.64]]]),  # standardised
        np.array([[[0, 65535]]], np.uint16),
        np.array([[[0.0, np.nan]]]),
        np.array([[[0.0, np.inf]]]),
    ],
)
def test_other_ranges_are_refused(x):
    with pytest.raises(DataError, match=r"expected pixels in 0\.\.255"):
        as_pixels(x, "x")


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((4, 3)), "shape"),
        (np.zeros((4, 2, 2, 4)), "shape"),
        (np.zeros((4, 3, 8, 8)), r"Channels come last: x\.transpose"),
        (np.zeros((0, 8, 8)), "shape"),
        (np.full((1, 2, 2), "a"), "expected numbers"),
        ([np.zeros((2, 2)), np.zeros((3, 3))], "different shapes"),
    ],
)
def test_other_shapes_are_refused(x, message):
    with pytest.raises(DataError, match=message):
        as_pixels(x, "x")


@pytest.mark.parametrize(
    "y",
    [
        [2, 0, 1],
        np.array([[2], [0], [1]]),
        np.array([2.0, 0.0, 1.0]),
        np.eye(3)[[2, 0, 1]],
        np.eye(3, dtype=bool)[[2, 0, 1]],
    ],
)
def test_labels_in_every_form(y):
    assert as_labels(y, "y").tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    "y",
    [[0.5, 1.0], np.full((2, 3), 1 / 3), np.zeros((2, 3)), np.zeros((2, 2, 2)), [{}]],
)
def test_labels_of_no_meaning_are_refused(y):
    with pytest.raises(DataError):
        as_labels(y, "y")


def test_words_and_numbers_name_the_classes():
    words = from_arrays((GREY, ["dog", "cat", "cat", "dog"]))
    assert (words.class_names, words.labels.tolist()) == (("cat", "dog"), [1, 0, 0, 1])
    numbers = from_arrays((GREY, [10, 9, 9, 100]))
    assert numbers.class_names == ("9", "10", "100")


def test_words_that_are_numbers_are_sorted_as_numbers():
    index = from_arrays((GREY, ["10", "9", "9", "-1"]))
    assert (index.class_names, index.labels.tolist()) == (
        ("-1", "9", "10"),
        [2, 1, 1, 0],
    )
    index = from_arrays((GREY, ["10", "9", "9", "b"]))
    assert (index.class_names, index.labels.tolist()) == (
        ("10", "9", "b"),
        [0, 1, 1, 2],
    )


def test_one_hot_columns_are_classes_even_without_images(caplog):
    index = from_arrays((GREY, np.eye(10)[[3, 1, 1, 9]]))
    assert index.class_names == tuple("0123456789")
    assert index.labels.tolist() == [3, 1, 1, 9]
    assert "no image of the classes 0, 2, 4, 5, 6, 7, 8" in caplog.text
    part = (GREY, np.eye(4)[LABELS])
    with pytest.raises(DataError, match="as many columns in all parts, got 3 and 4"):
        from_arrays((part, (GREY, np.eye(3)[LABELS])))


def test_train_and_test():
    index = from_arrays(((GREY, LABELS), (GREY[:2], LABELS[:2])))
    assert index.parts == ("train",) * 4 + ("test",) * 2
    assert index.names[3:5] == ("train/000003", "test/000000")
    np.testing.assert_array_equal(index.read(5), index.read(1))


def test_two_images_in_lists_are_not_taken_for_parts():
    index = from_arrays(([GREY[0], GREY[1]], ["a", "b"]))
    assert index.parts is None
    one_hot = from_arrays(([GREY[0], GREY[1]], [[1, 0], [0, 1]]))
    assert one_hot.labels.tolist() == [0, 1]
    assert one_hot.class_names == ("0", "1")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (GREY, "expected .x, y."),
        ((GREY, LABELS[:3]), "4 images but 3 labels"),
        ((GREY, [1, 1, 1, 1]), "1 class"),
        (((GREY, LABELS), (COLOUR, LABELS)), "one shape in all parts"),
    ],
)
def test_what_does_not_fit_is_refused(arrays, message):
    with pytest.raises(DataError, match=message):
        from_arrays(arrays)


def test_npz(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, x=GREY, y=LABELS, class_names=["cat", "dog"])
    index = from_npz(path)
    assert index.class_names == ("cat", "dog")
    assert index.parts is None


def test_npz_with_parts(tmp_path):
    path = tmp_path / "x.npz"
    keys = {"x_train": GREY, "y_train": LABELS, "x_val": GREY, "y_val": LABELS}
    np.savez(path, x_test=GREY, y_test=LABELS, **keys)
    index = from_npz(path)
    assert [index.parts.count(p) for p in ("train", "validation", "test")] == [4, 4, 4]


def test_npz_of_something_else(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, pixels=GREY)
    with pytest.raises(DataError, match="got pixels"):
        from_npz(path)
    path.write_bytes(b"PK\3\4 cut off")
    with pytest.raises(DataError, match=r"cannot be read as an \.npz"):
        from_npz(path)


@pytest.mark.parametrize(
    "head",
    [
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (9, 8, 8",  # TokenError
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }" % 10**15,
    ],
)
def test_npz_with_a_damaged_head(tmp_path, head):
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    content = b"\x93NUMPY\1\0" + len(head).to_bytes(2, "little") + head
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(DataError, match=r"cannot be read as an \.npz"):
        from_npz(tmp_path / "x.npz")


@pytest.mark.parametrize(("offset", "value"), [(8, 1), (10, 97)])
def test_npz_encrypted_or_packed_in_an_unknown_way(tmp_path, offset, value):
    path = tmp_path / "x.npz"
    np.savez(path, x=GREY, y=LABELS)
    content = bytearray(path.read_bytes())
    content[content.find(b"PK\3\4") + offset - 2] = value
    content[content.find(b"PK\1\2") + offset] = value
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be read as an \.npz"):
        from_npz(path)


def test_npz_with_class_names_as_bytes(tmp_path):
    np.savez(tmp_path / "x.npz", x=GREY, y=LABELS, class_names=[b"cat", b"dog"])
    assert from_npz(tmp_path / "x.npz").class_names == ("cat", "dog")


def test_npz_with_a_pickle_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, x=np.array([{}], dtype=object), y=LABELS)
    with pytest.raises(DataError, match="plain arrays"):
        from_npz(path)


def test_npy_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", GREY)
    with pytest.raises(DataError, match=r"cannot be read as an \.npz"):
        from_npz(tmp_path / "x.npy")
