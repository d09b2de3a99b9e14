"""What gives a name of a script its value, and in which scope."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SCOPES = (ast.Module, ast.ClassDef, ast.Lambda, *FUNCTIONS, *COMPREHENSIONS)


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
        return end_of(self.node)


@dataclass(kw_only=True, slots=True, eq=False)
class Bindings:
    """A syntax tree and the names that it binds."""

    tree: ast.Module
    nodes: list[ast.AST] = field(default_factory=list)
    """All nodes, in the order of the text."""
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    """What the imports bind: name to dotted path, as written."""
    stars: list[str] = field(default_factory=list)
    bindings: dict[tuple[ast.AST, str], list[Binding]] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)

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

    def walk(self, *kinds: type) -> Iterator[ast.AST]:
        """Yields the nodes of these kinds, in the order of the text."""
        return (node for node in self.nodes if isinstance(node, kinds))


def bind_all(script: Bindings) -> None:
    """Records all nodes with their parents, and what each gives names to."""
    script.nodes = sorted(ast.walk(script.tree), key=start_of)
    for parent in script.nodes:
        for child in ast.iter_child_nodes(parent):
            script.parents[child] = parent
    for node in script.nodes:
        _bind(script, node)


def _bind(script: Bindings, node: ast.AST) -> None:
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


def _bind_import(script: Bindings, node: ast.ImportFrom) -> None:
    module = "." * node.level + (node.module or "")
    for alias in node.names:
        if alias.name == "*":
            script.stars.append(module)
        else:
            script.modules[alias.asname or alias.name] = f"{module}.{alias.name}"


def _bind_parameters(script: Bindings, node: Function | ast.Lambda) -> None:
    every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    starred = tuple(a for a in (node.args.vararg, node.args.kwarg) if a is not None)
    for argument in (*every, *starred):
        _record(script, node, argument.arg, Binding(argument, None))


def _bind_target(
    script: Bindings, target: ast.expr, value: ast.expr | None, node: ast.AST
) -> None:
    if isinstance(target, ast.Name):
        _record(script, script.scope(target), target.id, Binding(node, value))
    elif isinstance(target, ast.Tuple | ast.List):
        for position, item in enumerate(target.elts):
            _bind_item(script, item, value, position, node)
    elif isinstance(target, ast.Starred):
        _bind_target(script, target.value, None, node)


def _bind_item(
    script: Bindings,
    item: ast.expr,
    value: ast.expr | None,
    position: int,
    node: ast.AST,
) -> None:
    """Binds one name of `a, b = value`."""
    if isinstance(value, ast.Tuple | ast.List) and position < len(value.elts):
        _bind_target(script, item, value.elts[position], node)
    elif isinstance(item, ast.Name):
        _record(script, script.scope(item), item.id, Binding(node, value, position))
    else:
        _bind_target(script, item, None, node)


def _record(script: Bindings, scope: ast.AST, name: str, binding: Binding) -> None:
    script.bindings.setdefault((scope, name), []).append(binding)


def _augmented(script: Bindings, node: ast.AugAssign) -> ast.expr | None:
    """Returns `x / 255` for `x /= 255`, standing where the statement stands."""
    if not isinstance(node.target, ast.Name):
        return None
    left = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
    whole = ast.copy_location(ast.BinOp(left, node.op, node.value), node)
    script.parents[left], script.parents[whole] = whole, node
    return whole


def start_of(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def end_of(node: ast.AST) -> tuple[int, int]:
    line = getattr(node, "end_lineno", None) or getattr(node, "lineno", 0)
    return line, getattr(node, "end_col_offset", None) or 0
