"""Adapter of `vision.ocr.stages.OcrPreprocess`."""

from backends.step import Step
from vision.ocr.stages import OcrPreprocess


class TritonPythonModel(Step):
    """A picture file in, the detector's pixels out."""

    stage = OcrPreprocess
