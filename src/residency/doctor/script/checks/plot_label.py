"""RD625: a curve drawn under the name of another."""

from collections.abc import Iterator

from residency.doctor.script.script import Call, Script
from residency.doctor.script.training import SERIES, history_key
from residency.doctor.script.values import value
from residency.records import Finding


def check(script: Script) -> Iterator[Finding]:
    """Yields `plot(history["val_acc"], label="Validation Loss")`."""
    for call in script.calls:
        label = value(script, call.argument("label"))
        if call.last != "plot" or not isinstance(label, str):
            continue
        keys = {key for arg in call.node.args if (key := history_key(script, arg))}
        if len(keys) == 1:
            key = next(iter(keys))
            if _contradicts(key, label.lower()):
                yield _finding(script, call, key, label)


def _contradicts(key: str, label: str) -> bool:
    plain = key.removeprefix("val_")
    kinds = {kind for kind in SERIES if kind in label}
    other_kind = bool(kinds) and not any(plain.startswith(kind) for kind in kinds)
    says_train, says_validation = "train" in label, "val" in label or "test" in label
    is_validation = key.startswith("val_")
    other_part = (says_train and not says_validation and is_validation) or (
        says_validation and not says_train and not is_validation
    )
    return other_kind or other_part


def _finding(script: Script, call: Call, key: str, label: str) -> Finding:
    return Finding(
        code="RD625",
        label="metric_misleading",
        severity="warning",
        title=f"The curve called '{label}' draws '{key}'.",
        evidence={"label": label, "drawn": key},
        why="Conclusions are drawn from the wrong curve.",
        cure="Draw the curve that the label names.",
        snippet="for name, values in history.history.items():\n"
        "    plt.plot(values, label=name)",
        effect="The plot shows what it says.",
        confidence=0.95,
        source=script.place(call.node),
    )
