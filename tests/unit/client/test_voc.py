"""The client is installed without the server, and knows the same classes."""

from modelhub.voc import VOC_CLASSES
from vision import voc


def test_the_classes_are_those_of_the_server() -> None:
    assert VOC_CLASSES == voc.VOC_CLASSES
