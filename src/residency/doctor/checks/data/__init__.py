"""Checks of inputs, labels and parts; one file each."""

from residency.doctor.checks.check import Check

CHECKS: tuple[Check, ...] = ()
