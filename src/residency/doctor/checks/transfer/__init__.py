"""Checks of pretrained weights and of batch normalisation; one file each."""

from residency.doctor.checks.check import Check

CHECKS: tuple[Check, ...] = ()
