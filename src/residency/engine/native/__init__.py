"""Kernels in C that torch has not: compiled on the user's machine when first needed.

Everything works without them, slower; `unavailable()` of `batch_norm`, `convolution`
and `direct_convolution` says why one is not there. `RESIDENCY_NATIVE=0` switches them
off.
"""
