"""RD119: the model cannot take the inputs."""

from collections.abc import Sequence

import keras

from residency.doctor.checks.check import Check
from residency.doctor.probe import Probe
from residency.records import Finding

Shape = tuple[int | None, ...]
"""Of one sample."""


def run(probe: Probe) -> Sequence[Finding] | None:
    """Says what the model raised on a batch as it came, and why."""
    raised = probe.raised.get("inputs")
    if raised is None:
        return []
    given = [tuple(a.shape[1:]) for a in keras.tree.flatten(probe.train.batches[0][0])]
    takes = [node.shape[1:] for node in probe.graph.of_kind("InputLayer")]
    one = len(given) == len(takes) == 1
    cure, snippet = _cure(given[0], takes[0]) if one else _OTHER
    apart = f": it takes {takes[0]}, they are {given[0]}." if one else "."
    return [
        Finding(
            code="RD119",
            label="inputs_refused",
            severity="error",
            title=f"The model cannot take the training inputs{apart}",
            evidence={
                "given": ", ".join(map(str, given)),
                "model_takes": ", ".join(map(str, takes)),
                "raised": raised,
            },
            why=f"Training stops at the first step with {raised}",
            cure=cure,
            snippet=snippet,
            effect="the model takes the batch, and the other checks can be made",
        )
    ]


_OTHER = (
    "bring the inputs into the form that the model takes, or build it for them",
    "print(model.input_shape, x.shape)",
)


def _cure(given: Shape, takes: Shape) -> tuple[str, str]:
    """Returns cure and snippet for pictures of another shape."""
    if len(takes) != 3:
        return _OTHER
    if len(given) == 2 and takes[-1] == 3:
        return (
            "give the pictures three channels",
            "x = np.repeat(x[..., None], 3, axis=-1)",
        )
    if len(given) != 3:
        return _OTHER
    if given[-1] == 1 and takes[-1] == 3:
        return "give the pictures three channels", "x = np.repeat(x, 3, axis=-1)"
    if given[-1] == 3 and takes[-1] == 1:
        return (
            "make the pictures grey, or build the model for three channels",
            "x = x.mean(axis=-1, keepdims=True)",
        )
    if given[-1] == takes[-1] and None not in takes:
        return (
            "resize the pictures, or build the model for their size",
            f"x = keras.ops.image.resize(x, {takes[:2]})",
        )
    return _OTHER


CHECK = Check("the model takes the inputs", run)
