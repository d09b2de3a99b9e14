"""A parsed script: what its names mean, and where they were bound."""

import ast
import builtins
from dataclasses import dataclass, field
from pathlib import Path

from residency.doctor.script.bindings import (
    COMPREHENSIONS,
    Binding,
    Bindings,
    bind_all,
    start_of,
)
from residency.doctor.script.source import Source, parse, read_source
from residency.errors import DataError

SPELLINGS = (
    ("tensorflow.compat.v2.keras", "keras"),
    ("tensorflow.compat.v1.keras", "keras"),
    ("tensorflow.python.keras", "keras"),
    ("tensorflow.keras", "keras"),
    ("keras.src.legacy.preprocessing", "keras.preprocessing"),
    ("keras.api", "keras"),
    ("keras_preprocessing", "keras.preprocessing"),
    ("keras_applications", "keras.applications"),
    ("tf_keras", "keras"),
)
"""Other ways to write the same module; `Call.written` keeps the script's own."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One call in the script."""

    node: ast.Call
    name: str
    """Dotted and resolved, such as `"keras.layers.Dense"` or `"model.fit"`."""
    written: str
    """As `name`, with the module as the script imports it."""
    imported: bool
    """The name starts at a module, not at a variable."""

    @property
    def last(self) -> str:
        """The name's last word."""
        return self.name.rpartition(".")[2]

    @property
    def keras(self) -> str:
        """The last word if it is a name of Keras, else `""`."""
        return self.last if self.imported and self.name.startswith("keras.") else ""

    @property
    def method(self) -> str:
        """The last word if it is called on a value, else `""`."""
        is_method = isinstance(self.node.func, ast.Attribute) and not self.imported
        return self.last if is_method else ""

    @property
    def receiver(self) -> ast.expr:
        """What a method is called on."""
        return (
            self.node.func.value
            if isinstance(self.node.func, ast.Attribute)
            else self.node.func
        )

    @property
    def keywords(self) -> dict[str, ast.expr]:
        """The arguments given by name."""
        return {k.arg: k.value for k in self.node.keywords if k.arg is not None}

    def argument(self, name: str, position: int | None = None) -> ast.expr | None:
        """Returns the argument called `name`, or standing at `position`."""
        if name in self.keywords:
            return self.keywords[name]
        args = self.node.args
        if position is None or position >= len(args):
            return None
        starred = any(isinstance(arg, ast.Starred) for arg in args[: position + 1])
        return None if starred else args[position]


@dataclass(kw_only=True, slots=True, eq=False)
class Script(Bindings):
    """A script's tree with its names resolved."""

    source: Source
    calls: tuple[Call, ...] = ()
    siblings: dict[str, "Script | None"] = field(default_factory=dict)
    """Modules that lie beside the script, by name."""

    def place(self, node: ast.AST) -> str:
        """Returns where `node` stands, such as `"train.py:12"`."""
        return self.source.places[getattr(node, "lineno", 1) - 1]

    def text(self, node: ast.AST, limit: int = 60) -> str:
        """Returns the node as code on one line, shortened to `limit` characters."""
        code = " ".join(ast.unparse(node).split())
        return code if len(code) <= limit else code[: limit - 3] + "..."

    def candidates(self, name: ast.Name) -> list[Binding]:
        """Returns the bindings that `name` may have at its place, latest first.

        In the name's own scope those above it; all of an outer scope, which are
        made before the function around the name is called.
        """
        own = scope = self.scope(name)
        while True:
            found = self.bindings.get((scope, name.id), [])
            if found and not (isinstance(scope, ast.ClassDef) and scope is not own):
                is_inner = scope is own or isinstance(own, COMPREHENSIONS)
                before = (
                    [b for b in found if b.end <= start_of(name)] if is_inner else found
                )
                return list(reversed(before or found))
            if scope is self.tree:
                return []
            scope = self.scope(scope)

    def definition(self, name: ast.Name) -> ast.expr | None:
        """Returns the expression that `name` was last bound to, whole."""
        first = next(iter(self.candidates(name)), None)
        return first.value if first is not None and first.index is None else None

    def origin(self, expression: ast.expr | None) -> ast.expr | None:
        """Follows names to the expression they stand for."""
        for _ in range(20):
            if not isinstance(expression, ast.Name):
                return expression
            following = self.definition(expression)
            if following is None:
                return expression
            expression = following
        return expression

    def call_of(self, expression: ast.expr | None) -> Call | None:
        """Returns the call that an expression is, or that its name was bound to."""
        node = self.origin(expression)
        return self.call(node) if isinstance(node, ast.Call) else None

    def call(self, node: ast.Call) -> Call:
        """Returns `node` with its name resolved."""
        written, imported = self.dotted(node.func)
        return Call(
            node, _canonical(written) if imported else written, written, imported
        )

    def dotted(self, expression: ast.expr, depth: int = 0) -> tuple[str, bool]:
        """Returns the dotted name of an expression, and whether a module begins it."""
        if isinstance(expression, ast.Attribute):
            before, imported = self.dotted(expression.value, depth)
            return f"{before}.{expression.attr}", imported
        if not isinstance(expression, ast.Name):
            return "", False
        name = expression.id
        value = self.definition(expression)
        if isinstance(value, ast.Attribute | ast.Name) and depth < 10:
            written, imported = self.dotted(
                value, depth + 1
            )  # layers = tf.keras.layers
            if imported:
                return written, True
        if (
            self.candidates(expression)
            or name in self.functions
            or name in self.classes
        ):
            return name, False
        if name in self.modules:
            return self.modules[name], True
        if hasattr(builtins, name):
            return name, True
        return (f"{self.stars[0]}.{name}", True) if self.stars else (name, False)

    def qualified(self, expression: ast.expr | None) -> str:
        """Returns the canonical dotted name of what was imported, else `""`."""
        if expression is None:
            return ""
        written, imported = self.dotted(expression)
        return _canonical(written) if imported else ""

    def sibling(self, module: str) -> "Script | None":
        """Returns the module of that name beside this script, if there is one."""
        if module not in self.siblings:
            path = self.source.path.parent / f"{module}.py"
            self.siblings[module] = _read_sibling(path, self.source.path)
        return self.siblings[module]


def read_script(path: str | Path) -> Script:
    """Returns the parsed script.

    Raises:
        DataError: The file cannot be read, or is no Python 3.
    """
    source = read_source(path)
    script = Script(tree=parse(source), source=source)
    bind_all(script)
    nodes = (n for n in script.walk(ast.Call) if isinstance(n, ast.Call))
    script.calls = tuple(script.call(node) for node in nodes)
    return script


def _read_sibling(path: Path, beside: Path) -> Script | None:
    if not path.is_file() or path == beside:
        return None
    try:
        return read_script(path)
    except DataError:  # the script itself is what is judged
        return None


def _canonical(name: str) -> str:
    for other, usual in SPELLINGS:
        if name == other or name.startswith(f"{other}."):
            return usual + name[len(other) :]
    return name
