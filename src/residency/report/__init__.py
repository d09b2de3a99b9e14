"""Records to figures and one HTML page: what a person looks at after a run.

This room sees records and the files of a run folder, never a model, an image
decoder or a GPU; a report can be made again on any machine.
"""

from residency.report.figures import image_grid

__all__ = ["image_grid"]
