"""Adapter of `vision.similarity.SimilarityPreprocess`."""

from backends.step import Step
from vision.similarity import SimilarityPreprocess


class TritonPythonModel(Step):
    """Two picture files in, one batch of pixels out."""

    stage = SimilarityPreprocess
