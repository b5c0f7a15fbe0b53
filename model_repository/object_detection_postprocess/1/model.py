"""Adapter of `vision.object_detection.ObjectDetectionPostprocess`."""

from backends.step import FanOutStep
from vision.object_detection import ObjectDetectionPostprocess


class TritonPythonModel(FanOutStep):
    """Boxes and class scores in, the answer out; runs the net itself by tiles of a long picture."""

    stage = ObjectDetectionPostprocess
