import pytest

from residency.doctor.checks.transfer import bn_epsilon
from residency.doctor.probe.pixels import from_pixels

run = bn_epsilon.CHECK.run


@pytest.mark.parametrize(
    ("name", "epsilon", "count"),
    [
        ("resnet50", 1e-3, 1),
        ("resnet50", 1.001e-5, 0),
        ("resnet50", 1e-5, 0),
        ("mobilenet_100_32", 1e-3, 0),
        ("mobilenet_100_32", 1e-5, 1),
        ("my_network", 0.1, 0),
    ],
)
def test_epsilon_of_the_family(probe_of, pretrained, pictures, name, epsilon, count):
    body = pretrained(name, "caffe", epsilon=epsilon)
    found = run(probe_of(body, from_pixels(pictures(16), "caffe")))
    assert [f.severity for f in found] == ["advice"] * count
