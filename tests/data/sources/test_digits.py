"""The digits of scikit-learn."""

from sklearn.datasets import load_digits

from residency.data.sources.digits import from_digits


def test_counts_become_bytes_as_documented():
    index = from_digits()
    assert len(index) == 1797
    assert index.class_names == tuple("0123456789")
    assert index.parts is None
    original = load_digits()
    assert index.labels.tolist() == original.target.tolist()
    table = {count: (255 * count + 8) // 16 for count in range(17)}
    assert (table[0], table[1], table[8], table[16]) == (0, 16, 128, 255)
    for i in (0, 700, 1796):
        expected = [[table[int(v)] for v in row] for row in original.images[i]]
        assert index.read(i)[..., 0].tolist() == expected
