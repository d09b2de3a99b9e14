"""Checks of head, architecture and first weights; one file each."""

from residency.doctor.checks.check import Check

CHECKS: tuple[Check, ...] = ()
