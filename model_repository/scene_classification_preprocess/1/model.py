"""Adapter of `vision.classification.ClassificationPreprocess`."""

from backends.step import Step
from vision.classification import ClassificationPreprocess


class TritonPythonModel(Step):
    """Picture files in, the net's pixels out."""

    stage = ClassificationPreprocess
