"""What a Keras script's text alone gives away; the script is never run.

`source.py` reads the file, `bindings.py` and `script.py` resolve its names, `values.py`
computes its constants, `flow.py` follows its data, `training.py` and `pretrained.py`
say what it trains; each of `checks/` looks for one fault.
"""

from residency.doctor.script.diagnose import CHECKS, diagnose_script

__all__ = ["CHECKS", "diagnose_script"]
