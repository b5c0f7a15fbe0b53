"""Adapter of `vision.image_colorization.ColorizationPostprocess`."""

from backends.step import Step
from vision.image_colorization import ColorizationPostprocess


class TritonPythonModel(Step):
    """The net's chroma and the picture's luma in, a coloured picture file out."""

    stage = ColorizationPostprocess
