"""The one place that chooses the Keras backend: torch, unless the user chose."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")
