"""Adapter of `vision.instance_segmentation.InstanceSegmentationPostprocess`."""

from backends.step import FanOutStep
from vision.instance_segmentation import InstanceSegmentationPostprocess


class TritonPythonModel(FanOutStep):
    """Box encodings and class logits in, the mask of each detection found, the answer out."""

    stage = InstanceSegmentationPostprocess
