import pytest
from keras import layers

from residency.doctor.checks.model.dropout_too_high import find


def net(*rates):
    model = []
    for rate in rates:
        model += [layers.Dense(16, activation="relu"), layers.Dropout(rate)]
    return [*model, layers.Dense(3, activation="softmax")]


@pytest.mark.parametrize(
    ("rates", "severity"),
    [((0.8,), "warning"), ((0.2, 0.9), "warning"), ((1.0,), "error")],
)
def test_rates_that_leave_little(probe_of, table, rates, severity):
    (found,) = find(probe_of(net(*rates), table()))
    assert (found.severity, found.evidence["rate"]) == (severity, max(rates))


def test_one_half_again_and_again(probe_of, table):
    (found,) = find(probe_of(net(0.5, 0.5, 0.6), table()))
    assert found.evidence["kept"] == pytest.approx(0.5 * 0.5 * 0.4)


def test_dropout_inside_recurrent_layers(probe_of, table):
    x, y = table()
    model = [layers.Reshape((8, 1)), layers.LSTM(8, dropout=0.8)]
    model += [layers.Dense(3, activation="softmax")]
    assert len(find(probe_of(model, (x, y)))) == 1


@pytest.mark.parametrize("rates", [(0.5, 0.5), (0.4, 0.4, 0.4, 0.5), (0.7,), (0.0,)])
def test_rates_of_known_networks(probe_of, table, rates):
    assert find(probe_of(net(*rates), table())) == []
