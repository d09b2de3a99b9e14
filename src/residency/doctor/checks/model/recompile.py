"""The line that compiles a model with another loss, all else as it was."""

import json

from residency.doctor.probe import Settings


def recompile(loss: str, settings: Settings) -> str:
    """Returns the line; what Keras is not told, it replaces by its defaults.

    Args:
        loss: The new loss, as it stands in Python.
        settings: Their optimizer and metrics are kept, but for metrics of the user's
            own.
    """
    kept = [kind for kind in settings.metric_kinds if kind != "custom"]
    metrics = f", metrics={json.dumps(kept)}" if kept else ""
    return f"model.compile(loss={loss}, optimizer=model.optimizer{metrics})"
