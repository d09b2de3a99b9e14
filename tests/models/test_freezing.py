"""What trains: exact counts of two nets of keras.applications, and the phases."""

import keras
import pytest

from residency.errors import ConfigError
from residency.models import build
from residency.models.freezing import phases_of
from residency.models.stages import stages
from residency.training import Finetune


def with_head(builder, head=()):
    """Returns a base at 150 pixels with the head of a well-known question."""
    base = builder(weights=None, include_top=False, input_shape=(150, 150, 3))
    return keras.Sequential([keras.Input((150, 150, 3)), base, *head])


def trained(model):
    return sum(int(v.value.numel()) for v in model.trainable_variables)


def trained_norms(model):
    kind = keras.layers.BatchNormalization
    layers = [layer for some in stages(model).values() for layer in some]
    return [x.name for x in layers if isinstance(x, kind) and x.trainable]


def test_vgg16_all_but_the_last_four():
    head = [keras.layers.Flatten(), keras.layers.Dense(1)]
    model = with_head(keras.applications.VGG16, head)
    [phase] = phases_of(model, Finetune(train_last=4))
    phase.apply()
    assert trained(model) == 7_079_424 + 4 * 4 * 512 + 1


def test_resnet50_all_but_the_last_eight():
    layers = keras.layers
    head = [layers.Flatten(), layers.Dense(256, activation="relu")]
    head += [layers.Dropout(0.5), layers.Dense(1, activation="sigmoid")]
    model = with_head(keras.applications.ResNet50, head)
    assert model.count_params() == 36_695_425
    [phase] = phases_of(model, Finetune(train_last=8))
    phase.apply()
    assert trained(model) == 16_523_265
    assert trained_norms(model) == ["conv5_block3_2_bn", "conv5_block3_3_bn"]
    [still] = phases_of(model, Finetune(train_last=8, batch_norm="frozen"))
    still.apply()
    assert trained_norms(model) == []


def test_the_count_is_that_of_keras_layers():
    """The same layers as `for layer in base.layers[:-9]: layer.trainable = False`."""
    theirs = keras.applications.ResNet50(
        weights=None, include_top=False, input_shape=(64, 64, 3)
    )
    for layer in theirs.layers[:-9]:
        layer.trainable = False
    ours = build("resnet50", num_classes=2, image_size=64)
    [phase] = phases_of(ours, Finetune(train_last=9))
    phase.apply()
    expected = [v.path for v in theirs.trainable_variables]
    head = ["predictions/kernel", "predictions/bias"]
    assert [v.path for v in ours.trainable_variables] == [*expected, *head]


def test_more_layers_than_there_are():
    """Python's slice would freeze none of them and say nothing."""
    model = build("lenet", num_classes=2)
    body = len(model.layers) - len(stages(model)["head"])
    phases_of(model, Finetune(train_last=body))
    with pytest.raises(ConfigError, match=f"has {body} layers before its head, got"):
        phases_of(model, Finetune(train_last=body + 1))


@pytest.fixture
def net():
    return build("cifar_resnet20", num_classes=3, image_size=16)


def words(phase):
    return [(s.name, len(s.variables), s.rate) for s in phase.stages if s.trained]


def test_head_first_then_the_rest_at_lower_rates(net):
    first, then = phases_of(
        net, Finetune(freeze=("conv1", "conv2"), head_epochs=2, stage_rate=0.5)
    )
    assert (first.start, then.start) == (0, 2)
    first.apply()
    assert words(first) == [("head", 2, 1.0)]
    assert first.head_only
    assert [v.path for v in net.trainable_variables] == [
        "predictions/kernel",
        "predictions/bias",
    ]
    then.apply()
    assert not then.head_only
    assert [(name, rate) for name, _, rate in words(then)] == [
        ("head", 1.0),
        ("conv4", 0.5),
        ("conv3", 0.25),
    ]
    assert sum(n for _, n, _ in words(then)) == len(net.trainable_variables)
    assert trained_norms(net) == [n for n in trained_norms(net) if n[:5] != "conv2"]


def test_a_frozen_body_has_one_phase(net):
    [phase] = phases_of(net, Finetune(head_epochs=3))
    assert phase.head_only
    assert phase.start == 0


def test_batch_norm_of_frozen_stages_may_train(net):
    [phase] = phases_of(net, Finetune(batch_norm="train"))
    phase.apply()
    assert not phase.head_only
    assert len(trained_norms(net)) == 19
    assert len(net.trainable_variables) == 2 * 19 + 2


def test_what_the_caller_froze_stays_frozen(net):
    net.get_layer("conv1_conv").trainable = False
    [phase] = phases_of(net, Finetune(freeze=()))
    phase.apply()
    assert not net.get_layer("conv1_conv").trainable
    assert net.get_layer("conv1_bn").trainable


@pytest.mark.parametrize(
    ("freeze", "message"),
    [
        (("convs3",), r"no stage or layer 'convs3'\. Did you mean 'conv3'\?"),
        (("conv2_block1_1_cnv",), r"Did you mean 'conv2_block1_1_conv'\?"),
        (("body", "head"), "body, head leaves nothing of 'cifar_resnet20' to train"),
    ],
)
def test_names_that_do_not_fit(net, freeze, message):
    with pytest.raises(ConfigError, match=message):
        phases_of(net, Finetune(freeze=freeze))
