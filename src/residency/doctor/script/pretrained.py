"""The pretrained network of a script, and what happens to its images."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from residency.doctor.applications import (
    MODE_OF_MODULE,
    MODE_OF_NETWORK,
    WEIGHT_FILES,
)
from residency.doctor.script.scaling import (
    READERS,
    divisor,
    preprocessings,
    rescale,
)
from residency.doctor.script.script import Call, Script
from residency.doctor.script.values import UNKNOWN, number, value

LOADERS = ("image_dataset_from_directory", "flow_from_directory", "flow_from_dataframe")
OWN_WAYS = {"normalization", "normalize", "standardize", "adapt", "standardization"}
OWN_WAYS |= {"per_image_standardization", "cvtcolor"}
"""Functions and layers whose result the text does not tell."""
KNOWN_CONSTANTS = {103.939, 103.53, 123.68, 123.675, 0.485, 0.229, 58.395}
"""Where one of these stands, some contract is met by hand."""
ARRAYS = ("cifar10", "cifar100", "mnist", "fashion_mnist")


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A network with released weights."""

    name: str
    mode: str
    """`"caffe"`, `"tf"`, `"torch"` or `"raw"`."""
    call: Call


def networks(script: Script) -> Iterator[Network]:
    """Yields the networks of `keras.applications` that start from their weights."""
    for call in script.calls:
        if call.keras in MODE_OF_NETWORK and _has_weights(script, call):
            rescales = (
                value(script, call.argument("include_preprocessing")) is not False
            )
            mode = MODE_OF_NETWORK[call.keras]
            if mode != "raw" or rescales:
                yield Network(call.keras, mode, call)
        elif call.method == "load_weights":
            mode = next(_modes_of_file(script, call), None)
            if mode is not None:
                yield Network(
                    f"The network of {script.text(call.node, 200)}", mode, call
                )


def _has_weights(script: Script, call: Call) -> bool:
    given = call.argument("weights", 1)
    known = value(script, given)
    if given is None:
        return True
    return known == "imagenet" or (
        known is not UNKNOWN and _mode_of_file(known) is not None
    )


def _modes_of_file(script: Script, call: Call) -> Iterator[str]:
    """Yields the mode of the weights that a file name tells of."""
    given = call.argument("filepath", 0)
    texts = [value(script, given)]
    origin = script.origin(given)
    if origin is not None:
        texts += [n.value for n in ast.walk(origin) if isinstance(n, ast.Constant)]
    yield from (mode for text in texts if (mode := _mode_of_file(text)))


def _mode_of_file(name: object) -> str | None:
    if not isinstance(name, str):
        return None
    return next((m for start, m in WEIGHT_FILES.items() if start in name), None)


@dataclass(frozen=True, slots=True)
class Treatment:
    """What a script does to pixels, as far as its text shows."""

    modules: tuple[str, ...]
    """Whose `preprocess_input` it uses."""
    divisors: tuple[float, ...]
    """255 or 127.5, wherever pixels are divided."""
    by_hand: bool
    """Means are subtracted, or a Normalization layer adapted: unknown contract."""
    images: bool
    """It is seen to load images of 0..255."""
    place: ast.AST | None
    """The first division, generator or loader."""

    @property
    def modes(self) -> set[str]:
        """The modes of the `preprocess_input`s."""
        return {MODE_OF_MODULE.get(m, m) for m in self.modules}


def treatment(script: Script) -> Treatment:
    """Returns what the script does to pixels, all of its paths together."""
    uses = list(preprocessings(script, script.tree))
    divided = [
        (node, by)
        for node in script.walk(ast.BinOp, ast.Call)
        if (by := divisor(script, node)) is not None
    ]
    for call in script.calls:
        factor = rescale(script, call) if call.last == "ImageDataGenerator" else None
        if factor is not None:
            divided.append((call.node, 1 / factor))
    loaders = [call.node for call in script.calls if _loads(call)]
    places = [node for node, _ in divided] + loaders
    return Treatment(
        modules=tuple(module for _, module in uses),
        divisors=tuple(by for _, by in divided),
        by_hand=_by_hand(script),
        images=bool(loaders),
        place=places[0] if places else None,
    )


def _loads(call: Call) -> bool:
    arrays = call.last == "load_data" and any(f".{a}." in call.name for a in ARRAYS)
    return arrays or call.last in LOADERS or call.last in READERS


def _by_hand(script: Script) -> bool:
    """Tells whether pixels are prepared in a way whose result cannot be told."""
    named = {call.last.lower() for call in script.calls} & OWN_WAYS
    constants = {
        node.value
        for node in ast.walk(script.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, float)
    }
    foreign = any(
        "preprocess" in name and "keras" not in name and "tensorflow" not in name
        for name in script.modules.values()
    )
    centred = any(_is_centred(script, call) for call in script.calls)
    shifted = any(_is_shift(script, node) for node in script.walk(ast.BinOp))
    return bool(named or KNOWN_CONSTANTS & constants or foreign or centred or shifted)


def _is_shift(script: Script, node: ast.AST) -> bool:
    """Tells whether `node` is `x - 0.5`, or `2 * x - 1`, of an image in 0..1."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Sub):
        return False
    by = number(script, node.right)
    left = node.left
    doubled = isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mult)
    return by == 0.5 or (by == 1 and doubled)


def _is_centred(script: Script, call: Call) -> bool:
    """Tells whether a generator standardises, or a layer rescales with an offset."""
    if call.last == "ImageDataGenerator":
        names = ("featurewise_center", "samplewise_center")
        return any(value(script, call.argument(name)) is True for name in names)
    return call.keras == "Rescaling" and bool(
        number(script, call.argument("offset", 1))
    )
