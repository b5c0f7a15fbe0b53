"""Adapter of `vision.instance_segmentation.InstanceSegmentationPostprocess`."""

from backends.step import FanOutStep
from vision.instance_segmentation import InstanceSegmentationPostprocess


class TritonPythonModel(FanOutStep):
    """Boxes, class scores and masks in, the answer out; runs the mask net where the detector draws none."""

    stage = InstanceSegmentationPostprocess
