"""RD634: `fit` of an ImageDataGenerator, missing or without effect."""

import ast
from collections.abc import Iterator

from residency.doctor.script.script import Call, Script
from residency.doctor.script.values import UNKNOWN, value
from residency.records import Finding

MEASURED = ("featurewise_center", "featurewise_std_normalization", "zca_whitening")
"""Options that need numbers of the training images; `fit` measures them."""
BY_HAND = ("mean", "std", "principal_components", "zca_whitening_matrix")


def check(script: Script) -> Iterator[Finding]:
    """Yields generators that lack `fit`, and calls of `fit` that measure nothing."""
    fits = [call for call in script.calls if call.method == "fit"]
    for generator in script.calls:
        if generator.last != "ImageDataGenerator":
            continue
        own = [fit for fit in fits if _is_of(script, fit.receiver, generator)]
        wanted = _wanted(script, generator)
        if wanted is None:
            continue
        if wanted and not own and not _may_be_fitted(script, generator):
            yield _missing(script, generator, wanted)
        if not wanted:
            yield from (_useless(script, fit) for fit in own)


def _is_of(script: Script, expression: ast.expr, generator: Call) -> bool:
    """Tells whether an expression is what `generator` built."""
    return script.origin(expression) is generator.node


def _wanted(script: Script, generator: Call) -> list[str] | None:
    """Returns the options that need `fit`; `None`: the text does not say."""
    if generator.node.args or None in {k.arg for k in generator.node.keywords}:
        return None
    given = {name: generator.argument(name) for name in MEASURED}
    known = {name: value(script, each) for name, each in given.items() if each}
    if UNKNOWN in known.values():
        return None
    return [name for name, each in known.items() if each]


def _may_be_fitted(script: Script, generator: Call) -> bool:
    """Tells whether the generator gets its numbers where this check cannot see it.

    That is as an argument, in a container, returned, or by `generator.mean = ...`.
    """
    parent = script.parents.get(generator.node)
    if not isinstance(parent, ast.Assign) or len(parent.targets) > 1:
        return not isinstance(parent, ast.Attribute)  # ImageDataGenerator().flow(...)
    target = parent.targets[0]
    if not isinstance(target, ast.Name):
        return True
    for node in script.walk(ast.Name):
        if not isinstance(node, ast.Name) or node.id != target.id or node is target:
            continue
        holder = script.parents.get(node)
        if isinstance(node.ctx, ast.Load) and not isinstance(holder, ast.Attribute):
            return True
        if isinstance(holder, ast.Attribute) and holder.attr in (*BY_HAND, "fit"):
            return True
    return False


def _missing(script: Script, generator: Call, wanted: list[str]) -> Finding:
    return Finding(
        code="RD634",
        label="config_not_applied",
        severity="warning",
        title=f"`{wanted[0]}=True` does nothing: the generator's `fit` is not called.",
        evidence={"options": ", ".join(wanted), "fits": 0},
        why="The generator has no mean and deviation of the training images. It warns "
        "once and gives the images unchanged.",
        cure="Call `fit` on the training images before `flow`; give the validation "
        "generator the same numbers.",
        snippet="datagen.fit(x_train)",
        effect="Images arrive standardised.",
        confidence=0.9,
        source=script.place(generator.node),
    )


def _useless(script: Script, fit: Call) -> Finding:
    return Finding(
        code="RD634",
        label="config_not_applied",
        severity="advice",
        title=f"`{script.text(fit.node)}` measures nothing that is used.",
        evidence={"options": "", "fits": 1},
        why="It serves `featurewise_center`, `featurewise_std_normalization` and "
        "`zca_whitening` alone, and copies all images for it. Augmentation needs none.",
        cure="Delete the line, or set the option that was meant.",
        snippet="ImageDataGenerator(featurewise_center=True)",
        effect="Memory and time; the images stay as they are.",
        confidence=0.95,
        source=script.place(fit.node),
    )
