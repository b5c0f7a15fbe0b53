"""Adapter of `vision.object_detection.ObjectDetectionPostprocess`."""

from backends.step import Step
from vision.object_detection import ObjectDetectionPostprocess


class TritonPythonModel(Step):
    """Boxes and class scores in, the answer out."""

    stage = ObjectDetectionPostprocess
