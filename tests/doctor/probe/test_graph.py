import keras
import numpy as np
import pytest
from keras import layers

from residency.doctor.probe.graph import kind_of, read_graph


def kinds(graph):
    return [node.kind for node in graph.nodes]


def test_a_sequential_model_is_a_chain():
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(2)]
    )
    graph = read_graph(model)
    assert kinds(graph) == ["InputLayer", "Dense", "Dense"]
    assert [node.inputs for node in graph.nodes] == [(), (0,), (1,)]
    assert [node.activation for node in graph.weighted] == ["relu", "linear"]
    assert graph.output.shape == (None, 2)
    assert [node.parameters for node in graph.weighted] == [15, 8]


def test_nested_models_are_opened():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(5)], name="inner")
    outer = keras.Sequential([inner, layers.ReLU()], name="outer")
    given = keras.Input((4,))
    model = keras.Model(given, layers.Dense(2)(outer(given)))
    graph = read_graph(model)
    assert kinds(graph) == ["InputLayer", "Dense", "ReLU", "Dense"]
    assert [node.inputs for node in graph.nodes] == [(), (0,), (1,), (2,)]
    assert graph.nodes[1].inside == ("outer", "inner")


def test_a_shared_layer_is_a_node_for_each_call():
    shared = layers.Dense(4)
    given = keras.Input((4,))
    model = keras.Model(given, layers.Add()([shared(given), shared(shared(given))]))
    graph = read_graph(model)
    dense = graph.of_kind("Dense")
    assert len(dense) == 3
    assert {id(node.layer) for node in dense} == {id(shared)}
    assert len(graph.before(graph.output)) == 2


def test_a_nested_model_used_twice_is_opened_twice():
    tower = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    one, two = keras.Input((4,)), keras.Input((4,))
    model = keras.Model([one, two], layers.Subtract()([tower(one), tower(two)]))
    graph = read_graph(model)
    assert [node.inputs for node in graph.of_kind("Dense")] == [(0,), (1,)]


def test_operations_are_nodes():
    given = keras.Input((8,))
    model = keras.Model(given, keras.ops.relu(layers.Dense(3)(given[:, 2:])))
    graph = read_graph(model)
    assert kinds(graph) == ["InputLayer", "GetItem", "Dense", "Relu"]
    assert graph.output.activation == "relu"


def test_walks():
    given = keras.Input((4,))
    a = layers.Dense(4)(given)
    b = layers.ReLU()(a)
    graph = read_graph(keras.Model(given, layers.Add()([a, b])))
    assert [n.kind for n in graph.ancestors(graph.output)] == [
        *("Dense", "ReLU", "InputLayer")
    ]
    assert [n.kind for n in graph.after(graph.nodes[1])] == ["ReLU", "Add"]


class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = layers.Dense(4, activation="relu")
        self.second = layers.Dense(2)

    def call(self, x):
        return self.second(self.first(x))


def test_a_call_of_its_own_is_not_wired():
    model = Own()
    model(np.zeros((1, 3), "float32"))
    graph = read_graph(model)
    assert not graph.wired
    assert [node.layer for node in graph.nodes] == [model.first, model.second]
    assert graph.output.layer is model.second


class Mine(layers.Dense):
    pass


@pytest.mark.parametrize(
    ("layer", "kind"), [(Mine(2), "Dense"), (layers.ReLU(), "ReLU")]
)
def test_a_subclass_is_of_the_kind_it_comes_from(layer, kind):
    assert kind_of(layer) == kind


def test_reading_builds_and_moves_nothing():
    model = keras.applications.MobileNetV2(
        weights=None, input_shape=(32, 32, 3), alpha=0.35, include_top=False
    )
    before = [id(v) for v in model.variables]
    graph = read_graph(model)
    assert [id(v) for v in model.variables] == before
    assert len(graph.nodes) == len(model.layers)
    assert all(n < node.number for node in graph.nodes for n in node.inputs)


def test_the_mode_of_a_call_is_that_of_the_nearest_model_around_it():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(5), layers.Dropout(0.1)])
    given = keras.Input((4,))
    x = layers.Dropout(0.2)(given, training=True)
    model = keras.Model(given, layers.ReLU()(inner(x, training=False)))
    asked = {node.kind: node.asked for node in read_graph(model).nodes[2:]}
    assert asked == {"Dense": False, "Dropout": False, "ReLU": None}
    assert [node.asked for node in read_graph(model).nodes[:2]] == [None, True]


@pytest.mark.parametrize("mode", [True, False])
def test_a_chain_that_is_built_by_a_call_has_no_mode_of_its_own(mode):
    model = keras.Sequential([layers.Dense(5), layers.Dropout(0.1)])
    model(np.zeros((2, 4)), training=mode)
    assert {node.asked for node in read_graph(model).nodes} == {None}


def test_what_a_layer_takes_by_default_is_named_by_nobody():
    """The graph holds `training=False` of Dropout, which `call` has as default."""
    given = keras.Input((4,))
    model = keras.Model(given, layers.Dropout(0.1)(given))
    assert [node.asked for node in read_graph(model).nodes] == [None, None]
