"""Checks of pretrained weights and of batch normalisation; one file each."""

from residency.doctor.checks.check import Check
from residency.doctor.checks.transfer import (
    bn_epsilon,
    bn_forced_training,
    bn_frozen_mismatch,
    bn_stats_not_converged,
    bn_trains_above_frozen,
    channel_order,
    finetune_lr_too_high,
    preprocess_constants,
    pretrained_preprocess_mismatch,
    training_flag_ignored,
)

CHECKS: tuple[Check, ...] = (
    pretrained_preprocess_mismatch.CHECK,
    channel_order.CHECK,
    preprocess_constants.CHECK,
    bn_frozen_mismatch.CHECK,
    bn_stats_not_converged.CHECK,
    bn_forced_training.CHECK,
    finetune_lr_too_high.CHECK,
    bn_trains_above_frozen.CHECK,
    bn_epsilon.CHECK,
    training_flag_ignored.CHECK,
)
