"""RD609: arguments that Keras 3 renamed, removed, or takes for something else."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from residency.doctor.script.script import Call, Script
from residency.doctor.script.training import is_legacy
from residency.doctor.script.values import number, value
from residency.doctor.script.vocabulary import OPTIMIZERS
from residency.records import Finding


class Change(NamedTuple):
    """What became of an argument. Measured with Keras 3.15 on torch."""

    new: str
    """What to write today; empty: leave it out."""
    does: str = "raises"
    """`"raises"`, `"ignored"` or `"deprecated"`."""


OLD_LAYER = {
    "subsample": Change("strides="),
    "border_mode": Change("padding="),
    "nb_filter": Change("filters="),
    "nb_row": Change("kernel_size="),
    "nb_col": Change("kernel_size="),
    "init": Change("kernel_initializer="),
    "W_regularizer": Change("kernel_regularizer="),
    "b_regularizer": Change("bias_regularizer="),
    "W_constraint": Change("kernel_constraint="),
    "dim_ordering": Change("data_format="),
    "output_dim": Change("units="),
    "bias": Change("use_bias="),
}
LAYERS = ("Dense", "Conv2D", "Convolution2D", "Conv1D", "Convolution1D", "Conv3D")
LAYERS += ("MaxPooling2D", "AveragePooling2D", "SeparableConv2D", "UpSampling2D")
LAYERS += ("ZeroPadding2D", "GlobalAveragePooling2D", "Flatten", "DepthwiseConv2D")
WORKERS = Change("keras.utils.PyDataset(workers=...)")
METHOD = dict.fromkeys(("workers", "use_multiprocessing", "max_queue_size"), WORKERS)
METHOD |= {"max_q_size": WORKERS, "pickle_safe": WORKERS}
ARGUMENTS: dict[str, dict[str, Change]] = {
    **{name: {"lr": Change("learning_rate=")} for name in OPTIMIZERS},
    **dict.fromkeys(LAYERS, OLD_LAYER),
    "ReduceLROnPlateau": {"epsilon": Change("min_delta=", "ignored")},
    "l2": {"l": Change("l2=")},
    "l1": {"l": Change("l1=")},
    "Dropout": {"p": Change("rate=")},
    "SpatialDropout2D": {"p": Change("rate=")},
    "LeakyReLU": {"alpha": Change("negative_slope=", "deprecated")},
    "BatchNormalization": {
        "mode": Change(""),
        "beta_init": Change("beta_initializer="),
        "gamma_init": Change("gamma_initializer="),
    },
    "Model": {"input": Change("inputs="), "output": Change("outputs=")},
    "ModelCheckpoint": {"period": Change("save_freq='epoch'")},
    "TensorBoard": {
        "write_grads": Change(""),
        "batch_size": Change(""),
        "embeddings_layer_names": Change(""),
    },
    "to_categorical": {"nb_classes": Change("num_classes=")},
    "Policy": {"loss_scale": Change("keras.optimizers.LossScaleOptimizer")},
}
METHODS: dict[str, dict[str, Change]] = {
    "fit": METHOD | {"nb_epoch": Change("epochs=")},
    "evaluate": METHOD,
    "predict": METHOD,
    "compile": {"sample_weight_mode": Change(""), "target_tensors": Change("")},
}
SEVERITY = {"raises": "error", "ignored": "warning", "deprecated": "advice"}
SAYS = {
    "raises": "stops the program with an error",
    "ignored": "is swallowed without a word",
    "deprecated": "still works, with a warning",
}


def check(script: Script) -> Iterator[Finding]:
    """Yields each argument of a Keras call that no longer means what it did."""
    if is_legacy(script):
        return
    for call in script.calls:
        is_wrapped = ".legacy." in call.name
        known = (
            ARGUMENTS.get(call.keras, {})
            if call.keras
            else METHODS.get(call.method, {})
        )
        for name, change in known.items():
            if name in call.keywords and not is_wrapped and _is_ours(script, call):
                yield _renamed(script, call, name, change)
        yield from _strides(script, call)
        yield from _file_ending(script, call)


def _is_ours(script: Script, call: Call) -> bool:
    """Tells whether a method is called in a script that uses Keras at all."""
    modules = (name.partition(".")[0] for name in script.modules.values())
    return bool(call.keras) or bool({"keras", "tensorflow"} & set(modules))


def _renamed(script: Script, call: Call, name: str, change: Change) -> Finding:
    given = call.keywords[name]
    target = f"{call.last}({name}={script.text(given, 30)})"
    cure = f"Write `{change.new}`." if change.new else "Leave it out."
    label = "config_not_applied" if change.does == "ignored" else "api_changed"
    new = (
        f"{change.new}{script.text(given)}" if change.new.endswith("=") else change.new
    )
    return _finding(
        script,
        given,
        f"`{target}` {SAYS[change.does]} in Keras 3.",
        cure,
        severity=SEVERITY[change.does],
        label=label,
        snippet=new or "",
    )


def _strides(script: Script, call: Call) -> Iterator[Finding]:
    """Yields `Conv2D(8, 5, 5)`: in Keras 1 a window of 5 x 5, now strides of 5."""
    if call.keras not in ("Conv2D", "Convolution2D") or len(call.node.args) < 3:
        return
    size, strides = (number(script, arg) for arg in call.node.args[1:3])
    if size is not None and size == strides and size > 2:
        yield _finding(
            script,
            call.node.args[2],
            f"`{script.text(call.node)}` has strides of {strides:.0f}, not a window "
            f"of {size:.0f} x {size:.0f}.",
            "Give the window as a pair.",
            severity="warning",
            label="stem_too_coarse",
            confidence=0.8,
            snippet=f"({size:.0f}, {size:.0f})",
        )


def _file_ending(script: Script, call: Call) -> Iterator[Finding]:
    """Yields weight and model files whose ending Keras 3 refuses."""
    name = value(script, call.argument("filepath", 0))
    if not isinstance(name, str) or name[-1:] == "/":
        return
    weights_only = value(script, call.argument("save_weights_only")) is True
    if call.method == "save_weights" or (
        call.keras == "ModelCheckpoint" and weights_only
    ):
        good: tuple[str, ...] = (".weights.h5",)
    elif call.keras == "ModelCheckpoint":
        good = (".keras", ".h5")
    else:
        return
    if not name.endswith(good):
        stem = name.rpartition(".")[0] or name
        yield _finding(
            script,
            call.node,
            f"`{call.last}` refuses the file name '{name}': it must end in {good[0]}.",
            f"End the name in {good[0]}.",
            severity="error",
            label="api_changed",
            snippet=repr(stem + good[0]),
        )


def _finding(
    script: Script,
    node: ast.AST,
    title: str,
    cure: str,
    *,
    severity: str,
    label: str,
    snippet: str,
    confidence: float = 1.0,
) -> Finding:
    return Finding(
        code="RD609",
        label=label,
        severity=severity,
        title=title,
        evidence={"code": script.text(node)},
        why="The script was written for an older Keras. What it asks for is refused, "
        "or does not happen.",
        cure=cure,
        snippet=snippet,
        effect="The script runs on today's Keras and does what it says.",
        confidence=confidence,
        source=script.place(node),
    )
