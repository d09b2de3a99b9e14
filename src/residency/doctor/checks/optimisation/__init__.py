"""Checks of rate, schedule, batch, length and penalties; one file each."""

from residency.doctor.checks.check import Check
from residency.doctor.checks.optimisation import (
    batch_size_bad,
    cannot_overfit,
    config_not_applied,
    decay_on_bias_bn,
    lr_schedule_conflict,
    lr_too_high,
    lr_too_low,
    optimizer_choice,
    overfitting_small_data,
    regularisation_too_strong,
    too_few_epochs,
    weight_decay_convention,
)

CHECKS: tuple[Check, ...] = (
    Check("the rate does not make the loss explode", lr_too_high.check),
    Check("the rate moves the weights in the planned steps", lr_too_low.check),
    Check("the penalty does not outweigh the data", regularisation_too_strong.check),
    Check("rate, schedule, callbacks and length agree", lr_schedule_conflict.check),
    Check("the plan is long enough to learn", too_few_epochs.check),
    Check("the size of the batch is usual", batch_size_bad.check),
    Check("callbacks and regularizers take effect", config_not_applied.check),
    Check("weight decay leaves scales and biases alone", decay_on_bias_bn.check),
    Check("weight decay is counted as in papers", weight_decay_convention.check),
    Check("parameters are in proportion to the images", overfitting_small_data.check),
    Check("the optimizer is a usual one", optimizer_choice.check),
    Check("the model can learn a single batch", cannot_overfit.check),
)
