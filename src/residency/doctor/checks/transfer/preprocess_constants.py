"""RD403: a mean or deviation of the preprocessing is wrong."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.transfer.arrival import judge_arrival
from residency.doctor.probe import Probe
from residency.doctor.probe.pixels import CONTRACTS
from residency.records import Finding


def run(probe: Probe) -> Sequence[Finding] | None:
    """Compares constants recovered from steps between pixels with the right ones."""
    arrival = judge_arrival(probe)
    if arrival is None:
        return None
    if arrival.kind != "constants":
        return []
    backbone = arrival.backbone
    contract = CONTRACTS[backbone.contract]
    return [
        Finding(
            code="RD403",
            label="preprocess_constants",
            severity=arrival.severity,
            title=f"Preprocessing for {backbone.family.words} uses {arrival.words}.",
            evidence={"layer": backbone.entrance.name, **arrival.evidence},
            why="A constant that is off shifts or scales every input of the weights.",
            cure="use the constants of the weights",
            snippet=f"mean, std = {contract.mean}, {contract.std}",
            effect="features are as good as the weights allow",
            confidence=arrival.confidence,
        )
    ]


CHECK = Check("preprocessing uses the constants of the weights", run)
