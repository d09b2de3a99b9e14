"""RD635: a random rotation that leaves black corners."""

from collections.abc import Iterator

from residency.doctor.script.script import Call, Script
from residency.doctor.script.values import UNKNOWN, number, value
from residency.records import Finding

SMALL = 2.0
"""Degrees whose corners nobody sees."""
DARK = ("mnist", "digits", "omniglot", "chest", "xray", "x_ray", "mri")
"""Words of data whose background is black as it is."""


def check(script: Script) -> Iterator[Finding]:
    """Yields rotations whose corners are filled with zeros."""
    if _is_dark(script):
        return
    for call in script.calls:
        said = _black(script, call)
        if said:
            yield _finding(script, call, said)


def _is_dark(script: Script) -> bool:
    text = script.source.text.lower()
    return any(word in text for word in DARK)


def _black(script: Script, call: Call) -> str:
    """Returns in words why the corners become black; `""`: they do not."""
    for test in (_generator, _layer, _scipy, _addons, _torchvision, _opencv):
        said = test(script, call)
        if said:
            return said
    return ""


def _generator(script: Script, call: Call) -> str:
    if call.last != "ImageDataGenerator" or not _asks_zeros(script, call):
        return ""
    degrees = number(script, call.argument("rotation_range")) or 0
    shear = number(script, call.argument("shear_range")) or 0
    turns = max(abs(degrees), abs(shear)) > SMALL
    return "`fill_mode='constant'` fills with 0" if turns else ""


def _layer(script: Script, call: Call) -> str:
    """Keras' layers reflect unless they are told otherwise."""
    if call.keras not in ("RandomRotation", "RandomShear"):
        return ""
    zeros = _asks_zeros(script, call, "fill_value")
    return "`fill_mode='constant'` fills with 0" if zeros else ""


def _asks_zeros(script: Script, call: Call, fill: str = "cval") -> bool:
    colour = call.argument(fill)
    is_zero = colour is None or value(script, colour) == 0
    return value(script, call.argument("fill_mode")) == "constant" and is_zero


def _scipy(script: Script, call: Call) -> str:
    if call.name not in ("scipy.ndimage.rotate", "scipy.ndimage.interpolation.rotate"):
        return ""
    mode, colour = call.argument("mode", 5), call.argument("cval", 6)
    is_constant = mode is None or value(script, mode) == "constant"
    is_zero = colour is None or value(script, colour) == 0
    turned = _turns(script, call, "angle", 1)
    return "`mode='constant'` is its default" if is_constant & is_zero & turned else ""


def _addons(script: Script, call: Call) -> str:
    if call.name != "tensorflow_addons.image.rotate":
        return ""
    mode = call.argument("fill_mode", 3)
    is_constant = mode is None or value(script, mode) in ("constant", "CONSTANT")
    return "`fill_mode='constant'` is its default" if is_constant else ""


def _torchvision(script: Script, call: Call) -> str:
    if "torchvision" not in call.name or call.last not in (
        "RandomRotation",
        "RandomAffine",
    ):
        return ""
    fill = call.argument("fill")
    is_zero = fill is None or value(script, fill) == 0
    return (
        "`fill=0` is its default"
        if is_zero and _turns(script, call, "degrees", 0)
        else ""
    )


def _opencv(script: Script, call: Call) -> str:
    """Reads `warpAffine` with a matrix of `getRotationMatrix2D`."""
    if call.name != "cv2.warpAffine":
        return ""
    matrix = script.call_of(call.argument("M", 1))
    if matrix is None or matrix.last != "getRotationMatrix2D":
        return ""
    told = call.argument("borderMode") or call.argument("borderValue")
    turned = _turns(script, matrix, "angle", 1)
    return "`BORDER_CONSTANT` is its default" if told is None and turned else ""


def _turns(script: Script, call: Call, name: str, position: int) -> bool:
    """Tells whether an angle may be other than none or whole quarters."""
    given = value(script, call.argument(name, position))
    if given is UNKNOWN:
        return True
    angles = given if isinstance(given, list | tuple) else [given]
    plain = [abs(each) for each in angles if isinstance(each, int | float)]
    return not plain or any(each > SMALL and each % 90 for each in plain)


def _finding(script: Script, call: Call, said: str) -> Finding:
    return Finding(
        code="RD635",
        label="black_corners",
        severity="advice",
        title=f"`{script.text(call.node)}` leaves black corners: {said}.",
        evidence={"code": script.text(call.node), "why": said},
        why="Black triangles are on training images alone. The network spends itself "
        "on them, and sees none where it is tested.",
        cure="Reflect at the border, or turn before a crop that cuts the corners off.",
        snippet="keras.layers.RandomRotation(0.05, fill_mode='reflect')",
        effect="Training images look like test images to their corners.",
        confidence=0.7,
        source=script.place(call.node),
    )
