"""RD614: a mean or deviation that misses the known constant by a slip of the hand."""

import ast
from collections.abc import Iterator
from typing import cast

from residency.doctor.script.script import Script
from residency.records import Finding

TRIPLES: dict[str, tuple[float, float, float]] = {
    "ImageNet means of the Caffe weights": (123.68, 116.779, 103.939),
    "ImageNet means": (123.675, 116.28, 103.53),
    "ImageNet deviations": (58.395, 57.12, 57.375),
    "ImageNet deviations (Gluon)": (58.393, 57.12, 57.375),
    "ImageNet means of 0..1": (0.485, 0.456, 0.406),
    "ImageNet deviations of 0..1": (0.229, 0.224, 0.225),
    "CIFAR-10 means": (125.307, 122.95, 113.865),
    "CIFAR-10 deviations": (62.9932, 62.0887, 66.7048),
    "CIFAR-10 means of 0..1": (0.4914, 0.4822, 0.4465),
    "CIFAR-10 deviations of 0..1": (0.247, 0.2435, 0.2616),
    "CIFAR-10 deviations of 0..1, per image": (0.2023, 0.1994, 0.201),
    "CIFAR-100 means of 0..1": (0.5071, 0.4867, 0.4408),
    "CIFAR-100 deviations of 0..1": (0.2675, 0.2565, 0.2761),
}
"""As the libraries and papers that people copy from have them."""

SAME = 0.0005
"""Largest relative difference of two spellings of one constant."""
NEARBY_LINES = 12


def check(script: Script) -> Iterator[Finding]:
    """Yields what stands beside two of a triple in the place of the third."""
    constants = [
        node
        for node in cast("Iterator[ast.Constant]", script.walk(ast.Constant))
        if isinstance(node.value, float)
    ]
    told: set[ast.AST] = set()
    for name, triple in TRIPLES.items():
        for node, meant in _slips(constants, triple):
            if node not in told:
                told.add(node)
                yield _finding(script, node, meant, name)


def _slips(
    constants: list[ast.Constant], triple: tuple[float, ...]
) -> Iterator[tuple[ast.Constant, float]]:
    """Yields what stands near two of a triple in the place of the third."""
    members = [c for c in constants if c.value in triple]
    for member in members:
        around = [c for c in members if _is_near(c, member)]
        missing = [m for m in triple if m not in {c.value for c in around}]
        if len(missing) == 1:
            near = (c for c in constants if _is_near(c, member) and not _is_known(c))
            yield from (
                (c, missing[0])
                for c in near
                if _looks_like(cast("float", c.value), missing[0])
            )


def _is_near(one: ast.Constant, other: ast.Constant) -> bool:
    return abs(one.lineno - other.lineno) <= NEARBY_LINES


def _is_known(node: ast.Constant) -> bool:
    return any(_same(node.value, c) for each in TRIPLES.values() for c in each)


def _same(value: object, constant: float) -> bool:
    return isinstance(value, float) and abs(value - constant) <= SAME * constant


def _looks_like(value: float, constant: float) -> bool:
    """Tells whether two digits typed otherwise make one of the other."""
    one, other = repr(value), repr(constant)
    digits = len(one.partition(".")[2])
    if abs(value - constant) > 0.2 * constant or value == round(constant, digits):
        return False  # another number, or the same one rounded
    return abs(len(one) - len(other)) <= 1 and _distance(one, other) <= 2


def _distance(one: str, other: str) -> int:
    """Returns Levenshtein's distance: insertions, deletions and replacements."""
    row = list(range(len(other) + 1))
    for number, letter in enumerate(one, 1):
        before, row[0] = row[0], number
        for place, each in enumerate(other, 1):
            cost = before + (letter != each)
            before = row[place]
            row[place] = min(cost, before + 1, row[place - 1] + 1)
    return row[-1]


def _finding(script: Script, node: ast.Constant, meant: float, name: str) -> Finding:
    value = cast("float", node.value)
    return Finding(
        code="RD614",
        label="preprocess_constants",
        severity="warning",
        title=f"{value:g} stands where {meant:g} is meant ({name}).",
        evidence={
            "given": value,
            "known": meant,
            "difference": round(value - meant, 6),
        },
        why="The channel is shifted against what the weights, or the published "
        "results, expect.",
        cure=f"Write {meant:g}.",
        snippet=f"{meant:g}",
        effect="Small where a network is trained with the slip, larger where "
        "pretrained weights are used.",
        confidence=0.9,
        source=script.place(node),
    )
