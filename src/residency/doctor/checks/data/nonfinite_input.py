"""RD113: inputs hold NaN or infinity."""

from collections.abc import Sequence

import keras
import numpy as np

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe
from residency.records import Finding


def run(probe: Probe) -> Sequence[Finding] | None:
    """Looks for values that are no numbers in inputs and labels of both parts."""
    for part, sample in (("training", probe.train), ("validation", probe.validation)):
        if sample is None:
            continue
        for what, place in (("inputs", 0), ("labels", 1)):
            arrays = [a for b in sample.batches for a in keras.tree.flatten(b[place])]
            floats = [
                a for a in arrays if isinstance(a, np.ndarray) and a.dtype.kind == "f"
            ]
            bad = sum(int((~np.isfinite(a)).sum()) for a in floats)
            if bad:
                rows = sum(
                    int((~np.isfinite(a.reshape(len(a), -1))).any(axis=1).sum())
                    for a in floats
                )
                return [_finding(part, what, bad, rows)]
    return []


def _finding(part: str, what: str, bad: int, rows: int) -> Finding:
    name = "x" if what == "inputs" else "y"
    return Finding(
        code="RD113",
        label="nonfinite_input",
        severity="error",
        title=f"{rows} samples of the {part} part have NaN or inf in their {what}.",
        evidence={"part": part, "what": what, "values": bad, "samples": rows},
        why="One such value makes the loss, and after one step every weight, NaN.",
        cure="find where they arise, or leave these samples out",
        snippet=(
            f"good = np.isfinite({name}.reshape(len({name}), -1)).all(axis=1)\n"
            "x, y = x[good], y[good]"
        ),
        effect="the loss stays a number",
    )


CHECK = Check("all values are finite", run)
