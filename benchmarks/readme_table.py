"""Writes the README's first table from `results/*.json`, newest result of each kind.

python benchmarks/readme_table.py
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from residency.files import write_text
from residency.records import Evaluation, record_from_json

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
START, END = "<!-- results -->", "<!-- end of results -->"


def main() -> None:
    """Replaces what stands between the two marks."""
    newest: dict[str, dict[str, Any]] = {}
    for path in sorted((HERE / "results").glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        newest[result["what"]] = {**result, "file": f"benchmarks/results/{path.name}"}
    rows = [row_of(result) for result in sorted(newest.values(), key=place)]
    table = ["| what | conditions | measured |", "|---|---|---|", *rows]
    text = README.read_text(encoding="utf-8")
    before, after = text.split(START)[0], text.split(END)[1]
    write_text(README, "\n".join([before + START, *table, END]) + after)


def place(result: dict[str, Any]) -> tuple[int, str]:
    """Returns what sorts the rows: trainings, speed of training, all else."""
    what = result["what"]
    kinds = ("quick/", "he2015/", "training", "inference")
    number = [n for n, kind in enumerate(kinds) if what.startswith(kind)]
    return (number or [len(kinds)])[0], what


def row_of(result: dict[str, Any]) -> str:
    """Returns the row of a result, by what it holds."""
    if "networks" in result:
        return parity_row(result)
    if "median" in result:
        return speed_row(result)
    return memory_row(result) if "memory_mib" in result else run_row(result)


def parity_row(result: dict[str, Any]) -> str:
    """Returns the row of a comparison of networks with Keras: the worst of them."""
    networks, environment = result["networks"], result["environment"]
    versions = environment["versions"]
    conditions = (
        f"the worst of {len(networks)} networks, random weights, batch "
        f"{result['batch']}, Keras {versions['keras']}, PyTorch {versions['torch']}"
    )
    worst = {
        (dtype, what): max(network[dtype][what] for network in networks.values())
        for dtype in ("float64", "float32")
        for what in ("inference", "training", "gradients")
    }
    measured = (
        f"float64: outputs {worst['float64', 'inference']:.0e}, in training "
        f"{worst['float64', 'training']:.0e}, gradients "
        f"{worst['float64', 'gradients']:.0e}; float32: outputs "
        f"{worst['float32', 'inference']:.0e}"
    )
    return row(result, conditions, measured)


def run_row(result: dict[str, Any]) -> str:
    """Returns the row of one training."""
    plan, environment = result["plan"], result["environment"]
    minutes = sum(epoch["seconds"] for epoch in result["epochs"]) / 60
    machine = f"{environment['cores']} cores ({environment['processor']})"
    conditions = (
        f"{plan['model']}, {plan['steps']:,} steps of {plan['batch_size']}, one run, "
        f"{minutes:.0f} min on {machine}"
    )
    if result["note"]:
        conditions += f"; {result['note']}"
    figures = [evaluation_text(e) for e in result["evaluation"]]
    return row(result, conditions, "; ".join(figures))


def evaluation_text(value: dict[str, Any]) -> str:
    """Returns `test 98.9 % (96.8 to 99.6)`."""
    hints = {"top5": None, "classes": (), "confusion": (), "wrong": ()}
    evaluation = record_from_json(Evaluation, hints | value)
    low, high = evaluation.accuracy.interval
    chosen = ", used for choosing" if evaluation.used_for_choosing else ""
    return (
        f"{evaluation.part} {100 * evaluation.accuracy.rate:.2f} % "
        f"({100 * low:.1f} to {100 * high:.1f}{chosen})"
    )


def speed_row(result: dict[str, Any]) -> str:
    """Returns the row of a comparison of speeds."""
    samples = len(next(iter(result["samples"].values())))
    conditions = f"median of {samples}, in turn, {machine(result)}"
    return row(result, conditions, figures(result["median"], best=max))


def memory_row(result: dict[str, Any]) -> str:
    """Returns the row of a comparison of memory."""
    above = {n: mib["peak"] - mib["loaded"] for n, mib in result["memory_mib"].items()}
    conditions = f"each in a process of its own, {machine(result)}"
    return row(result, conditions, figures(above, best=min))


def machine(result: dict[str, Any]) -> str:
    """Returns hardware and versions."""
    environment = result["environment"]
    versions = environment["versions"]
    return (
        f"{environment['cores']} cores ({environment['processor']}), "
        f"Keras {versions['keras']}, PyTorch {versions['torch']}"
    )


def figures(values: dict[str, float], *, best: Callable[..., str]) -> str:
    """Returns the figures; where ours are among them, the best of each kind.

    The kind is the first word of a variant's name.
    """
    if "residency" not in {kind(name) for name in values}:
        return "; ".join(f"{name}: {digits(value)}" for name, value in values.items())
    kinds = dict.fromkeys(map(kind, values))
    chosen = [best((n for n in values if kind(n) == k), key=values.get) for k in kinds]
    ours = values[next(name for name in chosen if kind(name) == "residency")]
    return "; ".join(
        f"{name}: {digits(values[name])}"
        + ("" if kind(name) == "residency" else f" (ours {ours / values[name]:.2f}x)")
        for name in chosen
    )


def kind(variant: str) -> str:
    """Returns the first word of a variant's name."""
    return variant.replace(",", " ").split()[0]


def digits(value: float) -> str:
    """Returns a number with three digits or all those before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def row(result: dict[str, Any], conditions: str, measured: str) -> str:
    """Returns one line of the table; the conditions lead to every sample."""
    return f"| {result['what']} | [{conditions}]({result['file']}) | {measured} |"


if __name__ == "__main__":
    main()
