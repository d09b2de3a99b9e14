"""One figure a file; each is a function of records that writes an SVG or PNG.

Photos become PNG, everything else SVG. No figure knows of the page it stands on.
"""

from residency.report.figures.confusion import confusion_matrix
from residency.report.figures.curves import curves
from residency.report.figures.grid import image_grid
from residency.report.figures.predictions import prediction_grid

__all__ = ["confusion_matrix", "curves", "image_grid", "prediction_grid"]
