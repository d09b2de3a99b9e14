"""RD602: validation images are augmented at random."""

import ast
from collections.abc import Iterator

from residency.doctor.script.flow import Step, calls_in, fits, mapped, pipeline
from residency.doctor.script.script import Call, Script
from residency.doctor.script.values import UNKNOWN, value
from residency.doctor.script.vocabulary import GENERATOR_AUGMENTATIONS, RANDOM_LAYERS
from residency.records import Finding


def check(script: Script) -> Iterator[Finding]:
    """Yields each `validation_data` that random augmentation goes into."""
    seen: set[str] = set()
    for fit in fits(script):
        given = fit.argument("validation_data")
        for step in pipeline(script, given):
            how = _augmentation(script, step)
            if how and how not in seen:
                seen.add(how)
                yield _finding(script, step.call, how)


def _augmentation(script: Script, step: Step) -> str:
    """Returns in words what a step changes at random, or `""`."""
    if step.call.last == "ImageDataGenerator":
        return ", ".join(random_arguments(script, step.call))
    function = mapped(script, step)
    if function is None:
        return ""
    found = [call for call in calls_in(script, function) if _is_random(script, call)]
    return script.text(found[0].node) if found else ""


def random_arguments(script: Script, generator: Call) -> list[str]:
    """Returns the augmentations that an ImageDataGenerator is given, as written."""
    given = {n: generator.argument(n) for n in GENERATOR_AUGMENTATIONS}
    acting = {n: e for n, e in given.items() if e is not None and _acts(script, e)}
    return [f"{name}={script.text(each)}" for name, each in acting.items()]


def _acts(script: Script, expression: ast.expr) -> bool:
    known = value(script, expression)
    return known is UNKNOWN or bool(known)


def _is_random(script: Script, call: Call) -> bool:
    if call.name.startswith("tensorflow.image."):
        return call.last.startswith(("random_", "stateless_random_"))
    layer = script.call_of(call.node.func)
    layers = [call, layer] if layer is not None else []
    trains = call.argument("training")
    is_layer = any(each.keras in RANDOM_LAYERS for each in layers if each)
    return is_layer and (trains is not None and value(script, trains) is True)


def _finding(script: Script, call: Call, how: str) -> Finding:
    return Finding(
        code="RD602",
        label="val_augmented",
        severity="warning",
        title=f"Validation images are augmented at random ({how}).",
        evidence={"augmentation": how},
        why="The validation figures measure distorted images, change from epoch to "
        "epoch, and so mislead whatever is chosen by them.",
        cure="Give validation a pipeline of its own, without augmentation.",
        snippet="validation_datagen = ImageDataGenerator(\n"
        "    preprocessing_function=...,  # or rescale=..., as for training\n"
        ")\nvalidation_generator = validation_datagen.flow_from_directory(...)",
        effect="Validation accuracy rises, and holds still where the model does.",
        source=script.place(call.node),
    )
