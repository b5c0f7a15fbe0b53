"""Adapter of `vision.semantic_segmentation.SemanticSegmentationPostprocess`."""

from backends.step import Step
from vision.semantic_segmentation import SemanticSegmentationPostprocess


class TritonPythonModel(Step):
    """The net's coarse probabilities in, the class of each of the picture's pixels out."""

    stage = SemanticSegmentationPostprocess
