"""Cures tried: the same few steps with and without each, measured alike.

`pool` keeps rows back, `yardstick` measures with them, `arm` runs one training,
`verdict` compares the two. Nothing of the user's model is changed afterwards.
"""

from residency.doctor.trying.try_cures import try_cures

__all__ = ["try_cures"]
