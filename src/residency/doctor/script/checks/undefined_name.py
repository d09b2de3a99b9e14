"""RD632: a name that nothing defines."""

import ast
import builtins
import difflib
import symtable
from collections.abc import Iterator
from typing import cast

from residency.doctor.script.script import Script
from residency.records import Finding

GIVEN = {"__file__", "__path__", "__cached__", "__annotations__", "__builtins__"}
GIVEN |= {"__dict__", "__module__", "__qualname__"}
IN_NOTEBOOKS = {"display", "get_ipython", "In", "Out", "_", "__", "_i", "exit", "quit"}
MAKING = ("exec", "globals", "locals", "vars", "setattr", "execfile")
"""Functions that can give a name a value which the text does not show."""
CAUGHT = ("NameError", "Exception", "BaseException")
ALIKE = 0.8


def check(script: Script) -> Iterator[Finding]:
    """Yields one finding a name, where the text shows all that defines names."""
    if script.stars or not script.source.whole or _makes_names(script):
        return
    missing, known = _read(script)
    places = {name: _place(script, name) for name in missing}
    found = {name: node for name, node in places.items() if node is not None}
    meant = {name: _alike(name, known) for name in found}
    for name, node in found.items():
        # A piece of a script lacks names, too, but few of them look like others.
        yield _finding(script, name, node, meant[name], sure=all(meant.values()))


def _makes_names(script: Script) -> bool:
    names = (cast("ast.Name", node) for node in script.walk(ast.Name))
    return any(name.id in MAKING for name in names)


def _read(script: Script) -> tuple[list[str], set[str]]:
    """Returns the global names that are read and never bound, and those bound."""
    try:
        top = symtable.symtable(script.source.text, script.source.path.name, "exec")
    except SyntaxError:  # such as a `return` outside a function
        return [], set()
    symbols = [(scope, s) for scope in _scopes(top) for s in scope.get_symbols()]
    bound = {
        symbol.get_name()
        for scope, symbol in symbols
        if (symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace())
        and (scope is top or symbol.is_declared_global())
    }
    known = bound | {*dir(builtins), *GIVEN}
    if script.source.path.suffix == ".ipynb":
        known |= IN_NOTEBOOKS
    read = [s.get_name() for _, s in symbols if s.is_global() and s.is_referenced()]
    return [name for name in dict.fromkeys(read) if name not in known], bound


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for inner in table.get_children():
        yield from _scopes(inner)


def _place(script: Script, name: str) -> ast.Name | None:
    """Returns the first use that would stop the script, if there is one."""
    for node in script.walk(ast.Name):
        use = cast("ast.Name", node)
        reads = use.id == name and isinstance(use.ctx, ast.Load)
        if reads and not script.candidates(use) and not _is_spared(script, use):
            return use
    return None


def _is_spared(script: Script, use: ast.Name) -> bool:
    """Tells whether the use is an annotation, or its `NameError` is caught."""
    child: ast.AST = use
    for parent in script.ancestors(use):
        if isinstance(parent, ast.arg | ast.AnnAssign) and child is parent.annotation:
            return True
        if isinstance(parent, ast.FunctionDef) and child is parent.returns:
            return True
        if isinstance(parent, ast.Try) and child in parent.body and _catches(parent):
            return True
        child = parent
    return False


def _catches(node: ast.Try) -> bool:
    kinds = [handler.type for handler in node.handlers]
    words = {n.id for kind in kinds if kind for n in ast.walk(kind) if _is_name(n)}
    return None in kinds or bool(words & {*CAUGHT})


def _is_name(node: ast.AST) -> bool:
    return isinstance(node, ast.Name)


def _alike(name: str, known: set[str]) -> str:
    """Returns the defined name that a name is a misspelling of, or `""`."""
    if len(name) < 4:
        return ""
    return next(iter(difflib.get_close_matches(name, sorted(known), 1, ALIKE)), "")


def _finding(
    script: Script, name: str, node: ast.Name, meant: str, *, sure: bool
) -> Finding:
    hint = f" Did you mean `{meant}`?" if meant else ""
    return Finding(
        code="RD632",
        label="name_undefined",
        severity="error" if sure else "advice",
        title=f"Nothing in the script defines `{name}`.",
        evidence={"name": name, "alike": meant},
        why="Where the line is reached, Python stops with a NameError; if this is a "
        "piece of a longer script, the rest may define it.",
        cure=f"Define it, or correct the name.{hint}",
        snippet=meant or f"{name} = ...",
        effect="The script runs beyond this line.",
        confidence=0.95 if sure else 0.6,
        source=script.place(node),
    )
