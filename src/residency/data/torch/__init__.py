"""Feeding the device through torch: worker processes, or images that stay on
the device. No decision about data here."""
