"""Records to figures and one HTML page: what a person looks at after a run.

This room sees records and the files of a run folder, never a model, an image
decoder or a GPU; a report can be made again on any machine.
"""

from residency.report.confusions import confusions_in_words
from residency.report.figures import (
    confusion_matrix,
    curves,
    image_grid,
    prediction_grid,
)
from residency.report.page import write_report
from residency.report.run_folder import RunFolder, read_run_folder

__all__ = [
    "RunFolder",
    "confusion_matrix",
    "confusions_in_words",
    "curves",
    "image_grid",
    "prediction_grid",
    "read_run_folder",
    "write_report",
]
