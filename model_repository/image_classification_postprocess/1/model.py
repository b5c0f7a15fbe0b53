"""Adapter of `vision.classification.ClassificationPostprocess`."""

from backends.step import Step
from vision.classification import ClassificationPostprocess


class TritonPythonModel(Step):
    """Probabilities in, the answer out."""

    stage = ClassificationPostprocess
