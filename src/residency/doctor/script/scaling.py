"""How a script brings pixels to another scale."""

import ast
from collections.abc import Iterator

from residency.doctor.script.flow import calls_in
from residency.doctor.script.functions import function_of
from residency.doctor.script.script import Call, Script
from residency.doctor.script.values import number

READERS = ("decode_jpeg", "decode_png", "decode_image", "decode_and_crop_jpeg")
READERS += ("decode_bmp", "decode_gif", "imread", "load_img")


def divisor(script: Script, node: ast.AST) -> float | None:
    """Returns by what pixels are divided: 255 or 127.5, as a `/`, a `*` or a layer.

    A multiplication by 1/255 counts as a division by 255.
    """
    by: float | None = None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        constant = number(script, node.left) is not None
        by = None if constant else number(script, node.right)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        by = _inverse(number(script, node.right) or number(script, node.left))
    elif isinstance(node, ast.Call):
        by = _of_call(script, script.call(node))
    near = (255.0, 256.0, 127.5, 128.0)
    return next((n for n in near if by is not None and abs(by - n) < 0.26), None)


def _of_call(script: Script, call: Call) -> float | None:
    if call.keras == "Rescaling":
        return _inverse(number(script, call.argument("scale", 0)))
    if call.last in ("divide", "truediv", "div") and call.imported:
        return number(script, call.argument("y", 1))
    if call.last in ("multiply",) and call.imported:
        return _inverse(number(script, call.argument("y", 1)))
    if call.name == "tensorflow.image.convert_image_dtype":
        dtype = call.argument("dtype", 1)
        return 255.0 if dtype is not None and "float" in ast.unparse(dtype) else None
    if call.last == "ToTensor":
        return 255.0
    return None


def makes_float(call: Call) -> bool:
    """Tells whether a call turns an image into floats, on the scale it has."""
    if call.last == "cast":
        return any(
            "float" in ast.unparse(a)
            for a in [*call.node.args, *call.keywords.values()]
        )
    return call.last in (
        "to_float",
        "resize",
        "resize_with_pad",
        "resize_with_crop_or_pad",
    )


def _inverse(scale: float | None) -> float | None:
    return 1 / scale if scale else None


def rescale(script: Script, generator: Call) -> float | None:
    """Returns the factor of an ImageDataGenerator's `rescale`, if it has one."""
    given = number(script, generator.argument("rescale"))
    return given or None


def preprocessing_module(script: Script, expression: ast.expr) -> str:
    """Returns the module of `keras.applications` a `preprocess_input` belongs to."""
    dotted = script.qualified(expression)
    if not dotted.endswith(".preprocess_input") or "applications" not in dotted:
        return ""
    return dotted.rpartition(".")[0].rpartition(".")[2]


def preprocessings(script: Script, inside: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Yields each use of a `preprocess_input`, and its module."""
    for node in ast.walk(inside):
        if isinstance(node, ast.Name | ast.Attribute) and not isinstance(
            script.parents.get(node), ast.Attribute
        ):
            module = preprocessing_module(script, node)
            if module and isinstance(node.ctx, ast.Load):
                yield node, module


def reads_images(script: Script, inside: ast.AST) -> bool:
    """Tells whether image files are decoded among the `operations` of `inside`."""
    return any(call.last in READERS for call in calls_in(script, inside))


def mapped_function(script: Script, call: Call) -> ast.AST | None:
    """Returns the function of the script that `.map(...)` or `Lambda(...)` applies."""
    first = call.node.args[0] if call.node.args else None
    return function_of(script, first)
