"""The three-way split: ready parts, recorded files, changes, empty parts."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from residency.data import index
from residency.data.sources.arrays import from_arrays
from residency.data.sources.folder import from_folder
from residency.data.splits import Split, compare, find_again, make_split, read_split
from residency.errors import DataError


def counts(split: Split) -> tuple[int, int, int]:
    return tuple(split.counts().values())


def parts_of(split: Split) -> dict[str, str]:
    return {name: placed.part for name, placed in split.samples.items()}


@pytest.fixture
def with_parts(index_of):
    """Gives a function that makes an index of two classes with ready parts."""

    def make(**numbers: int):
        parts = tuple(part for part, count in numbers.items() for _ in range(count))
        return index_of([i % 2 for i in range(len(parts))], parts=parts)

    return make


def test_a_flat_source_is_cut_in_three(index_of):
    assert counts(make_split(index_of([0, 1] * 100))) == (140, 30, 30)


def test_a_train_part_alone_is_cut_in_three(with_parts):
    assert counts(make_split(with_parts(train=200))) == (140, 30, 30)


def test_validation_is_cut_from_train_where_there_is_a_test_part(with_parts):
    index = with_parts(train=100, test=20)
    split = make_split(index, validation=0.1, test=0.5)
    assert counts(split) == (90, 10, 20)
    ready = dict(zip(index.names, index.parts, strict=True))
    for name, part in parts_of(split).items():
        assert (part == "test") == (ready[name] == "test")


def test_a_validation_part_is_not_renamed(with_parts):
    assert counts(make_split(with_parts(train=100, validation=20))) == (100, 20, 0)


def test_three_ready_parts_stay(with_parts):
    index = with_parts(train=10, validation=4, test=6)
    assert counts(make_split(index)) == (10, 4, 6)
    assert parts_of(make_split(index)) == dict(
        zip(index.names, index.parts, strict=True)
    )


def test_a_share_of_0_cuts_nothing(index_of, with_parts):
    index = index_of([0, 1] * 50)
    assert counts(make_split(index, validation=0))[1] == 0
    assert counts(make_split(index, test=0))[2] == 0
    assert counts(make_split(index, validation=0, test=0)) == (100, 0, 0)
    assert counts(make_split(with_parts(train=9, test=2), validation=0)) == (9, 0, 2)


def test_three_images_a_class_fill_three_parts(index_of):
    assert counts(make_split(index_of([0, 1] * 3))) == (2, 2, 2)


@pytest.mark.parametrize(
    ("validation", "test"), [(0.5, 0.5), (-0.1, 0.1), (0.9, 0.2), (1.0, 0.0)]
)
def test_shares_must_leave_something_to_train_on(index_of, validation, test):
    with pytest.raises(DataError, match="that leave a train part"):
        make_split(index_of([0, 1] * 9), validation=validation, test=test)


def test_empty_parts_and_classes_are_named(index_of):
    with pytest.raises(DataError, match="the validation part is empty: 4 images in 2"):
        make_split(index_of([0, 1] * 2))
    parts = ("train", "train", "test")
    with pytest.raises(
        DataError, match="class 'c1' has no image to train on: none of its 1 images"
    ):
        make_split(index_of([0, 0, 1], parts=parts), validation=0)


def test_a_class_without_any_image_is_no_mistake(index_of):
    index = index_of([0, 1, 1, 1, 1]).select([1, 2, 3, 4])
    assert counts(make_split(index)) == (2, 1, 1)


def test_too_few_groups_are_told_as_such(index_of):
    index = index_of([0, 1] * 20, groups=tuple("ab" * 20))
    with pytest.raises(DataError, match=r"40 images in 2 groups, .*\. Add groups, or"):
        make_split(index)


def test_a_group_across_ready_parts_is_an_error(index_of):
    index = index_of(
        [0, 1, 0, 1],
        groups=("a", "b", "c", "a"),
        parts=("train", "train", "train", "test"),
    )
    with pytest.raises(DataError, match="group 'a' lies in train and test"):
        make_split(index, validation=0)


def test_positions_are_those_of_the_index_given(index_of):
    index = index_of([0, 1] * 20)
    split = make_split(index)
    found = [
        split.positions(index, p).tolist() for p in ("train", "validation", "test")
    ]
    assert sorted([*found[0], *found[1], *found[2]]) == list(range(40))
    backwards = index.select(range(39, -1, -1))
    assert sorted(39 - split.positions(backwards, "test")) == found[2]


def test_json_and_back(index_of, tmp_path):
    split = make_split(index_of([0, 1, 2] * 20), seed=7)
    path = tmp_path / "split.json"
    path.write_text(json.dumps(split.to_json()))
    assert read_split(path) == split


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a recorded split"),
        ("[]", "not a recorded split"),
        ('{"format": 1}', "not a recorded split"),
        ("[" * 100_000, "not a recorded split"),
        (
            '{"format": 2, "seed": 0, "validation": 0, "test": 0, "samples": {}}',
            "got format 2",
        ),
        (
            '{"format": 1, "seed": 0, "validation": 0, "test": 0, "samples": '
            '{"dev": {"c": {"n": 1}}}}',
            "got format 1 and dev",
        ),
    ],
)
def test_another_file_is_refused(tmp_path, text, message):
    (tmp_path / "split.json").write_text(text)
    with pytest.raises(DataError, match=message):
        read_split(tmp_path / "split.json")
    with pytest.raises(DataError, match="no split can be read"):
        read_split(tmp_path / "none.json")


@pytest.mark.parametrize("key", ["seed", "validation", "test"])
@pytest.mark.parametrize("value", [None, "0.2", float("nan")])
def test_a_recorded_number_that_is_none_is_refused(index_of, key, value):
    recorded = make_split(index_of([0, 1] * 20)).to_json()
    with pytest.raises(DataError, match=f"not a recorded .* number as '{key}', got"):
        Split.from_json({**recorded, key: value})


@given(
    st.lists(st.integers(0, 2), min_size=12, max_size=60),
    st.lists(st.integers(0, 2), max_size=60),
    st.integers(0, 3),
)
@settings(deadline=None, max_examples=60)
def test_added_images_restore_the_shares_and_move_none(index_of, before, added, seed):
    labels = [0, 1, 2] * 3 + before
    old = make_split(index_of(labels), seed=seed)
    grown = index_of(labels + added)
    new = make_split(grown, recorded=old)
    assert {n: new.samples[n] for n in old.samples} == dict(old.samples)
    assert (new.seed, new.validation, new.test) == (old.seed, old.validation, old.test)
    for label in ("c0", "c1", "c2"):
        for part in ("train", "validation", "test"):
            got, wanted = (
                sum((p.part, p.label) == (part, label) for p in split.samples.values())
                for split in (new, make_split(grown, seed=seed))
            )
            assert abs(got - wanted) <= 1


def test_a_recorded_split_of_ready_parts_grows(index_of):
    def index(train, test):
        parts = ("train",) * train + ("test",) * test
        names = [f"train/{i}" for i in range(train)] + [
            f"test/{i}" for i in range(test)
        ]
        labels = [i % 2 for i in range(train + test)]
        return index_of(labels, names=names, parts=parts)

    old = make_split(index(40, 10), validation=0.25)
    new = make_split(index(80, 14), recorded=old)
    assert counts(old) == (30, 10, 10)
    assert counts(new) == (60, 20, 14)
    assert {n: new.samples[n] for n in old.samples} == dict(old.samples)


def test_a_new_image_of_a_known_group_joins_it(index_of):
    groups = tuple(f"g{i // 2}" for i in range(40))
    old = make_split(index_of([0, 1] * 20, groups=groups))
    grown = index_of([0, 1] * 40, groups=groups * 2)
    new = make_split(grown, recorded=old)
    for name, group in zip(grown.names, grown.groups, strict=True):
        first = grown.names[groups.index(group)]
        assert new.samples[name].part == old.samples[first].part


def test_changes_are_told_in_words(index_of):
    index = index_of([0, 1] * 20)
    split = make_split(index)
    assert not compare(split, make_split(index))
    assert str(compare(split, make_split(index))) == "no change"
    assert not compare(split, make_split(index, seed=5))
    labels = [0, 1] * 20 + [0]
    labels[3] = 0
    now = index_of(labels)
    now.sizes[5] += 1
    now = now.select([i for i in range(41) if i not in (8, 9)])
    changes = compare(split, make_split(now))
    assert changes.added == ("0040.png",)
    assert changes.removed == ("0008.png", "0009.png")
    assert changes.altered == ("0005.png",)
    assert changes.relabelled == ("0003.png",)
    assert str(changes) == (
        "1 image added (0040.png); 2 images removed (0008.png, 0009.png); "
        "1 image changed in content (0005.png); "
        "1 image moved to another class (0003.png)"
    )


def pixels(*greys: int) -> Split:
    images = np.repeat(np.uint8(greys), 16).reshape(-1, 4, 4)
    labels = np.arange(len(greys)) % 2
    return make_split(from_arrays((images, labels)), validation=0, test=0)


def test_changed_pixels_of_the_same_size_are_told():
    changes = compare(pixels(1, 2, 3, 4), pixels(1, 2, 9, 4))
    assert changes.altered == ("000002",)


def test_a_replaced_file_of_the_same_size_is_told(tmp_path, write_photos):
    folder = write_photos(tmp_path, {"a": 3, "b": 3})
    before = make_split(from_folder(folder))
    (folder / "a" / "001.png").write_bytes((folder / "a" / "002.png").read_bytes())
    after = make_split(from_folder(folder))
    assert before.samples["a/001.png"].stamp[:3] == after.samples["a/001.png"].stamp[:3]
    assert compare(before, after).altered == ("a/001.png",)


def test_large_sets_go_by_their_sizes(monkeypatch):
    hashed = pixels(1, 2, 3, 4)
    monkeypatch.setattr(index, "HASHED_BYTES", 63)
    sized = pixels(1, 2, 9, 4)
    assert {placed.stamp for placed in sized.samples.values()} == {"16"}
    assert not compare(hashed, sized)  # what both have is compared


def test_samples_are_found_again_by_name_and_content():
    old = pixels(1, 2, 3, 4)
    new = pixels(1, 2, 9, 4, 5)
    names = ["000000", "000002", "000003", "000004"]
    assert find_again(names, new, old) == {"train": 2, "validation": 0, "test": 0}
