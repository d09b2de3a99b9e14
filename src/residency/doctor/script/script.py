"""A parsed script: what its names mean, and where they were bound."""

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from residency.doctor.script.source import Source, parse, read_source
from residency.errors import DataError

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SCOPES = (ast.Module, ast.ClassDef, ast.Lambda, *FUNCTIONS, *COMPREHENSIONS)

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
class Binding:
    """One place that gives a name its value."""

    node: ast.AST
    value: ast.expr | None
    """`None` where the value is not one expression: a loop variable, say."""
    index: int | None = None
    """Position in the value, where it is unpacked."""

    @property
    def end(self) -> tuple[int, int]:
        """Where the name begins to have the value."""
        return _end(self.node)


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


@dataclass(slots=True, eq=False)
class Script:
    """A script's tree with its names resolved."""

    source: Source
    tree: ast.Module
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    """What the imports bind: name to dotted path, as written."""
    stars: list[str] = field(default_factory=list)
    bindings: dict[tuple[ast.AST, str], list[Binding]] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
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

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yields parent, grandparent and so on."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def scope(self, node: ast.AST) -> ast.AST:
        """Returns the function, class, comprehension or module around `node`."""
        return next(
            (a for a in self.ancestors(node) if isinstance(a, SCOPES)), self.tree
        )

    def function(self, node: ast.AST) -> Function | None:
        """Returns the function around `node`, if it stands in one."""
        return next((a for a in self.ancestors(node) if isinstance(a, FUNCTIONS)), None)

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
                    [b for b in found if b.end <= _start(name)] if is_inner else found
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

    def walk(self, *kinds: type) -> Iterator[ast.AST]:
        """Yields the nodes of these kinds, in the order of the text."""
        found = [node for node in ast.walk(self.tree) if isinstance(node, kinds)]
        yield from sorted(found, key=_start)

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
    script = Script(source, parse(source))
    for parent in ast.walk(script.tree):
        for child in ast.iter_child_nodes(parent):
            script.parents[child] = parent
    for node in script.walk(ast.AST):
        _bind(script, node)
    calls = [
        script.call(node)
        for node in script.walk(ast.Call)
        if isinstance(node, ast.Call)
    ]
    script.calls = tuple(calls)
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


def _bind(script: Script, node: ast.AST) -> None:
    """Records what `node` gives names to."""
    match node:
        case ast.Import():
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                script.modules[alias.asname or whole] = whole
        case ast.ImportFrom():
            _bind_import(script, node)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            script.functions[node.name] = node
            _bind_parameters(script, node)
        case ast.Lambda():
            _bind_parameters(script, node)
        case ast.ClassDef():
            script.classes[node.name] = node
        case ast.Assign():
            for target in node.targets:
                _bind_target(script, target, node.value, node)
        case ast.AnnAssign() | ast.NamedExpr() if node.value is not None:
            _bind_target(script, node.target, node.value, node)
        case ast.AugAssign():
            _bind_target(script, node.target, _augmented(script, node), node)
        case ast.For() | ast.AsyncFor() | ast.comprehension():
            _bind_target(script, node.target, None, node.target)
        case ast.withitem(optional_vars=ast.expr() as target):
            _bind_target(script, target, node.context_expr, target)
        case _:
            pass


def _bind_import(script: Script, node: ast.ImportFrom) -> None:
    module = "." * node.level + (node.module or "")
    for alias in node.names:
        if alias.name == "*":
            script.stars.append(module)
        else:
            script.modules[alias.asname or alias.name] = f"{module}.{alias.name}"


def _bind_parameters(script: Script, node: Function | ast.Lambda) -> None:
    every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    starred = tuple(a for a in (node.args.vararg, node.args.kwarg) if a is not None)
    for argument in (*every, *starred):
        _record(script, node, argument.arg, Binding(argument, None))


def _bind_target(
    script: Script, target: ast.expr, value: ast.expr | None, node: ast.AST
) -> None:
    if isinstance(target, ast.Name):
        _record(script, script.scope(target), target.id, Binding(node, value))
    elif isinstance(target, ast.Tuple | ast.List):
        for position, item in enumerate(target.elts):
            _bind_item(script, item, value, position, node)
    elif isinstance(target, ast.Starred):
        _bind_target(script, target.value, None, node)


def _bind_item(
    script: Script, item: ast.expr, value: ast.expr | None, position: int, node: ast.AST
) -> None:
    """Binds one name of `a, b = value`."""
    if isinstance(value, ast.Tuple | ast.List) and position < len(value.elts):
        _bind_target(script, item, value.elts[position], node)
    elif isinstance(item, ast.Name):
        _record(script, script.scope(item), item.id, Binding(node, value, position))
    else:
        _bind_target(script, item, None, node)


def _record(script: Script, scope: ast.AST, name: str, binding: Binding) -> None:
    script.bindings.setdefault((scope, name), []).append(binding)


def _augmented(script: Script, node: ast.AugAssign) -> ast.expr | None:
    """Returns `x / 255` for `x /= 255`, standing where the statement stands."""
    if not isinstance(node.target, ast.Name):
        return None
    left = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
    whole = ast.copy_location(ast.BinOp(left, node.op, node.value), node)
    script.parents[left], script.parents[whole] = whole, node
    return whole


def _start(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _end(node: ast.AST) -> tuple[int, int]:
    line = getattr(node, "end_lineno", None) or getattr(node, "lineno", 0)
    return line, getattr(node, "end_col_offset", None) or 0
