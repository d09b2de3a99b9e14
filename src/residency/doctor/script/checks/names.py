"""RD610: functions, methods and modules that Keras 3 no longer has."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from residency.doctor.script.script import Script
from residency.doctor.script.training import is_legacy
from residency.doctor.script.vocabulary import OPTIMIZERS
from residency.records import Finding

CLASSIC = ("SGD", "Adam", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam")
IMAGE = "keras.preprocessing.image."
REMOVED: dict[str, str] = {
    IMAGE + "ImageDataGenerator": "keras.utils.image_dataset_from_directory, and "
    "Random... layers; or from keras.src.legacy.preprocessing.image",
    "keras.preprocessing.text": "keras.layers.TextVectorization",
    "keras.utils.np_utils.to_categorical": "keras.utils.to_categorical",
    "keras.utils.np_utils": "keras.utils",
    "keras.utils.vis_utils": "keras.utils.plot_model",
    "keras.utils.generic_utils": "keras.utils",
    "keras.utils.multi_gpu_model": "keras.distribution, or the backend's own means",
    "keras.layers.merge": "keras.layers.add, keras.layers.Concatenate ...",
    "keras.layers.Merge": "keras.layers.Concatenate, keras.layers.Add ...",
    "keras.layers.core": "keras.layers",
    "keras.layers.convolutional": "keras.layers",
    "keras.layers.pooling": "keras.layers",
    "keras.layers.normalization": "keras.layers",
    "keras.layers.advanced_activations": "keras.layers",
    "keras.layers.noise": "keras.layers",
    "keras.layers.recurrent": "keras.layers",
    "keras.layers.embeddings": "keras.layers",
    "keras.layers.wrappers": "keras.layers",
    "keras.layers.experimental": "keras.layers",
    "keras.layers.LocallyConnected2D": "a convolution; there is no successor",
    "keras.layers.RandomHeight": "keras.layers.RandomZoom",
    "keras.layers.RandomWidth": "keras.layers.RandomZoom",
    "keras.layers.ThresholdedReLU": "keras.layers.ReLU(threshold=...)",
    "keras.engine": "keras.layers, keras.Model",
    "keras.objectives": "keras.losses",
    "keras.wrappers.scikit_learn": "keras.wrappers.SKLearnClassifier",
    "keras.callbacks.callbacks": "keras.callbacks",
    "keras.mixed_precision.experimental": "keras.mixed_precision.set_global_policy",
    "keras.optimizers.legacy": "keras.optimizers",
    "keras.optimizers.experimental": "keras.optimizers",
    **{f"keras.optimizers.{n.lower()}": f"keras.optimizers.{n}" for n in CLASSIC},
    "keras.losses.Reduction": "the word itself, such as 'sum'",
    "keras.estimator": "model.fit",
    "keras.backend.tensorflow_backend": "keras.ops",
}
"""Name to what to write today. Measured with Keras 3.15: each is an error."""

IN_TENSORFLOW = (IMAGE + "ImageDataGenerator", "keras.preprocessing.text")
IN_TENSORFLOW += ("keras.losses.Reduction", "keras.layers.RandomHeight")
IN_TENSORFLOW += ("keras.layers.RandomWidth", "keras.layers.ThresholdedReLU")
"""What `tf.keras` still has."""

BACKEND = ("backend", "clear_session", "epsilon", "floatx", "get_uid", "name_scope")
BACKEND += ("image_data_format", "set_epsilon", "set_floatx", "set_image_data_format")
BACKEND += ("is_float_dtype", "is_int_dtype", "result_type", "standardize_dtype")
GONE_EVEN_THERE = ("set_session", "get_session", "tensorflow_backend", "learning_phase")
GONE_EVEN_THERE += (
    "set_learning_phase",
    "image_dim_ordering",
    "set_image_dim_ordering",
)
SUCCESSOR = {
    "get_value": "float(variable)",
    "set_value": "variable.assign(value)",
    "int_shape": "x.shape",
    "learning_phase": "the argument `training` of `call`",
    "set_learning_phase": "the argument `training` of `call`",
    "set_session": "nothing: there are no sessions",
    "get_session": "nothing: there are no sessions",
    "image_dim_ordering": "keras.config.image_data_format",
    "set_image_dim_ordering": "keras.config.set_image_data_format",
    "permute_dimensions": "keras.ops.transpose",
    "eval": "keras.ops.convert_to_numpy",
}


class Method(NamedTuple):
    """What to call today."""

    new: str
    snippet: str


METHODS = {
    "fit_generator": Method("fit", "model.fit(generator, epochs=...)"),
    "evaluate_generator": Method("evaluate", "model.evaluate(generator)"),
    "predict_generator": Method("predict", "model.predict(generator)"),
    "predict_classes": Method("predict", "model.predict(x).argmax(axis=-1)"),
    "predict_proba": Method("predict", "model.predict(x)"),
    "_keras_shape": Method("shape", "x.shape"),
}


def check(script: Script) -> Iterator[Finding]:
    """Yields the names that stop the script on today's Keras."""
    if is_legacy(script):
        return
    found: dict[str, tuple[ast.AST, str, str]] = {}
    for node, written in _mentioned(script):
        gone = _gone(written)
        if gone:
            found.setdefault(gone[0], (node, *gone))
    for node, old, new in found.values():
        yield _finding(script, node, f"`{old}`", new, new)
    yield from _attributes(script)


def _mentioned(script: Script) -> Iterator[tuple[ast.AST, str]]:
    """Yields what is imported or reached through a module, as it is written."""
    for node in script.walk(ast.Import, ast.ImportFrom, ast.Attribute):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Attribute):
            written, imported = script.dotted(node)
            if imported:
                yield node, written


def _gone(written: str) -> tuple[str, str] | None:
    """Returns the name that is gone and what stands for it today."""
    tensorflow = written.startswith("tensorflow.")
    name = written.removeprefix("tensorflow.").removeprefix("python.")
    for old, new in REMOVED.items():
        kept = tensorflow and old in IN_TENSORFLOW
        if (name == old or name.startswith(f"{old}.")) and not kept:
            return written[: len(written) - len(name) + len(old)], new
    before, _, last = name.rpartition(".")
    if before != "keras.backend" or last in BACKEND or last == "*":
        return None
    if tensorflow and last not in GONE_EVEN_THERE:
        return None
    return written, SUCCESSOR.get(last, f"keras.ops.{last}")


def _attributes(script: Script) -> Iterator[Finding]:
    """Yields methods and attributes of models, optimizers and tensors."""
    for node in script.walk(ast.Attribute):
        if not isinstance(node, ast.Attribute) or script.dotted(node)[1]:
            continue
        if node.attr in METHODS and _may_be_model(script, node.value):
            new, snippet = METHODS[node.attr]
            yield _finding(script, node, f"`.{node.attr}`", f"`.{new}`", snippet)
        elif node.attr == "lr" and _is_optimizer(script, node.value):
            yield _finding(
                script,
                node,
                "`optimizer.lr`",
                "`learning_rate`",
                "model.optimizer.learning_rate",
            )


def _is_optimizer(script: Script, expression: ast.expr) -> bool:
    call = script.call_of(expression)
    attribute = isinstance(expression, ast.Attribute) and expression.attr == "optimizer"
    return attribute or (call is not None and call.keras in OPTIMIZERS)


def _may_be_model(script: Script, receiver: ast.expr) -> bool:
    """Tells whether a value may be of Keras: no classifier of another library."""
    made = script.call_of(receiver)
    if made is not None and made.imported:
        return bool(made.keras)
    modules = {name.partition(".")[0] for name in script.modules.values()}
    return _uses_keras(script) and not {"sklearn", "xgboost", "lightgbm"} & modules


def _uses_keras(script: Script) -> bool:
    names = {
        name.partition(".")[0] for name in (*script.modules.values(), *script.stars)
    }
    return bool(names & {"keras", "tensorflow"})


def _finding(
    script: Script, node: ast.AST, old: str, new: str, snippet: str
) -> Finding:
    return Finding(
        code="RD610",
        label="api_changed",
        severity="error",
        title=f"{old} is gone in Keras 3.",
        evidence={"old": old.strip("`"), "today": new.strip("`")},
        why="The script was written for an older Keras and stops here with an error.",
        cure=f"Write {new}.",
        snippet=snippet,
        effect="The script runs on today's Keras.",
        source=script.place(node),
    )
