"""Adapter of `vision.semantic_segmentation.SemanticSegmentationPreprocess`."""

from backends.step import Step
from vision.semantic_segmentation import SemanticSegmentationPreprocess


class TritonPythonModel(Step):
    """A picture file in, the net's pixels out."""

    stage = SemanticSegmentationPreprocess
