"""The restricted unpickler: plain data in, nothing run."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from residency.data.sources.unpickle import ALLOWED, unpickle
from residency.errors import DataError


class Runs:
    """A pickle that calls a function when it is read."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, ">i4"])
def test_arrays_come_back(protocol, dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    content = pickle.dumps({b"data": array, b"n": 3, "t": [b"x"]}, protocol)
    found = unpickle(content, "x")
    np.testing.assert_array_equal(found["data"], array)
    assert found["data"].dtype == array.dtype
    assert (found["n"], found["t"]) == (3, [b"x"])


def test_arrays_in_column_order_come_back():
    array = np.asfortranarray(np.arange(12).reshape(3, 4))
    found = unpickle(pickle.dumps({"data": array}, 2), "x")
    np.testing.assert_array_equal(found["data"], array)


def test_texts_of_python_2_come_back():
    """What Python 2 wrote: `{'labels': [1]}` and an array, as protocol 2."""
    content = (
        b"\x80\x02}q\x00(U\x06labelsq\x01]q\x02K\x01aU\x04dataq\x03"
        b"cnumpy.core.multiarray\n_reconstruct\nq\x04cnumpy\nndarray\nq\x05K\x00\x85"
        b"U\x01b\x87Rq\x06(K\x01K\x02\x85cnumpy\ndtype\nq\x07U\x02u1K\x00K\x01\x87Rq\x08"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x02\x05\xfftbu."
    )
    found = unpickle(content, "x")
    assert found["labels"] == [1]
    assert found["data"].tolist() == [5, 255]


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_hostile_pickle_is_refused_and_not_run(tmp_path, protocol):
    witness = tmp_path / "witness"
    attacks = {
        "system": Runs(os.system, f"touch {witness}"),
        "eval": Runs(eval, f"open({str(witness)!r}, 'w')"),
        "Popen": Runs(subprocess.Popen, ["touch", str(witness)]),
    }
    for named, attack in attacks.items():
        content = pickle.dumps({"data": attack}, protocol)
        with pytest.raises(DataError, match=f"{named}, which is refused"):
            unpickle(content, "batch")
    assert not witness.exists()


def test_dotted_names_and_attributes_of_allowed_names_are_refused():
    content = b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93."
    with pytest.raises(DataError, match=r"numpy\.ndarray\.tofile"):
        unpickle(content, "x")


def test_a_late_place_in_the_memo_costs_nothing():
    late = (1 << 31).to_bytes(4, "little")
    code = (
        "import resource; from residency.data.sources.unpickle import unpickle;"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        f"before = peak(); unpickle({b'%c%c}r%b.' % (128, 2, late)!r}, 'x');"
        "print(peak() - before)"
    )
    limited = "import resource; resource.setrlimit(resource.RLIMIT_AS, [8 << 30] * 2);"
    out = subprocess.run(
        [sys.executable, "-c", limited + code], capture_output=True, check=True
    )
    assert int(out.stdout) < 100_000  # kilobytes


def test_a_pickle_changes_nothing_of_ours():
    """It asks to set an attribute of each name that it may have."""
    for module, name in ALLOWED:
        for state in (b"}", b"N}"):
            content = b"c%b\n%b\n%bX\x05\0\0\0arrayK\x01s%bb." % (
                module.encode(), name.encode(), state, b"\x86" * (len(state) - 1)
            )  # fmt: skip
            with pytest.raises(DataError, match="cannot be read"):
                unpickle(content, "x")
            assert not hasattr(ALLOWED[module, name], "array")


def test_arrays_of_objects_are_refused():
    content = pickle.dumps({"data": np.array([{}], dtype=object)}, 2)
    with pytest.raises(DataError, match="expected one of numbers"):
        unpickle(content, "x")


@pytest.mark.parametrize("content", [b"", b"\x80", b"hello", b"\x80\x02}q\x00(U\x06la"])
def test_damaged_bytes_are_a_data_error(content):
    with pytest.raises(DataError, match="cannot be read"):
        unpickle(content, "x")


def test_an_array_whose_shape_lies_is_a_data_error():
    content = pickle.dumps({"data": np.zeros(4, np.uint8)}, 2)
    with pytest.raises(DataError, match="cannot be read"):
        unpickle(content.replace(b"K\x04\x85", b"K\x05\x85"), "x")


def test_anything_but_a_dictionary_is_refused():
    with pytest.raises(DataError, match="expected a dictionary"):
        unpickle(pickle.dumps([1, 2], 2), "x")
