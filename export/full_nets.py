"""The rows of the `full` profile: the networks that the page names, from their publishers' checkpoints.

Three publishers state no hash. What stands here for them was taken from independent projects that pin the
same files; only one names that of Places365.
"""

import msgspec

from export.lite_nets import IMAGENET_LABELS, LITE_NETS
from export.sources import Net, Published, Supplied
from vision.manifest import Profile

_TORCHVISION = "https://download.pytorch.org/models"
_RAPIDOCR = "https://www.modelscope.cn/models/RapidAI/RapidOCR/resolve/v3.10.0/onnx/PP-OCRv6"
_UNSTATED = "its publisher states no hash; this one is what others pin who use the file"
_CONVERTERS = "export.convert.full"


def _torchvision(stem: str, digits: str, random: str, remark: str, size: int | None = None) -> Published:
    """Return one of torchvision's files, whose names end with the leading digits of their SHA-256."""
    name = f"{stem}-{digits}.pth"
    return Published(
        url=f"{_TORCHVISION}/{name}",
        name=name,
        sha256=digits,
        size=size,
        licence="BSD-3-Clause",
        random=f"{_CONVERTERS}.{random}",
        remark=f"{remark}; the licence is torchvision's, the checkpoint states none of its own",
    )


def _rapidocr(kind: str, sha256: str, size: int, role: str) -> Published:
    """Return one of PP-OCRv6's medium nets, as RapidOCR publishes them; its package states the hashes."""
    name = f"PP-OCRv6_{kind}_medium.onnx"
    return Published(
        url=f"{_RAPIDOCR}/{kind}/{name}",
        name=name,
        sha256=sha256,
        size=size,
        licence="Apache-2.0",
        random=f"{_CONVERTERS}.ocr:random_{role}",
    )


def _net(service: str, *published: Published, role: str = "") -> Net:
    """Return the row of a service's net: its only one, or that which has a role."""
    return Net(
        name=f"{service}_{role}_net" if role else f"{service}_net",
        service=service,
        profile=Profile.FULL,
        converter=f"{_CONVERTERS}.{service}:{role or service}",
        published=published,
    )


def _supplied(name: str, function: str) -> Supplied:
    return Supplied(name, f"{_CONVERTERS}.shelf_counting:{function}")


_RESNET50 = _torchvision(
    "resnet50",
    "11ad3fa6",
    "image_classification:random_resnet50",
    "ResNet50_Weights.IMAGENET1K_V2, trained on ImageNet",
)
_FASTER_RCNN = _torchvision(
    "fasterrcnn_resnet50_fpn_coco",
    "258fb6c6",
    "object_detection:random_fasterrcnn_resnet50_fpn_coco",
    "FasterRCNN_ResNet50_FPN_Weights.COCO_V1",
    size=167_502_836,
)
_MASK_RCNN = _torchvision(
    "maskrcnn_resnet50_fpn_coco",
    "bf2d0c1e",
    "instance_segmentation:random_maskrcnn_resnet50_fpn_coco",
    "MaskRCNN_ResNet50_FPN_Weights.COCO_V1",
    size=178_090_079,
)
_DEEPLAB = _torchvision(
    "deeplabv3_resnet50_coco",
    "cd0a2569",
    "semantic_segmentation:random_deeplabv3_resnet50_coco",
    "DeepLabV3_ResNet50_Weights.COCO_WITH_VOC_LABELS_V1",
)
_PLACES365 = Published(
    url="http://places2.csail.mit.edu/models_places365/resnet50_places365.pth.tar",
    name="resnet50_places365.pth.tar",
    sha256="46529c86902bd0cfb0ea562a30b2850c28d2620d96282b3db9c318e1d774f6c5",
    size=None,
    licence="CC-BY",
    random=f"{_CONVERTERS}.scene_classification:random_resnet50_places365",
    remark=_UNSTATED,
)
_RVM = Published(
    url="https://github.com/PeterL1n/RobustVideoMatting/releases/download/v1.0.0/rvm_mobilenetv3.pth",
    name="rvm_mobilenetv3.pth",
    sha256="3c7c1d92033f7c38d6577c481d13a195d7d80a159b960f4f3119ac7b534cf4f8",
    size=None,
    licence="GPL-3.0",
    random=f"{_CONVERTERS}.foreground_segmentation:random_rvm_mobilenetv3",
    remark=_UNSTATED,
)
_DEOLDIFY = Published(
    url="https://data.deepai.org/deoldify/ColorizeArtistic_gen.pth",
    name="ColorizeArtistic_gen.pth",
    sha256="3f750246fa220529323b85a8905f9b49c0e5d427099185334d048fb5b5e22477",
    size=255_144_681,
    licence="MIT",
    random=f"{_CONVERTERS}.image_colorization:random_deoldify",
    remark=_UNSTATED,
)

_OCR_DETECTOR = _rapidocr(
    "det", "92078b7355007ccfffcd4c8cd441a3afd4538904d06881b29a155e1e679907c2", 62_119_454, "detection"
)
_OCR_READER = _rapidocr(
    "rec", "eef444829dbbe18d7fea59a3f6eb75647518d2b3a9568d27c92e42940204894b", 76_629_984, "recognition"
)
_SHELF_DETECTOR = _supplied("shelf_counting_detection.pt", "random_detection")
_SHELF_CLASSIFIER = _supplied("shelf_counting_classification.pt", "random_classification")
_SHELF_PRODUCTS = _supplied("shelf_counting_products.txt", "random_products")

FULL_NETS = (
    msgspec.structs.replace(_net("image_classification", _RESNET50), files=(IMAGENET_LABELS,)),
    _net("scene_classification", _PLACES365),
    _net("image_similarity", _RESNET50),
    _net("object_detection", _FASTER_RCNN),
    _net("instance_segmentation", _MASK_RCNN, role="detection"),
    _net("semantic_segmentation", _DEEPLAB),
    _net("foreground_segmentation", _RVM),
    _net("image_colorization", _DEOLDIFY),
    msgspec.structs.replace(_net("shelf_counting", role="detection"), supplied=(_SHELF_DETECTOR,)),
    msgspec.structs.replace(
        _net("shelf_counting", role="classification"), supplied=(_SHELF_CLASSIFIER, _SHELF_PRODUCTS)
    ),
    _net("ocr", _OCR_DETECTOR, role="detection"),
    _net("ocr", _OCR_READER, role="recognition"),
    # PP-OCRv6 has no angle net: both profiles have the same.
    *(msgspec.structs.replace(net, profile=Profile.FULL) for net in LITE_NETS if net.name == "ocr_angle_net"),
)
