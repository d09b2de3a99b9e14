"""Which finding comes first, and which only repeats another in other words."""

from collections.abc import Iterable
from dataclasses import replace

from residency.records import Finding

SEVERITIES = ("error", "warning", "advice")

EXPLAINS = {
    "pretrained_preprocess_mismatch": ("input_not_normalised", "channel_order"),
    "channel_order": ("preprocess_constants",),
    "input_not_normalised": ("init_scale_bad",),
    "label_range": ("split_not_representative",),
    "constant_init": ("init_scale_bad", "dead_relu", "vanishing_gradient"),
    "init_scale_bad": ("dead_relu", "lr_too_high", "missing_normalisation"),
    "last_activation_wrong": ("loss_task_mismatch", "lr_too_high", "lr_too_low"),
    "double_softmax": ("lr_too_low",),
    "logits_as_probabilities": ("lr_too_high", "lr_too_low", "last_activation_wrong"),
    "missing_flatten": ("label_encoding_mismatch", "output_units_mismatch"),
    "missing_normalisation": ("vanishing_gradient", "dead_relu", "init_scale_bad"),
    "vanishing_gradient": ("lr_too_low",),
    "target_not_scaled": ("lr_too_high", "lr_too_low", "init_scale_bad"),
    "regularisation_too_strong": ("lr_too_high", "lr_too_low"),
    "oversized_head": ("overfitting_small_data",),
    "disconnected_weights": ("dead_relu",),
    "finetune_lr_too_high": ("lr_too_high",),
}
"""What a finding explains: a symptom of it is lowered to advice, not said twice."""


EXPLAINS_WARNINGS = {
    "train_val_preprocess_mismatch": ("labels_wrong",),
    "data_not_shuffled": ("lr_too_high",),
}
"""The same, but of an error it is no explanation."""

SYMPTOMS = ("cannot_overfit",)
"""Whatever else is found explains these."""


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Returns findings strongest first, symptoms of other findings as advice."""
    found = list(findings)
    strong = {f.label for f in found if f.severity != "advice"}
    explained = {
        symptom
        for label in strong
        for symptom in EXPLAINS.get(label, ())
        if label not in EXPLAINS.get(symptom, ())
    }
    weak = {s for label in strong for s in EXPLAINS_WARNINGS.get(label, ())}
    if strong - set(SYMPTOMS):
        explained |= set(SYMPTOMS)
    lowered = [
        replace(f, severity="advice")
        if f.label in explained or (f.label in weak and f.severity != "error")
        else f
        for f in found
    ]
    return tuple(
        sorted(lowered, key=lambda f: (SEVERITIES.index(f.severity), -f.confidence))
    )
