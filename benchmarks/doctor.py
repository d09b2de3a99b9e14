"""How well the doctor finds published faults: recall, precision, false alarms, time.

Each case is a program that trained badly, or a correct twin of one, built from facts
of published benchmarks. A right diagnosis names the label in a finding of severity
error or warning; a finding that is neither the fault, nor equal, nor true beside it
counts as wrong. One process a case, so that none disturbs the next.

    python benchmarks/doctor.py --cases ../shared/faults
    python benchmarks/doctor.py --cases ../shared/faults --only seed2-so-b seed2-so-c
"""

import argparse
import contextlib
import io
import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from measuring import conditions, write

BUDGET_SECONDS = 20.0


def main() -> None:
    """Runs the cases, prints what was found and writes the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--budget", type=float, default=BUDGET_SECONDS)
    parser.add_argument("--one", help="One case here; prints its findings as JSON.")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if arguments.one:
        print(
            json.dumps(diagnose_case(arguments.cases, arguments.one, arguments.budget))
        )
        return
    cases = json.loads((arguments.cases / "cases.json").read_text(encoding="utf-8"))
    chosen = [
        case
        for case in cases["cases"]
        if case["buildable"] and (not arguments.only or case["id"] in arguments.only)
    ]
    answers = {}
    for number, case in enumerate(chosen, 1):
        answers[case["id"]] = ask(arguments, case["id"])
        print(f"[{number}/{len(chosen)}] {line(case, answers[case['id']])}", flush=True)
    result = score(chosen, answers, set(cases["advisory"]))
    print_score(result)
    if not arguments.only or arguments.out:
        what = (
            f"the doctor on {len(chosen)} published cases, {arguments.budget:g} s each"
        )
        found = {"what": what, **conditions(), **result, "cases": answers}
        write("doctor", found, arguments.out)


def ask(arguments: argparse.Namespace, name: str) -> dict[str, Any]:
    """Returns the findings on one case, from a process of its own."""
    command = [sys.executable, __file__, "--cases", str(arguments.cases)]
    command += ["--one", name, "--budget", str(arguments.budget)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def diagnose_case(folder: Path, name: str, budget: float) -> dict[str, Any]:
    """Builds one case and diagnoses it."""
    sys.path.insert(0, str(folder))
    from build import build, load_cases  # pyright: ignore[reportMissingImports]

    import residency

    case = next(case for case in load_cases() if case["id"] == name)
    with contextlib.redirect_stdout(io.StringIO()):
        built = build(case)
        start = time.perf_counter()
        diagnosis = residency.diagnose(
            built.model,
            built.train,
            built.val,
            epochs=built.fit_args["epochs"],
            callbacks=built.callbacks,
            budget_seconds=budget,
        )
    return {
        "seconds": round(time.perf_counter() - start, 2),
        "findings": [[f.label, f.severity, f.title] for f in diagnosis],
    }


def score(
    cases: list[dict[str, Any]], answers: dict[str, Any], advisory: set[str]
) -> dict[str, Any]:
    """Returns the figures, by the rules that the cases come with."""
    labels: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    required = hit = claimed = right = errors_on_correct = alarms = solved = 0
    correct = sum(case["variant"] == "correct" for case in cases)
    for case in cases:
        findings = answers[case["id"]]["findings"]
        got = {f[0] for f in findings if f[1] != "advice"} - advisory
        equal = case["equivalents"]
        found = [f for f in case["faults"] if got & {f, *equal.get(f, ())}]
        allowed = {
            *case["faults"],
            *case["accept"],
            *(e for each in equal.values() for e in each),
        }
        wrong = got - allowed
        required, hit = required + len(case["faults"]), hit + len(found)
        claimed, right = claimed + len(got), right + len(got) - len(wrong)
        for label in case["faults"]:
            labels[label][0] += 1
            labels[label][1] += label in found
        for label in wrong:
            labels[label][2] += 1
        if case["variant"] == "correct":
            alarms += bool(wrong)
            errors_on_correct += any(f[1] == "error" for f in findings)
        else:
            solved += len(found) == len(case["faults"]) and not wrong
    seconds = [answers[case["id"]]["seconds"] for case in cases]
    return {
        "recall": [hit, required],
        "precision": [right, claimed],
        "false_alarms": [alarms, correct],
        "errors_on_correct": [errors_on_correct, correct],
        "solved": [solved, len(cases) - correct],
        "median_seconds": statistics.median(seconds),
        "longest_seconds": max(seconds),
        "labels": dict(sorted(labels.items())),
    }


def line(case: dict[str, Any], answer: dict[str, Any]) -> str:
    """Returns what is to be seen of one case while the others run."""
    got = [f"{f[0]}" for f in answer["findings"] if f[1] != "advice"]
    return (
        f"{case['id']} ({answer['seconds']:.1f} s): {', '.join(got) or 'nothing'}"
        f"; faults: {', '.join(case['faults']) or 'none'}"
    )


def print_score(result: dict[str, Any]) -> None:
    """Prints the figures and a line a label."""
    for name in ("recall", "precision", "false_alarms", "errors_on_correct", "solved"):
        count, total = result[name]
        print(f"{name:20} {count}/{total}  {count / total if total else 0:.3f}")
    print(f"{'median_seconds':20} {result['median_seconds']:.1f}")
    print(f"{'label':32} required found wrong")
    for name, (required, found, wrong) in result["labels"].items():
        print(f"{name:32} {required:8} {found:5} {wrong:5}")


if __name__ == "__main__":
    main()
