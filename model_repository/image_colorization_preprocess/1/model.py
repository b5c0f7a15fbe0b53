"""Adapter of `vision.image_colorization.ColorizationPreprocess`."""

from backends.step import Step
from vision.image_colorization import ColorizationPreprocess


class TritonPythonModel(Step):
    """A picture file in, the net's pixels and the picture's luma out."""

    stage = ColorizationPreprocess
