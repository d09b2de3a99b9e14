"""RD629: curves of the validation data are called those of a test."""

import ast
import re
from collections.abc import Iterator

from residency.doctor.script.flow import fits
from residency.doctor.script.script import Call, Script
from residency.doctor.script.training import history_key
from residency.doctor.script.values import value
from residency.records import Finding

TEST = re.compile(r"\btest(ing)?\b", re.IGNORECASE)
TITLES = ("title", "set_title", "suptitle")
NEW_PANEL = ("figure", "subplot", "subplots", "show", "savefig", "clf", "close")


def check(script: Script) -> Iterator[Finding]:
    """Yields labels, legends and titles with the word test over `val_` curves."""
    if not _validates_on_its_own(script):
        return
    panel: list[Call] = []
    for call in script.calls:
        if call.last in NEW_PANEL:
            panel = []
        elif call.last == "plot":
            panel.append(call)
        keys = [key for plot in panel for key in _keys(script, plot)]
        for word in _words(script, call, keys):
            yield _finding(script, call, word)


def _validates_on_its_own(script: Script) -> bool:
    """Tells whether a `fit` validates, and on nothing that is called a test."""
    given = [fit.argument("validation_data") for fit in fits(script)]
    given += [fit.argument("validation_split") for fit in fits(script)]
    known = [each for each in given if each is not None]
    texts = [
        script.text(part, 500) for each in known for part in _origins(script, each)
    ]
    return bool(known) and not any("test" in text.lower() for text in texts)


def _origins(script: Script, given: ast.expr) -> list[ast.expr]:
    origin = script.origin(given)
    return [given] if origin is None else [given, origin]


def _keys(script: Script, plot: Call) -> list[str]:
    found = (history_key(script, arg) for arg in plot.node.args)
    return [key for key in found if key]


def _words(script: Script, call: Call, keys: list[str]) -> Iterator[str]:
    """Yields what `call` writes over curves of validation, where it says test."""
    if call.last == "plot":
        own = _keys(script, call)
        written = [value(script, call.argument("label"))] if own else []
        keys = own[:1]
    elif call.last == "legend":
        given = value(script, call.argument("labels", 0))
        written = list(given) if isinstance(given, list | tuple) else []
        if len(written) != len(keys):
            return
    elif call.last in TITLES:
        written = [value(script, call.argument("label", 0))]
        keys = [key for key in keys if key.startswith("val_")][:1]
    else:
        return
    for word, key in zip(written, keys, strict=False):
        says_test = isinstance(word, str) and TEST.search(word)
        if says_test and "val" not in word.lower() and key.startswith("val_"):
            yield word


def _finding(script: Script, call: Call, word: str) -> Finding:
    return Finding(
        code="RD629",
        label="metric_misleading",
        severity="advice",
        title=f"'{word}' stands over curves of the validation data.",
        evidence={"written": word, "drawn": "val_"},
        why="Validation data choose epochs and settings; a test is made once, at the "
        "end. Who reads the plot takes an optimistic figure for a test.",
        cure="Write validation.",
        snippet=repr(TEST.sub("validation", word)),
        effect="The plot shows what it says.",
        confidence=0.9,
        source=script.place(call.node),
    )
