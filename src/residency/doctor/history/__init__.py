"""What the curves of a run tell, without its model or its data.

`read.py` reads the curves from a run folder, a CSV log, JSON, TensorBoard files or a
Keras History; each of `checks/` looks for one fault in them.
"""

from residency.doctor.history.curves import Curves
from residency.doctor.history.diagnose import CHECKS, diagnose_history
from residency.doctor.history.read import read_history

__all__ = ["CHECKS", "Curves", "diagnose_history", "read_history"]
