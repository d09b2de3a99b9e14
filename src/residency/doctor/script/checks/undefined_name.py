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
SHORTEST = 4
"""Letters of a word in which a slip can be told."""


def check(script: Script) -> Iterator[Finding]:
    """Yields what is misspelt, else all that is missing as one piece of advice.

    A piece of a longer script lacks names, too, but few of them look like others.
    """
    if script.stars or not script.source.whole or _makes_names(script):
        return
    missing, known = _read(script)
    places = {name: _place(script, name) for name in missing}
    found = {name: node for name, node in places.items() if node is not None}
    meant = {name: _alike(name, known) for name in found}
    if found and all(meant.values()):
        yield from (_misspelt(script, found[n], n, meant[n]) for n in found)
    elif found:
        yield _missing(script, found)


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
    parts = [part for kind in kinds if kind for part in ast.walk(kind)]
    words = {part.id for part in parts if isinstance(part, ast.Name)}
    return None in kinds or bool(words & {*CAUGHT})


def _alike(name: str, known: set[str]) -> str:
    """Returns the defined name that a name is a misspelling of, or `""`."""
    return next((other for other in sorted(known) if _is_slip(name, other)), "")


def _is_slip(name: str, other: str) -> bool:
    """Tells whether one word of a name has one letter too many, too few or wrong.

    `x_train` is no slip of `y_train`, `conv1` none of `conv2`, `image` none of
    `images`.
    """
    if name.count("_") != other.count("_"):
        return False
    pairs = zip(name.split("_"), other.split("_"), strict=True)
    differing = [(a, b) for a, b in pairs if a != b]
    return len(differing) == 1 and _differ_by_a_letter(*differing[0])


def _differ_by_a_letter(word: str, other: str) -> bool:
    short, long = sorted((word, other), key=len)
    is_plural = long.lower() == short.lower() + "s"
    plain = short.isalpha() and long.isalpha() and not is_plural
    if not plain or len(short) < SHORTEST or short[0] != long[0]:
        return False
    blocks = difflib.SequenceMatcher(None, short, long).get_matching_blocks()
    return sum(block.size for block in blocks) >= len(long) - 1


def _misspelt(script: Script, node: ast.Name, name: str, meant: str) -> Finding:
    return Finding(
        code="RD632",
        label="name_undefined",
        severity="error",
        title=f"Nothing in the script defines `{name}`; `{meant}` is defined.",
        evidence={"names": name, "alike": meant},
        why="Where the line is reached, Python stops with a NameError.",
        cure=f"Write `{meant}`, or define the name.",
        snippet=meant,
        effect="The script runs beyond this line.",
        confidence=0.95,
        source=script.place(node),
    )


def _missing(script: Script, found: dict[str, ast.Name]) -> Finding:
    listed = ", ".join(f"`{name}`" for name in [*found][:6])
    more = len(found) - 6
    listed += f" and {more} more" if more > 0 else ""
    first = next(iter(found))
    return Finding(
        code="RD632",
        label="name_undefined",
        severity="advice",
        title=f"Nothing in the script defines {listed}.",
        evidence={"names": ", ".join(found), "alike": ""},
        why="Where such a name is reached, Python stops with a NameError. If this is "
        "a piece of a longer script, the rest may define it.",
        cure="Define what is missing; perhaps a line was lost in copying.",
        snippet=f"{first} = ...",
        effect="The script runs to its end.",
        confidence=0.6,
        source=script.place(found[first]),
    )
