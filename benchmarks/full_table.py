"""Rows of `docs/benchmarks.md`: each result with its conditions, one line each."""

from collections.abc import Callable
from statistics import mean
from typing import Any

from residency.records import Evaluation, Proportion, record_from_json

Result = dict[str, Any]
"""What a file in `results/` holds, and under `file` where it lies."""


def rows_of(result: Result) -> list[str]:
    """Returns the rows of a result, by what it holds."""
    makers: dict[str, Callable[[Result], list[str]]] = {
        "networks": parity_rows,
        "median": speed_rows,
        "memory_mib": memory_rows,
        "rows": transfer_rows,
        "recall": doctor_rows,
        "plan": run_rows,
    }
    return next(rows(result) for key, rows in makers.items() if key in result)


def parity_rows(result: Result) -> list[str]:
    """Returns the row of a comparison of networks with Keras: the worst of them."""
    networks = result["networks"]
    conditions = (
        f"the worst of {len(networks)} networks, random weights, batch "
        f"{result['batch']}, {versions(result)}"
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
    return [row(result, conditions, measured)]


def run_rows(result: Result) -> list[str]:
    """Returns the row of one training."""
    plan = result["plan"]
    conditions = (
        f"{plan['model']}, {plan['steps']:,} steps of {plan['batch_size']}, one run, "
        f"{minutes(result):.0f} min on {hardware(result)}"
    )
    if result["note"]:
        conditions += f"; {result['note']}"
    figures = [evaluation_text(e) for e in evaluations(result)]
    return [row(result, conditions, "; ".join(figures))]


def minutes(result: Result) -> float:
    """Returns the minutes that a training took."""
    return sum(epoch["seconds"] for epoch in result["epochs"]) / 60


def evaluations(result: Result) -> list[Evaluation]:
    """Returns what a training's parts gave."""
    rest = {"top5": None, "classes": (), "confusion": (), "wrong": ()}
    return [record_from_json(Evaluation, rest | e) for e in result["evaluation"]]


def evaluation_text(evaluation: Evaluation) -> str:
    """Returns `test 98.88 % (96.8 to 99.6)`."""
    low, high = evaluation.accuracy.interval
    chosen = ", used for choosing" if evaluation.used_for_choosing else ""
    return (
        f"{evaluation.part} {100 * evaluation.accuracy.rate:.2f} % "
        f"({100 * low:.1f} to {100 * high:.1f}{chosen})"
    )


def transfer_rows(result: Result) -> list[str]:
    """Returns a row for each data set and way of training: transfer, distillation."""
    found: list[str] = []
    for line in result["rows"]:
        runs = line["runs"]
        time = mean(run["minutes"] for run in runs)
        conditions = (
            f"mean of {len(runs)} seeds, {time:.0f} min each, {machine(result)}"
        )
        each = ", ".join(f"{100 * r['correct'] / r['total']:.1f}" for r in runs)
        measured = f"{seeds_text(runs)} of {runs[0]['total']:,}; each {each}"
        if "published" in result:
            published = result["published"].get(line["data"], "none")
            measured += f"; published: {published}"
        what = f"{result['what'].split()[0]}, {line['data']}: {line['how']}"
        found.append(row({**result, "what": what}, conditions, measured))
    return found


def seeds_text(runs: list[dict[str, Any]]) -> str:
    """Returns `94.1 % (89.4 to 96.8)`: the mean, with the interval of one test part.

    The seeds share the test part, so three runs do not make it larger.
    """
    correct = round(mean(run["correct"] for run in runs))
    part = Proportion(correct, round(mean(run["total"] for run in runs)))
    low, high = part.interval
    share = mean(run["correct"] / run["total"] for run in runs)
    return f"{100 * share:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def doctor_rows(result: Result) -> list[str]:
    """Returns the row of the doctor's figures."""
    conditions = f"one process a case, {machine(result)}"
    return [row(result, conditions, doctor_text(result))]


def doctor_text(result: Result) -> str:
    """Returns how much the doctor finds, how much of it is right, and how fast."""
    (hit, required), (right, claimed) = result["recall"], result["precision"]
    alarms, correct = result["false_alarms"]
    return (
        f"finds {hit} of {required} faults, {right} of {claimed} findings are right, "
        f"false alarm on {alarms} of {correct} correct programs, median "
        f"{result['median_seconds']:.0f} s"
    )


def speed_rows(result: Result) -> list[str]:
    """Returns the row of a comparison of speeds."""
    samples = len(next(iter(result["samples"].values())))
    conditions = f"median of {samples}, in turn, {machine(result)}"
    return [row(result, conditions, figures(result["median"], best=max))]


def memory_rows(result: Result) -> list[str]:
    """Returns the row of a comparison of memory."""
    above = {n: mib["peak"] - mib["loaded"] for n, mib in result["memory_mib"].items()}
    conditions = f"each in a process of its own, {machine(result)}"
    return [row(result, conditions, figures(above, best=min))]


def machine(result: Result) -> str:
    """Returns hardware and versions."""
    return f"{hardware(result)}, {versions(result)}"


def hardware(result: Result) -> str:
    """Returns `2 cores (AMD EPYC)`, or the GPU's name."""
    environment = result["environment"]
    cores = f"{environment['cores']} cores ({environment['processor']})"
    return environment.get("gpu") or cores


def versions(result: Result) -> str:
    """Returns the versions of what trains."""
    found = result["environment"]["versions"]
    return f"Keras {found['keras']}, PyTorch {found['torch']}"


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


def row(result: Result, conditions: str, measured: str) -> str:
    """Returns one line of the table; the conditions lead to every sample."""
    return f"| {result['what']} | [{conditions}]({result['file']}) | {measured} |"
