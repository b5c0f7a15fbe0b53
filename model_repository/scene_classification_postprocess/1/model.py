"""Adapter of `vision.classification.ScenePostprocess`."""

from backends.step import Step
from vision.classification import ScenePostprocess


class TritonPythonModel(Step):
    """Probabilities in, the answer out."""

    stage = ScenePostprocess
