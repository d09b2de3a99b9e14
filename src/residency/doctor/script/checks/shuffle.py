"""RD621: training data in the order of their classes."""

import ast
from collections.abc import Iterator

from residency.doctor.script.flow import Step, fits, pipeline
from residency.doctor.script.script import Call, Script
from residency.doctor.script.values import number, value
from residency.records import Finding

LISTS = ("glob", "iglob", "rglob", "listdir", "walk", "scandir", "iterdir")
SHUFFLES = ("shuffle", "permutation", "train_test_split", "sample", "permuted")
SMALL = 500
"""Buffers below this are small for any folder of photos worth training on."""


def check(script: Script) -> Iterator[Finding]:
    """Yields training data that come class by class, or nearly so."""
    told: set[ast.AST] = set()
    for fit in fits(script):
        for finding, node in _of_fit(script, fit):
            if node not in told:
                told.add(node)
                yield finding


def _of_fit(script: Script, fit: Call) -> Iterator[tuple[Finding, ast.AST]]:
    steps = pipeline(script, fit.argument("x", 0))
    shuffles = [s for s in steps if s.call.method == "shuffle"]
    for step in steps:
        keeps = value(script, step.call.argument("shuffle")) is False
        if step.call.last in ("flow_from_directory", "image_dataset_from_directory"):
            if keeps and not shuffles:
                said = f"`{step.call.last}(shuffle=False)` reads class after class"
                yield (
                    _finding(script, step.call, said, {"shuffle": "False"}, 0.95),
                    step.call.node,
                )
        elif _is_listing(script, step) and not _shuffled_before(script):
            yield from _buffer(script, step, shuffles)


def _buffer(
    script: Script, source: Step, shuffles: list[Step]
) -> Iterator[tuple[Finding, ast.AST]]:
    if not shuffles:
        said = "The files are listed folder by folder and never shuffled"
        yield _finding(script, source.call, said, {"buffer": 0}, 0.8), source.call.node
        return
    largest = max(
        shuffles, key=lambda s: number(script, s.call.argument("buffer_size", 0)) or 1e9
    )
    buffer = number(script, largest.call.argument("buffer_size", 0))
    if buffer is not None and buffer < SMALL:
        said = "The files are listed folder by folder, and the shuffle buffer holds "
        said += f"{buffer:.0f}"
        yield (
            _finding(script, largest.call, said, {"buffer": int(buffer)}, 0.75),
            largest.call.node,
        )


def _is_listing(script: Script, step: Step) -> bool:
    """Tells whether a dataset begins with a plain listing of files."""
    if step.call.last == "list_files":
        return value(script, step.call.argument("shuffle", 1)) is False
    if step.call.last != "from_tensor_slices" or not step.call.node.args:
        return False
    return any(_is_list(script, e) for e in _parts(script, step.call.node.args[0]))


def _parts(script: Script, expression: ast.expr) -> list[ast.expr]:
    origin = script.origin(expression)
    items = origin.elts if isinstance(origin, ast.Tuple | ast.List) else [expression]
    return list(items)


def _is_list(script: Script, expression: ast.expr) -> bool:
    origin = script.origin(expression)
    inner = [n for n in ast.walk(origin) if isinstance(n, ast.Call)] if origin else []
    return any(script.call(n).last in LISTS for n in inner)


def _shuffled_before(script: Script) -> bool:
    """Tells whether the script shuffles any list itself: `random.shuffle(files)`."""
    found = (c for c in script.calls if c.last in SHUFFLES)
    return any(
        c.last != "shuffle" or c.imported or "random" in c.name or "rng" in c.name
        for c in found
    )


def _finding(
    script: Script,
    call: Call,
    said: str,
    evidence: dict[str, int | str],
    confidence: float,
) -> Finding:
    return Finding(
        code="RD621",
        label="data_not_shuffled",
        severity="warning",
        title=f"{said}: batches hold one class at a time.",
        evidence=evidence,
        why="Each step pulls the weights towards the class at hand, and batch "
        "normalization measures one class for all.",
        cure="Shuffle the list of files itself, before anything is decoded.",
        snippet="files = sorted(glob.glob('photos/*/*'))\n"
        "random.Random(0).shuffle(files)",
        effect="Every batch is a sample of all classes.",
        confidence=confidence,
        source=script.place(call.node),
    )
