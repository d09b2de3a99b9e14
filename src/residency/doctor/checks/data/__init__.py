"""Checks of inputs, labels and parts; one file each."""

from residency.doctor.checks.check import Check
from residency.doctor.checks.data import (
    augmentation_ineffective,
    augmentation_too_strong,
    black_corners,
    blank_images,
    class_imbalance,
    data_not_shuffled,
    input_not_normalised,
    label_range,
    labels_wrong,
    nonfinite_input,
    shortcut,
    small_shift,
    split_not_representative,
    target_not_scaled,
    train_val_overlap,
    train_val_preprocess_mismatch,
    val_augmented,
    validation_too_small,
)

CHECKS: tuple[Check, ...] = (
    input_not_normalised.CHECK,
    train_val_preprocess_mismatch.CHECK,
    val_augmented.CHECK,
    augmentation_too_strong.CHECK,
    augmentation_ineffective.CHECK,
    data_not_shuffled.CHECK,
    split_not_representative.CHECK,
    train_val_overlap.CHECK,
    labels_wrong.CHECK,
    label_range.CHECK,
    class_imbalance.CHECK,
    target_not_scaled.CHECK,
    nonfinite_input.CHECK,
    validation_too_small.CHECK,
    blank_images.CHECK,
    shortcut.CHECK,
    black_corners.CHECK,
    small_shift.CHECK,
)
