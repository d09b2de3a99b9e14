"""Kernels in C that torch has not: compiled on the user's machine when first needed.

Everything works without them, slower; `batch_norm.unavailable()` says why they are not
there. `RESIDENCY_NATIVE=0` switches them off.
"""
