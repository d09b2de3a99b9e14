"""Names of layers in the weight files of Keras' own networks, and what became of them.

- ResNet-50 of Keras 1 and 2: `resnet50_weights_tf_dim_ordering_tf_kernels.h5` of
  fchollet/deep-learning-models, named after the Caffe release (`res2a_branch2a`); of
  the deeper ones in that style the blocks are `a, b1, b2, ...`.
- `keras.applications` since 2018: names as in this project (`conv2_block1_1_conv`);
  some files say `probs` for the last layer.

Pixels are those of each module's `preprocess_input`; epsilon is in its source.
"""

import re
from collections.abc import Iterable

from residency.models.preprocessing import PREPROCESSINGS
from residency.models.weights.origin import Origin
from residency.models.weights.traits import Traits

_BRANCH = r"(res|bn)(\d)([a-z])(\d*)_branch(1|2[abc])"
_PLACES = {"1": "0", "2a": "1", "2b": "2", "2c": "3"}


def _applications(names: Iterable[str]) -> dict[str, str]:
    heads = {"probs": "predictions", "fc1000": "predictions"}
    return {name: heads.get(name, name) for name in names}


def _caffe_resnet(names: Iterable[str]) -> dict[str, str]:
    new = {"conv1": "conv1_conv", "bn_conv1": "conv1_bn", "fc1000": "predictions"}
    for name in names:
        if found := re.fullmatch(_BRANCH, name):
            kind, stage, letter, number, branch = found.groups()
            block = int(number) + 1 if number else ord(letter) - ord("a") + 1
            end = "conv" if kind == "res" else "bn"
            new[name] = f"conv{stage}_block{block}_{_PLACES[branch]}_{end}"
    return {name: new.get(name, name) for name in names}


_V1 = Traits(
    preprocessing=PREPROCESSINGS["caffe"], bn_epsilon=1.001e-5, strided_1x1=True
)

KERAS_ORIGINS = (
    Origin(
        name="ResNet of Keras 1 and 2",
        mark=r"res2a_branch2a",
        rename=_caffe_resnet,
        traits=_V1,
        options={"version": "1", "conv_bias": True},
    ),
    Origin(
        name="keras.applications' ResNet v2",
        mark=r"conv2_block1_preact_bn",
        rename=_applications,
        traits=Traits(preprocessing=PREPROCESSINGS["tf"], bn_epsilon=1.001e-5),
    ),
    Origin(
        name="keras.applications' DenseNet",
        mark=r"pool2_conv",
        rename=_applications,
        traits=Traits(preprocessing=PREPROCESSINGS["torch"], bn_epsilon=1.001e-5),
    ),
    Origin(
        name="keras.applications' ResNet",
        mark=r"conv5_block3_3_bn",
        rename=_applications,
        traits=_V1,
        options={"version": "1", "conv_bias": True},
    ),
    Origin(
        name="keras.applications' VGG",
        mark=r"block1_conv1",
        rename=_applications,
        traits=Traits(preprocessing=PREPROCESSINGS["caffe"]),
    ),
)

UNKNOWN = Origin(
    name="layers of unknown origin", mark=r"", rename=_applications, traits=Traits()
)
