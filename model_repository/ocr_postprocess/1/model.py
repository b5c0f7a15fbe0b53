"""Adapter of `vision.ocr.stages.OcrPostprocess`."""

from backends.step import FanOutStep
from vision.ocr.stages import OcrPostprocess


class TritonPythonModel(FanOutStep):
    """The text map in, lines cropped, turned and read, the answer out."""

    stage = OcrPostprocess
