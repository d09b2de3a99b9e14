"""Checks of rate, schedule, batch, length and penalties; one file each."""

from residency.doctor.checks.check import Check

CHECKS: tuple[Check, ...] = ()
