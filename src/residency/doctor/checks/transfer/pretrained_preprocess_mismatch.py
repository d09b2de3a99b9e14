"""RD401: pixels are not what the weights were trained on."""

from collections.abc import Sequence

from residency.doctor.checks.check import Check
from residency.doctor.checks.transfer.arrival import Arrival, judge_arrival
from residency.doctor.checks.transfer.backbone import find_backbone
from residency.doctor.probe import Probe
from residency.doctor.probe.pixels import CONTRACTS, contract_of
from residency.records import Finding

BAD, GOOD = 1.5, 0.35
"""Badness of a fit: inputs of another kind; and inputs as at training."""


def run(probe: Probe) -> Sequence[Finding] | None:
    """Asks the table of families, else the first trained batch normalisation."""
    arrival = judge_arrival(probe)
    if arrival is not None:
        return [_known(arrival)] if arrival.kind == "mismatch" else []
    return _unknown(probe)


def _known(arrival: Arrival) -> Finding:
    backbone = arrival.backbone
    expected = CONTRACTS[backbone.contract]
    module = backbone.family.module
    snippet = (
        f"preprocess = keras.applications.{module}.preprocess_input\n"
        "x = preprocess(pixels)  # pixels: RGB, 0..255"
    )
    if backbone.contract == "raw":
        snippet = (
            "x = pixels.astype('float32')  # 0..255: the network scales them itself"
        )
    return Finding(
        code="RD401",
        label="pretrained_preprocess_mismatch",
        severity=arrival.severity,
        title=(
            f"{backbone.family.words} weights expect {expected.words}, but receive "
            f"{arrival.words}."
        ),
        evidence={
            "family": backbone.family.words,
            "expected": backbone.contract,
            "layer": backbone.entrance.name,
            **arrival.evidence,
        },
        why=(
            "On other inputs pretrained filters answer with noise, and features of all "
            "pictures look alike."
        ),
        cure="give the weights the inputs they were trained on",
        snippet=snippet,
        effect="features tell pictures apart; accuracy rises within the first epoch",
        confidence=arrival.confidence,
    )


def _unknown(probe: Probe) -> Sequence[Finding] | None:
    """Weights of unknown origin: which usual preparation fits their statistics?"""
    witness = probe.witness
    if witness is None or find_backbone(probe) is not None:
        return None
    given = witness.as_given.badness
    if not witness.by_contract:
        return None
    best = min(witness.by_contract, key=lambda name: witness.by_contract[name].badness)
    least = witness.by_contract[best].badness
    if given < BAD or least > GOOD or least > 0.3 * given:
        return []
    name = best.removesuffix(" bgr")
    images = probe.train.images
    seen = None if images is None else contract_of(images[:16])
    have = CONTRACTS[seen].words if seen else "something else"
    words = CONTRACTS[name].words + (", channels reversed" if best != name else "")
    return [
        Finding(
            code="RD401",
            label="pretrained_preprocess_mismatch",
            severity="warning",
            title=(
                f"Batch normalisation {witness.layer!r} was trained on {words}, but "
                f"the model is given {have}."
            ),
            evidence={
                "layer": witness.layer,
                "misfit": given,
                "best": best,
                "misfit_of_best": least,
            },
            why="Moving statistics remember the inputs of training.",
            cure="prepare inputs as they were at training",
            snippet="x = prepare(pixels)  # as in the script that made the weights",
            effect="features are those of training again",
            confidence=0.8,
        )
    ]


CHECK = Check("pretrained weights receive what they were trained on", run)
