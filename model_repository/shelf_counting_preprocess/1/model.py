"""Adapter of `vision.shelf_counting.ShelfCountingPreprocess`."""

from backends.step import Step
from vision.shelf_counting import ShelfCountingPreprocess


class TritonPythonModel(Step):
    """A picture file in, the detector's pixels out."""

    stage = ShelfCountingPreprocess
