"""Feeding the device through torch: worker processes. No decision about data here."""
