"""Labels: numbered from 0, in the form of the loss, targets of unit scale."""

import keras
import numpy as np

from residency.doctor.cures.losses import crossentropy
from residency.doctor.cures.treatment import Case, Treatment
from residency.records import Finding


def from_zero(finding: Finding, case: Case) -> Treatment | None:
    """Numbers the classes that occur from 0."""
    y = case.train.y
    if y is None or y.dtype.kind not in "fiu" or (y.ndim > 1 and y.shape[1] > 1):
        return None
    values = np.unique(y)
    if len(values) > 1000 or (values != np.round(values)).any():
        return None
    return Treatment(
        words=f"classes numbered 0..{len(values) - 1}",
        read=lambda batch: (batch[0], np.searchsorted(values, batch[1]), batch[2]),
    )


def in_the_form_of_the_loss(finding: Finding, case: Case) -> Treatment | None:
    """Leaves the labels and takes the cross-entropy that is made for them."""
    y, classes = case.train.y, case.train.classes
    if y is None or classes is None:
        return None
    units = case.graph.output.shape[-1]
    if units == 1 and y.ndim == 2 and y.shape[1] == 2:
        return Treatment(
            words="labels 0 and 1 in a column",
            read=lambda batch: (batch[0], batch[1].argmax(axis=1)[:, None], batch[2]),
        )
    loss = crossentropy(case)
    return None if loss is None else Treatment(words=f"loss {loss.name}", loss=loss)


def scaled_targets(finding: Finding, case: Case) -> Treatment | None:
    """Gives targets mean 0 and deviation 1."""
    y = case.train.y
    if y is None or y.dtype.kind not in "fiu":
        return None
    mean, std = y.mean(axis=0, dtype="float64"), y.std(axis=0, dtype="float64")
    std = np.where(std > 0, std, 1.0)
    dtype = keras.backend.floatx()
    return Treatment(
        words="targets of mean 0 and deviation 1",
        read=lambda b: (b[0], ((b[1] - mean) / std).astype(dtype), b[2]),
    )


CURES = {
    "label_range": (from_zero,),
    "label_encoding_mismatch": (in_the_form_of_the_loss,),
    "target_not_scaled": (scaled_targets,),
}
