"""Adapter of `vision.foreground_segmentation.ForegroundPreprocess`."""

from backends.step import Step
from vision.foreground_segmentation import ForegroundPreprocess


class TritonPythonModel(Step):
    """A picture file in, the net's pixels out."""

    stage = ForegroundPreprocess
