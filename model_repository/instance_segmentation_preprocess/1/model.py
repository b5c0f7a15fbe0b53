"""Adapter of `vision.instance_segmentation.InstanceSegmentationPreprocess`."""

from backends.step import Step
from vision.instance_segmentation import InstanceSegmentationPreprocess


class TritonPythonModel(Step):
    """A picture file in, the detector's pixels and what regions are cut from out."""

    stage = InstanceSegmentationPreprocess
