"""The doctor: why a model does not learn, with evidence and cure.

`probe/` measures a model and its data once, `checks/` are pure functions over what it
measured. `script/` reads a Keras script without running it, `history/` reads the curves
of a run, `trying/` tries what `cures/` say. Nothing here changes a model, its weights
or any random state.
"""

from residency.doctor.diagnose import before_training, diagnose
from residency.doctor.diagnosis import Diagnosis
from residency.doctor.history import diagnose_history, read_history
from residency.doctor.labels import LABELS
from residency.doctor.script import diagnose_script
from residency.doctor.trying import try_cures

__all__ = [
    "LABELS",
    "Diagnosis",
    "before_training",
    "diagnose",
    "diagnose_history",
    "diagnose_script",
    "read_history",
    "try_cures",
]
