"""TFRecord shards to an index: files of TensorFlow, spellings, parts, damage."""

import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from residency.data import load
from residency.data.sources.resolve import guess_kind, resolve
from residency.data.sources.tfrecord import from_tfrecord
from residency.errors import BrokenImageError, DataError

from .tfrecords import write_shard

TENSORFLOW = Path(__file__).parent / "tensorflow"


def pixels(start: int) -> np.ndarray:
    return np.arange(start, start + 4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


def png(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def inception(label: int, text: str, start: int = 0) -> dict:
    return {
        "image/encoded": png(pixels(start)),
        "image/class/label": label,
        "image/class/text": text.encode(),
    }


def test_images_that_tensorflow_wrote():
    index = from_tfrecord(TENSORFLOW / "encoded.tfrecord")
    assert index.class_names == ("tench", "cock", "toilet tissue")  # by number
    assert index.labels.tolist() == [0, 2, 1, 0]
    assert index.names[1] == "encoded.tfrecord/000001"
    assert index.parts is None
    for i in range(4):
        assert np.array_equal(index.read(i), pixels(i))
        header = index.header(i)
        assert (header.format, header.width, header.height) == ("PNG", 6, 4)
    assert np.array_equal(index.select([2]).read(0), pixels(2))


def test_pixels_that_tensorflow_wrote():
    index = from_tfrecord(TENSORFLOW / "pixels.tfrecord")
    assert index.class_names == ("0", "1")
    for i in range(3):
        grey = np.repeat(pixels(i)[..., :1], 3, axis=2)
        assert np.array_equal(index.read(i), grey)
    assert tuple(index.header(0)) == ("array", 6, 4, "L")


def test_a_data_set_of_shards(tmp_path):
    for part, count in (("train", 12), ("validation", 4), ("test", 4)):
        for shard in range(2):
            write_shard(
                tmp_path / f"birds-{part}.tfrecord-{shard:05d}-of-00002",
                [inception(1 + i % 2, "ab"[i % 2], i) for i in range(count // 2)],
            )
    (tmp_path / "dataset_info.json").write_text("{}")
    for cache in ("memory", "stream"):
        data = load(tmp_path, image_size=6, resize="stretch", cache=cache)
        assert [len(part) for part in data.parts()] == [12, 4, 4]
        assert data.class_names == ("a", "b")
        assert data.train.frames[0].shape == (6, 6, 3)
    assert load(f"tfrecord:{tmp_path}", image_size=6).split == data.split


def test_parts_by_folder_and_images_of_one_size(tmp_path):
    for part, count in (("train", 8), ("val", 4)):
        examples = [
            {"image": pixels(i).tobytes(), "label": i % 2} | shape
            for i, shape in enumerate([{"height": 4, "width": 6, "depth": 3}] * count)
        ]
        write_shard(tmp_path / part / "a.tfrec", examples)
    data = load(tmp_path)
    assert [part.name for part in data.parts()] == ["train", "validation"]
    assert data.image_size == 6
    assert data.train.index.names[3] == "train/a.tfrec/000003"


@pytest.mark.parametrize(
    ("labels", "names", "numbers"),
    [
        ([5, 1000, 5], ("5", "1000"), [0, 1, 0]),
        ([b"10", b"9", b"9"], ("9", "10"), [1, 0, 0]),
        ([b"dog", b"cat", b"dog"], ("cat", "dog"), [1, 0, 1]),
    ],
)
def test_classes_by_labels(tmp_path, labels, names, numbers):
    examples = [{"image": png(pixels(0)), "label": label} for label in labels]
    index = from_tfrecord(write_shard(tmp_path / "a.tfrecord", examples))
    assert (index.class_names, index.labels.tolist()) == (names, numbers)


def test_a_text_alone_is_a_label(tmp_path):
    examples = [{"img": png(pixels(0)), "text": text} for text in (b"cat", b"dog")]
    index = from_tfrecord(write_shard(tmp_path / "a.tfrecord", examples))
    assert (index.class_names, index.labels.tolist()) == (("cat", "dog"), [0, 1])


def test_one_text_for_two_labels_names_none(tmp_path):
    examples = [inception(1, "crane"), inception(2, "crane")]
    index = from_tfrecord(write_shard(tmp_path / "a.tfrecord", examples))
    assert index.class_names == ("1", "2")


def test_class_names_lie_beside_the_shards(tmp_path):
    examples = [{"image": png(pixels(0)), "label": label} for label in (0, 2)]
    shard = write_shard(tmp_path / "a.tfrecord", examples)
    (tmp_path / "labels.txt").write_text("0:daisy\n1:rose\n2:tulip: red\n")
    for path in (shard, tmp_path):
        index = from_tfrecord(path)
        assert index.class_names == ("daisy", "rose", "tulip: red")
        assert index.labels.tolist() == [0, 2]
    (tmp_path / "labels.txt").write_text("daisy\nrose\n")
    with pytest.raises(DataError, match=r"label 2 has no name: .* has 2, counted from"):
        from_tfrecord(tmp_path)


@pytest.mark.parametrize(
    ("example", "words"),
    [
        ({"label": 1}, r"example 1 has no image\. .* it has label\."),
        ({"image": b"x"}, r"example 1 has no label\. .* it has image\."),
        ({"image": b"x", "label": -1}, "example 1 has no label"),
        ({}, "it has nothing"),
    ],
)
def test_an_example_without_image_or_label_is_named(tmp_path, example, words):
    shard = tmp_path / "a.tfrecord"
    write_shard(shard, [inception(1, "a"), example])
    with pytest.raises(DataError, match=words):
        from_tfrecord(shard)


def test_a_broken_image_is_left_out(tmp_path):
    examples = [inception(i % 2, "ab"[i % 2], i) for i in range(20)]
    examples[3]["image/encoded"] = b"\x89PNG and no more"
    write_shard(tmp_path / "a.tfrecord", examples)
    data = load(tmp_path, image_size=6)
    assert [q.name for q in data.quarantined] == ["a.tfrecord/000003"]


def test_one_class_only(tmp_path):
    shard = write_shard(tmp_path / "a.tfrecord", [inception(3, "a")] * 4)
    with pytest.raises(DataError, match=r"one class only \(a\), at least 2"):
        from_tfrecord(shard)


def test_damaged_shards_are_named(tmp_path):
    shard = write_shard(
        tmp_path / "a.tfrecord", [inception(i % 2, "ab"[i % 2]) for i in range(3)]
    )
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-9])
    with pytest.raises(DataError, match=r"a\.tfrecord: .*example 2: cut off at byte"):
        from_tfrecord(tmp_path)
    shard.write_bytes(gzip.compress(whole))
    with pytest.raises(DataError, match="It is gzipped: unpack it"):
        from_tfrecord(tmp_path)
    shard.write_bytes(b"")
    with pytest.raises(DataError, match="hold no example"):
        from_tfrecord(tmp_path)


def test_a_shard_that_shrinks_later_is_a_broken_image(tmp_path):
    shard = write_shard(tmp_path / "a.tfrecord", [inception(0, "a"), inception(1, "b")])
    index = from_tfrecord(shard)
    shard.write_bytes(shard.read_bytes()[:40])
    with pytest.raises(BrokenImageError, match="become shorter"):
        index.read(0)
    shard.unlink()
    with pytest.raises(BrokenImageError, match="cannot be opened"):
        index.read(0)


def test_shards_that_say_different_things(tmp_path):
    write_shard(tmp_path / "train-00000-of-00001", [inception(0, "a")])
    write_shard(tmp_path / "more.tfrecord", [inception(1, "b")])
    with pytest.raises(DataError, match="some shards are called train and others are"):
        from_tfrecord(tmp_path)
    (tmp_path / "more.tfrecord").unlink()
    both = [inception(0, "a"), inception(1, "b")]
    write_shard(tmp_path / "train-00000-of-00001", both)
    assert from_tfrecord(tmp_path).parts is None  # one part alone is the whole


def test_pixels_and_files_do_not_mix(tmp_path):
    raw = {"image": pixels(0).tobytes(), "label": 1}
    shape = {"height": 4, "width": 6, "depth": 3}
    write_shard(tmp_path / "a.tfrecord", [inception(0, "a"), raw | shape])
    with pytest.raises(DataError, match="some examples hold pixels"):
        from_tfrecord(tmp_path)


def test_kinds_are_guessed(tmp_path):
    write_shard(tmp_path / "set" / "train-00000-of-00002", [inception(0, "a")])
    assert guess_kind(tmp_path / "set") == "tfrecord"
    assert guess_kind(tmp_path / "set" / "train-00000-of-00002") == "tfrecord"
    (tmp_path / "photos" / "tfrecord").mkdir(parents=True)
    assert guess_kind(tmp_path / "photos") == "folder"
    with pytest.raises(DataError, match=r"no TFRecord files\. Looked for"):
        resolve(f"tfrecord:{tmp_path / 'photos'}")
