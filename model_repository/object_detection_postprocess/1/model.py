"""Adapter of `vision.object_detection.ObjectDetectionPostprocess`."""

from backends.step import Step
from vision.object_detection import ObjectDetectionPostprocess


class TritonPythonModel(Step):
    """Box encodings and class logits in, the answer out."""

    stage = ObjectDetectionPostprocess
