"""One figure a file; each is a function of records that writes an SVG or PNG.

Photos become PNG, everything else SVG. No figure knows of the page it stands on.
"""

from residency.report.figures.grid import image_grid

__all__ = ["image_grid"]
