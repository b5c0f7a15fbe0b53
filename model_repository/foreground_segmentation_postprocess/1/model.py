"""Adapter of `vision.foreground_segmentation.ForegroundPostprocess`."""

from backends.step import Step
from vision.foreground_segmentation import ForegroundPostprocess


class TritonPythonModel(Step):
    """The net's map in, the picture's mask out."""

    stage = ForegroundPostprocess
