"""Adapter of `vision.object_detection.ObjectDetectionPreprocess`."""

from backends.step import Step
from vision.object_detection import ObjectDetectionPreprocess


class TritonPythonModel(Step):
    """A picture file in, the net's pixels out."""

    stage = ObjectDetectionPreprocess
