"""The classes of Pascal VOC, by id: those of `preds` of `semantic_segmentation`."""

from modelhub_pictures.voc import VOC_CLASSES

__all__ = ["VOC_CLASSES"]
