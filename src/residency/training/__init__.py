"""The mathematics of training without a loop: optimizers, schedules, losses, decay.

Settings and closed forms only; no torch and no Keras. The engine turns them
into tensors.
"""

from residency.training.decay import is_exempt
from residency.training.freezing import Finetune
from residency.training.losses import CrossEntropy, Distillation
from residency.training.optimizers import SGD, AdamW, Muon
from residency.training.schedules import Cosine, OneCycle, Schedule, StepDecay

__all__ = [
    "SGD",
    "AdamW",
    "Cosine",
    "CrossEntropy",
    "Distillation",
    "Finetune",
    "Muon",
    "OneCycle",
    "Schedule",
    "StepDecay",
    "is_exempt",
]
