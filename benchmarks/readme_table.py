"""Writes the figures of README and `docs/benchmarks.md` from `results/*.json`.

Of each kind of result the newest counts. The README shows the figures one looks for
first; `docs/benchmarks.md` has them all, with conditions.

    python benchmarks/readme_table.py
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from full_table import (
    Result,
    digits,
    doctor_text,
    evaluation_text,
    evaluations,
    hardware,
    kind,
    machine,
    minutes,
    rows_of,
    seeds_text,
)

from residency.files import write_text

RESULTS = Path(__file__).parent / "results"
ROOT = RESULTS.parents[1]
START, END = "<!-- results -->", "<!-- end of results -->"
FULL = "docs/benchmarks.md"
SPEED = re.compile(
    r"(?P<work>training|inference) (?P<network>\w+)"
    r"(?P<alone>, each alone in a process)?, (?P<pixels>\d+x\d+), batch \d+"
    r"; images a second"
)
COLUMNS = (
    ("training", "residency"),
    ("training", "plain"),
    ("training", "keras"),
    ("training", "accelerated"),
    ("inference", "residency"),
    ("inference", "openvino"),
    ("inference", "onnxruntime"),
    ("inference", "keras"),
    ("inference", "accelerated"),
)
"""Work and kind of variant of each column of the speed table."""


def main() -> None:
    """Replaces what stands between the marks of both files."""
    results = newest(RESULTS)
    for name, lines in (("README.md", short(results)), (FULL, full(results))):
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        write_text(path, between_marks(text, lines))


def newest(folder: Path) -> list[Result]:
    """Returns the newest result of each kind and device: trainings, speed, the rest."""
    found: dict[str, Result] = {}
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        name = f"benchmarks/results/{path.name}"
        found[path.stem.rpartition("_")[0]] = {**result, "file": name}
    return sorted(found.values(), key=place)


def place(result: Result) -> tuple[int, str]:
    """Returns what sorts the results."""
    what = result["what"]
    if "plan" in result:
        return 0, what
    kinds = ("transfer", "distillation", "training", "inference", "the doctor")
    number = [n for n, kind in enumerate(kinds, 1) if what.startswith(kind)]
    return (number or [len(kinds) + 1])[0], what


def between_marks(text: str, lines: Iterable[str]) -> str:
    """Returns a document with other lines between its two marks."""
    before, after = text.split(START)[0], text.split(END)[1]
    return "\n".join([before + START, *lines, END]) + after


def full(results: list[Result]) -> Iterator[str]:
    """Yields the lines of the table of all results."""
    yield from head("what", "conditions", "measured")
    for result in results:
        yield from rows_of({**result, "file": f"../{result['file']}"})


def short(results: list[Result]) -> Iterator[str]:
    """Yields the README's lines: trainings, transfer, speed, the doctor."""
    yield from trainings([r for r in results if "plan" in r])
    for result in results:
        if result["what"].startswith("transfer"):
            yield from transfer(result)
    speeds = [r for r in results if SPEED.fullmatch(r["what"])]
    for where in dict.fromkeys(map(machine, speeds)):
        yield from speed(where, [r for r in speeds if machine(r) == where])
    for result in results:
        if "recall" in result:
            yield from ("", f"[{capital(result['what'])}]({result['file']}):")
            yield f"{doctor_text(result)}."
    yield from ("", f"[All figures with their conditions]({FULL}).")


def trainings(results: list[Result]) -> Iterator[str]:
    """Yields a row a training: what its test part gave, else what it chose by."""
    yield from head("one training", "data", "accuracy (95 % interval)", "minutes")
    for result in results:
        recipe, _, data = result["what"].partition(" on ")
        part = min(evaluations(result), key=lambda e: e.used_for_choosing)
        time = f"{minutes(result):.0f} on {hardware(result)}"
        yield cells(f"[{recipe}]({result['file']})", data, evaluation_text(part), time)


def transfer(result: Result) -> Iterator[str]:
    """Yields a row a data set: what each way of training came to, over its seeds."""
    hows = list(dict.fromkeys(line["how"] for line in result["rows"]))
    found = {(r["data"], r["how"]): seeds_text(r["runs"]) for r in result["rows"]}
    yield ""
    yield from head(f"[{result['what']}]({result['file']})", *hows)
    for name in dict.fromkeys(line["data"] for line in result["rows"]):
        yield cells(name, *(found.get((name, how), "") for how in hows))


def speed(where: str, results: list[Result]) -> Iterator[str]:
    """Yields a row a network: the fastest of ours beside the fastest of the others."""
    yield ""
    yield f"Images a second on {where}, in bfloat16, or float32 where it says f32;"
    yield "accelerated is Keras' own `fit` and `predict` after `rs.accelerate`:"
    yield ""
    yield from head(
        "network",
        *("training, ours", "plain PyTorch", "Keras", "Keras, accelerated"),
        "inference, ours",
        *("OpenVINO", "ONNX Runtime", "Keras", "Keras, accelerated"),
    )
    fastest: dict[str, dict[tuple[str, str], str]] = {}
    for result in results:
        name = SPEED.fullmatch(result["what"])
        if name is None:
            continue
        alone = ", alone in a process" if name["alone"] else ""
        row = fastest.setdefault(f"{name['network']} {name['pixels']}{alone}", {})
        for variant, rate in sorted(result["median"].items(), key=lambda v: v[1]):
            row[name["work"], kind(variant)] = rate_text(variant, rate)  # last: fastest
    for name, row in sorted(fastest.items()):
        yield cells(name, *(row.get(column, "") for column in COLUMNS))


def rate_text(variant: str, rate: float) -> str:
    """Returns `41 f32`, or in bfloat16 the number alone."""
    return digits(rate) + ("" if "bfloat16" in variant else " f32")


def head(*names: str) -> tuple[str, str]:
    """Returns the first two lines of a table."""
    return cells(*names), "|" + "---|" * len(names)


def cells(*texts: str) -> str:
    """Returns one line of a table."""
    return f"| {' | '.join(texts)} |"


def capital(text: str) -> str:
    """Returns the text with a capital letter."""
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    main()
