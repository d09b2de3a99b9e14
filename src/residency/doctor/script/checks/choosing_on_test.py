"""RD623: the test set decides about the model."""

import ast
import re
from collections.abc import Iterator

from residency.doctor.script.flow import fits
from residency.doctor.script.script import Call, Script
from residency.doctor.script.values import value
from residency.records import Finding

TEST = re.compile(r"^(?:.*_|[xyXY])?(?:test|Test)(?![a-z]|_val)|^test|[a-z]Test")
"""Names such as `x_test`, `testX` and `test_ds`, and not `latest`."""


def check(script: Script) -> Iterator[Finding]:
    """Yields test data passed as `validation_data`."""
    for fit in fits(script):
        given = fit.argument("validation_data")
        name = _test_name(given)
        if given is not None and name:
            yield _finding(script, given, name, _chooser(script))
            return


def _test_name(given: ast.expr | None) -> str:
    """Returns the first name with the word test in it, or `""`."""
    names = [n.id for n in ast.walk(given) if isinstance(n, ast.Name)] if given else []
    return next((name for name in names if TEST.search(name)), "")


def _chooser(script: Script) -> Call | None:
    """Returns the callback that decides by a validation metric, if there is one."""
    for call in script.calls:
        best = value(script, call.argument("save_best_only")) is True
        decides = call.keras in ("EarlyStopping", "ReduceLROnPlateau")
        monitor = value(script, call.argument("monitor", 0 if decides else 1))
        watched = monitor if isinstance(monitor, str) else "val_loss"
        if (
            decides or (call.keras == "ModelCheckpoint" and best)
        ) and watched.startswith("val_"):
            return call
    return None


def _finding(
    script: Script, given: ast.expr, name: str, chooser: Call | None
) -> Finding:
    by = f", and {chooser.last} decides by it" if chooser else ""
    return Finding(
        code="RD623",
        label="test_used_for_choosing",
        severity="warning" if chooser else "advice",
        title=f"`{name}` is the validation data{by}.",
        evidence={"data": name, "chooser": chooser.last if chooser else ""},
        why="What is chosen on the test set fits it better than new images: the figure "
        "is optimistic, and no images are left to tell by how much.",
        cure="Hold out part of the training data, and test once at the end.",
        snippet="x_train, x_val, y_train, y_val = train_test_split(\n"
        "    x_train, y_train, test_size=0.1, stratify=y_train, random_state=0\n)",
        effect="The test accuracy can be quoted.",
        confidence=0.9,
        source=script.place(given),
    )
