"""Adapter of `vision.similarity.SimilarityPostprocess`."""

from backends.step import Step
from vision.similarity import SimilarityPostprocess


class TritonPythonModel(Step):
    """Two pictures' features in, the answer out."""

    stage = SimilarityPostprocess
