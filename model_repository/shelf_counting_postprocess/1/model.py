"""Adapter of `vision.shelf_counting.ShelfCountingPostprocess`."""

from backends.step import FanOutStep
from vision.shelf_counting import ShelfCountingPostprocess


class TritonPythonModel(FanOutStep):
    """The detector's candidates in, products cropped, named and counted, the answer out."""

    stage = ShelfCountingPostprocess
