"""RD616: pretrained weights fed with pixels on another scale."""

import ast
from collections.abc import Iterator

from residency.doctor.applications import EXPECTED, MODULE_OF_NETWORK
from residency.doctor.script.flow import fits
from residency.doctor.script.pretrained import Network, Treatment, networks, treatment
from residency.doctor.script.script import Script
from residency.records import Finding


def check(script: Script) -> Iterator[Finding]:
    """Yields the networks whose images are prepared for none or for another one."""
    found = list(networks(script))
    if not found or not (
        fits(script) or any(c.method == "predict" for c in script.calls)
    ):
        return
    given = treatment(script)
    told: set[str] = set()
    for network in found:
        fault = _fault(network, given)
        if fault is not None and network.mode not in told:
            told.add(network.mode)
            yield _finding(script, network, given, *fault)


def _fault(network: Network, given: Treatment) -> tuple[str, str, float] | None:
    """Returns severity, what is given in words, and confidence; or `None`."""
    if network.mode in given.modes or given.by_hand:
        return None  # that they are scaled twice is another check's
    if "imagenet_utils" in given.modes:
        return None  # its mode is an argument
    others = given.modes - {"raw"}
    if network.mode == "raw":
        return _raw_network(given, others)
    if others:
        return "error", f"what {'/'.join(given.modules)}.preprocess_input makes", 0.95
    if any(by in (127.5, 128.0) for by in given.divisors):
        said = "pixels divided by 127.5"
        return None if network.mode == "tf" else ("error", said, 0.9)
    if given.divisors:
        mild = "warning" if network.mode in ("tf", "torch") else "error"
        return mild, "pixels in 0..1", 0.9 if network.mode == "caffe" else 0.75
    if given.images:
        return "error", "pixels in 0..255 as they are", 0.85
    return None


def _raw_network(given: Treatment, others: set[str]) -> tuple[str, str, float] | None:
    if others:
        return "error", f"what {'/'.join(given.modules)}.preprocess_input makes", 0.9
    if given.divisors:
        return "error", f"pixels divided by {given.divisors[0]:g}", 0.9
    return None


def _finding(
    script: Script,
    network: Network,
    given: Treatment,
    severity: str,
    said: str,
    confidence: float,
) -> Finding:
    place: ast.AST = given.place or network.call.node
    return Finding(
        code="RD616",
        label="pretrained_preprocess_mismatch",
        severity=severity,
        title=f"{network.name} gets {said}; its weights expect "
        f"{EXPECTED[network.mode]}.",
        evidence={"network": network.name, "mode": network.mode, "given": said},
        why="The first layers see values they were never trained on, and the stored "
        "statistics of batch normalization do not fit: training may look well while "
        "validation stays at chance.",
        cure="Prepare the images as the weights were trained."
        if network.mode != "raw"
        else "Pass pixels in 0..255, without rescaling.",
        snippet=_snippet(network),
        effect="Validation accuracy rises from chance within the first epochs.",
        confidence=confidence,
        source=script.place(place),
    )


def _snippet(network: Network) -> str:
    if network.mode == "raw":
        return "# no rescale, no / 255: the network has a Rescaling layer of its own"
    module = MODULE_OF_NETWORK.get(network.name, "resnet")
    return (
        f"from keras.applications.{module} import preprocess_input\n"
        "images = preprocess_input(images)  # on pixels in 0..255, instead of / 255"
    )
