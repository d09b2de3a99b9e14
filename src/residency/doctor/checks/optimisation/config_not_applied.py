"""RD306: a callback, regularizer or optimizer setting that never takes effect."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras

from residency.doctor.probe import Probe
from residency.records import Finding

CALLBACKS: Any = keras.callbacks


def check(probe: Probe) -> Sequence[Finding] | None:
    """Looks at what model, optimizer and callbacks themselves show."""
    return [
        *_monitors(probe),
        *_patience(probe),
        *_constraints(probe),
        *_accumulation(probe),
    ]


def _monitors(probe: Probe) -> Iterator[Finding]:
    """Yields callbacks that wait for a number that `fit` does not report."""
    settings = probe.settings
    others = any(type(c).__module__[:6] != "keras." for c in settings.callbacks)
    if others or len(probe.graph.outputs) != 1 or settings.optimizer is None:
        return  # they may report more, or by names of outputs
    if "custom" in settings.metrics:
        return
    known = {"loss", "learning_rate", *settings.metrics}
    for callback in settings.callbacks:
        name = getattr(callback, "monitor", None)
        if not isinstance(name, str) or not _uses_monitor(callback):
            continue
        base = name.removeprefix("val_")
        if base not in known:
            yield _unknown(callback, name, sorted(known))
        elif base != name and probe.validation is None:
            yield _no_validation(callback, name)
        elif _wrong_way(callback, base):
            yield _direction(callback, name)


def _uses_monitor(callback: Any) -> bool:
    if isinstance(callback, CALLBACKS.ModelCheckpoint):
        return bool(callback.save_best_only)
    return isinstance(callback, CALLBACKS.EarlyStopping | CALLBACKS.ReduceLROnPlateau)


def _wrong_way(callback: Any, name: str) -> bool:
    mode = getattr(callback, "mode", "auto")
    if mode == "max":
        return name == "loss" or name.endswith(("_error", "crossentropy"))
    return mode == "min" and ("acc" in name or name in ("auc", "precision", "recall"))


def _patience(probe: Probe) -> Iterator[Finding]:
    epochs = probe.settings.epochs
    for callback in probe.settings.callbacks:
        patience = getattr(callback, "patience", None)
        if epochs and isinstance(patience, int) and patience >= epochs:
            yield _finding(
                f"{type(callback).__name__} waits {patience} epochs, the plan has "
                f"{epochs}.",
                {"callback": type(callback).__name__, "patience": patience},
                "It can never act.",
                "A patience well below the number of epochs.",
                f"patience={max(1, epochs // 5)}",
                "advice",
            )
        floor = getattr(callback, "min_lr", None)
        rate = probe.settings.first_rate
        if floor and rate and floor >= rate:
            yield _finding(
                f"ReduceLROnPlateau may not go below {floor:.3g}, and the rate is "
                f"{rate:.3g}.",
                {"min_lr": float(floor), "rate": rate},
                "It can never lower the rate.",
                "A lower floor.",
                f"min_lr={rate / 1000:.1g}",
            )


def _constraints(probe: Probe) -> Iterator[Finding]:
    """Yields constraints that stand where Keras takes regularizers."""
    for node in probe.graph.nodes:
        for name in ("kernel", "bias", "gamma", "beta", "embeddings"):
            given = getattr(node.layer, f"{name}_regularizer", None)
            if isinstance(given, keras.constraints.Constraint):
                kind = type(given).__name__
                yield _finding(
                    f"{kind} is a constraint, and {node.name} has it as "
                    f"{name}_regularizer.",
                    {"layer": node.name, "given": kind},
                    "Keras adds the weights themselves to the loss; nothing is "
                    "constrained.",
                    f"Pass it as {name}_constraint.",
                    f"{name}_constraint=keras.constraints.{kind}(...)",
                )


def _accumulation(probe: Probe) -> Iterator[Finding]:
    count = getattr(probe.settings.optimizer, "gradient_accumulation_steps", None)
    total = probe.settings.total_steps
    if count and total and count > total:
        yield _finding(
            f"Gradients are summed over {count} steps, the plan has {total}.",
            {"gradient_accumulation_steps": int(count), "planned_steps": total},
            "No update ever happens.",
            "Fewer steps to an update.",
            f"gradient_accumulation_steps={max(1, total // 100)}",
            "error",
        )


def _unknown(callback: Any, name: str, known: list[str]) -> Finding:
    raises = callback.mode == "auto"
    return _finding(
        f"{type(callback).__name__} monitors {name!r}, which no metric reports.",
        {"callback": type(callback).__name__, "monitor": name, "has": ", ".join(known)},
        "Keras cannot tell if high or low is good and raises after the first epoch."
        if raises
        else "Keras warns at each epoch, and the callback never acts.",
        "The name of a metric that is compiled.",
        f'monitor="{"val_" if name.startswith("val_") else ""}{_nearest(name, known)}"',
        "error" if raises else "warning",
    )


def _nearest(name: str, known: list[str]) -> str:
    if "acc" in name:
        return next((n for n in known if "acc" in n), "loss")
    return "loss"


def _no_validation(callback: Any, name: str) -> Finding:
    return _finding(
        f"{type(callback).__name__} monitors {name!r}, and there is no validation.",
        {"callback": type(callback).__name__, "monitor": name},
        "There is no such number: the callback never acts.",
        "Validation data, or another monitor.",
        f"model.fit(..., validation_data=...)  # or monitor={name[4:]!r}",
    )


def _direction(callback: Any, name: str) -> Finding:
    kind = type(callback).__name__
    return _finding(
        f"{kind} takes the {callback.mode}imum of {name!r} for the best.",
        {"callback": kind, "monitor": name, "mode": callback.mode},
        "It keeps the worst epoch, or stops when things get better.",
        'mode="auto".',
        f'keras.callbacks.{kind}(..., monitor="{name}", mode="auto")',
        confidence=0.95,
    )


def _finding(
    title: str,
    evidence: dict[str, Any],
    why: str,
    cure: str,
    snippet: str,
    severity: str = "warning",
    confidence: float = 0.85,
) -> Finding:
    return Finding(
        code="RD306",
        label="config_not_applied",
        severity=severity,
        title=title,
        evidence=evidence,
        why=why,
        cure=cure,
        snippet=snippet,
        effect="The setting does what it says.",
        confidence=confidence,
    )
