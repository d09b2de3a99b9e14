import keras
import pytest
from keras import layers

from residency.doctor.checks.model.chain import LINEAR, PASSING, before, between, named
from residency.doctor.probe.graph import read_graph


@pytest.fixture
def graph():
    given = keras.Input((8, 8, 3), name="given")
    x = layers.Conv2D(4, 3, name="conv")(given)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Activation("linear", name="nothing")(x)
    x = layers.Flatten(name="flat")(x)
    x = layers.Dense(5, name="dense")(x)
    return read_graph(keras.Model(given, layers.Add(name="add")([x, x])))


def node(graph, name):
    return next(n for n in graph.nodes if n.name == name)


def test_the_nearest_before_that_counts(graph):
    dense = node(graph, "dense")
    assert before(graph, dense, LINEAR).name == "conv"
    assert before(graph, dense, PASSING).name == "norm"
    names = [n.name for n in between(graph, node(graph, "conv"), dense)]
    assert names == ["norm", "nothing", "flat"]


def test_where_ways_join_there_is_none(graph):
    assert before(graph, node(graph, "add"), LINEAR) is None
    assert before(graph, node(graph, "given"), LINEAR) is None


def test_names_are_cut(graph):
    assert named(list(graph.nodes)) == "given, conv, norm, nothing and 3 more"
    assert named([node(graph, "add")] * 2) == "add"
