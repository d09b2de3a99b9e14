"""Strongest first; a symptom of another finding is advice."""

import pytest

from residency.doctor.labels import LABELS
from residency.doctor.ordering import EXPLAINS, in_order
from residency.records import Finding


def finding(label, severity="warning", confidence=1.0):
    return Finding(
        code="RD000",
        label=label,
        severity=severity,
        title="",
        evidence={},
        why="",
        cure="",
        confidence=confidence,
    )


def test_errors_come_before_warnings_and_the_surer_first():
    given = [
        finding("class_imbalance", "advice"),
        finding("val_augmented", confidence=0.5),
        finding("dropout_too_high", confidence=0.9),
        finding("label_range", "error", confidence=0.1),
    ]
    labels = [f.label for f in in_order(given)]
    assert labels == [
        "label_range",
        "dropout_too_high",
        "val_augmented",
        "class_imbalance",
    ]


def test_a_symptom_is_lowered_and_stays():
    found = in_order([finding("lr_too_high", "error"), finding("target_not_scaled")])
    assert [(f.label, f.severity) for f in found] == [
        ("target_not_scaled", "warning"),
        ("lr_too_high", "advice"),
    ]


@pytest.mark.parametrize(("severity", "after"), [("warning", "advice"), ("error",) * 2])
def test_sorted_batches_explain_a_rise_and_no_infinity(severity, after):
    given = [finding("data_not_shuffled"), finding("lr_too_high", severity)]
    assert {f.label: f.severity for f in in_order(given)}["lr_too_high"] == after


def test_advice_explains_nothing():
    found = in_order([finding("lr_too_high"), finding("target_not_scaled", "advice")])
    assert found[0].severity == "warning"


def test_a_batch_that_cannot_be_learned_has_whatever_cause_is_found():
    alone = in_order([finding("cannot_overfit")])
    beside = in_order([finding("cannot_overfit"), finding("constant_init")])
    assert [f.severity for f in alone] == ["warning"]
    assert [(f.label, f.severity) for f in beside] == [
        ("constant_init", "warning"),
        ("cannot_overfit", "advice"),
    ]


@pytest.mark.parametrize("label", [*EXPLAINS, *sum(EXPLAINS.values(), ())])
def test_it_speaks_the_vocabulary(label):
    assert label in LABELS
