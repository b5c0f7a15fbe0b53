"""The pictures that OCR is compared on: scans, photographs with text put on in perspective, drawn pages.

Everything follows from the seed, so that two runs compare the same pixels. Nothing is stored here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from vision.ocr.warp import homography

SCANS = ("page.png", "text.png")
"""Photographed print that scikit-image carries."""
PHOTOS = (
    "astronaut.png",
    "chelsea.png",
    "china.jpg",
    "coffee.png",
    "flower.jpg",
    "motorcycle_left.png",
    "rocket.jpg",
)
"""Photographs of scikit-image and scikit-learn."""

CHINESE = (
    "欢迎光临本店请勿吸烟",
    "北京市海淀区中关村大街二十七号",
    "今日特价苹果每斤五元八角",
    "注意安全小心地滑",
    "春眠不觉晓处处闻啼鸟",
    "中华人民共和国万岁",
    "营业时间上午九点至晚上十点",
    "人工智能改变世界",
    "上海浦东国际机场出发大厅",
    "图书馆内请保持安静",
    "有机绿茶净含量二百克",
    "请出示您的身份证和车票",
    "高速铁路时刻表",
    "本品不含防腐剂，请冷藏保存。",
    "会议室预订电话：八六四二",
)
ENGLISH = (
    "The quick brown fox jumps over the lazy dog",
    "No smoking in this area",
    "Open from Monday to Friday",
    "Please mind the gap between the train",
    "Fresh coffee and sandwiches",
    "Total amount due by the end of month",
    "Emergency exit only",
    "International Conference on Vision",
    "Handle with care, keep dry",
    "Made in Germany since 1952",
    "Terms and conditions apply",
    "Gate B12 boarding now",
)
NUMBERS = (
    "2024-05-17 08:45",
    "13800138000",
    "¥128.50",
    "400-820-8820",
    "No. 00734921",
    "3.1415926535",
    "Tel: 010-62781234",
    "99.9%",
    "12 x 34 = 408",
    "ISBN 978-7-111-40701-0",
)
MIXED = (
    "第3号线 Line 3 开往南站",
    "订单号 A20240517-88",
    "WiFi密码：guest2024",
    "净重500g 保质期12个月",
    "合计 Total ¥356.00",
    "iPhone 15 Pro 现货发售",
    "出口 Exit B2",
    "温度 -5℃ ~ 38℃",
)
EVERYTHING = CHINESE + ENGLISH + NUMBERS + MIXED

PRINTED = (
    "Region-based segmentation",
    "Let us first determine markers of the coins and the",
    "background. These markers are pixels that we can label",
    "unambiguously as either object or background. Here,",
    "the markers are found at the two extreme parts of the",
    "histogram of grey values:",
)
"""Lines of the first of SCANS."""

Colour = tuple[int, int, int]
Drawing = Callable[[np.random.Generator], Image.Image]


@dataclass(frozen=True)
class Page:
    """What stands on a drawn page; lengths in pixels."""

    texts: tuple[str, ...]
    size: int
    """Height of the characters."""
    width: int = 720
    height: int = 640
    dark: bool = False


def parity_pictures(font: Path, samples: Path, seed: int = 20240517) -> Iterator[tuple[str, Image.Image]]:
    """Yield names and RGB pictures. `font` has Latin and Chinese; `samples` holds SCANS and PHOTOS."""
    drawings = {**_scans(samples), **_pages(font), **_photos(font, samples), **_strips(font)}
    for index, (name, draw) in enumerate(drawings.items()):
        yield name, draw(np.random.default_rng([seed, index]))


def _scans(samples: Path) -> dict[str, Drawing]:
    """Return the scans as they are, and the printed one in parts, enlarged, turned."""
    views = {Path(file).stem: _opened(samples / file) for file in SCANS}
    page = views["page"]
    upper, lower = (0, 0, page.width, page.height // 2), (0, page.height // 2, page.width, page.height)
    views |= {"page_upper": page.crop(upper), "page_lower": page.crop(lower)}
    views |= {f"page_enlarged_{factor}": _enlarged(page, factor) for factor in (2, 3)}
    views |= {f"page_turned_{angle}": _turned(page, angle) for angle in (-8, 4, 90, 180)}
    views |= {f"page_enlarged_turned_{angle}": _turned(_enlarged(page, 2), angle) for angle in (-5, 90, 180)}
    return {f"scan_{name}": _constant(view) for name, view in views.items()}


def _pages(font: Path) -> dict[str, Drawing]:
    """Return drawn pages: each kind of text, several sizes, then turned ones."""
    kinds = {"chinese": CHINESE, "english": ENGLISH, "numbers": NUMBERS, "mixed": MIXED}
    drawings: dict[str, Drawing] = {}
    for kind, texts in kinds.items():
        drawings |= {f"page_{kind}_{size}": partial(_page, font, Page(texts, size)) for size in (16, 28, 44)}
    drawings["page_crowded"] = partial(_page, font, Page(EVERYTHING, 18, width=1400, height=1000))
    drawings["page_dark"] = partial(_page, font, Page(EVERYTHING, 30, dark=True))
    turned = partial(_page, font, Page(EVERYTHING, 26))
    for angle in (-15, -7, -3, 3, 7, 15, 90, 180, 270):
        drawings[f"page_turned_{angle}"] = partial(_turned_page, turned, angle)
    return drawings


def _photos(font: Path, samples: Path) -> dict[str, Drawing]:
    """Return photographs with signs on them in perspective, and with captions."""
    drawings: dict[str, Drawing] = {}
    for file in PHOTOS:
        photo, name = _opened(samples / file), Path(file).stem
        drawings[f"sign_{name}"] = partial(_with_signs, photo, font)
        drawings[f"caption_{name}"] = partial(_with_caption, photo, font)
    return drawings


def _strips(font: Path) -> dict[str, Drawing]:
    """Return pictures of a single line: flat, narrow, small, upright Chinese."""
    return {
        "strip_flat": partial(_strip, font, "订单号 A20240517-88 合计 Total ¥356.00", 40),
        "strip_long": partial(_strip, font, " ".join(ENGLISH[:3]), 26),
        "strip_small": partial(_strip, font, "小字号文本 2024", 15),
        "strip_column": partial(_strip, font, "\n".join("春眠不觉晓处处闻啼鸟"), 32),
    }


def _opened(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


def _constant(image: Image.Image) -> Drawing:
    return lambda _: image


def _enlarged(image: Image.Image, factor: int) -> Image.Image:
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.BICUBIC)


def _turned(image: Image.Image, angle: float, fill: Colour = (255, 255, 255)) -> Image.Image:
    return image.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=fill)


def _turned_page(page: Drawing, angle: float, rng: np.random.Generator) -> Image.Image:
    return _turned(page(rng), angle, fill=(235, 235, 230))


def _page(font: Path, page: Page, rng: np.random.Generator) -> Image.Image:
    """Return a page of lines in loose columns on a noisy background of one tint."""
    paper, ink = _colours(rng, dark=page.dark)
    image = _noisy_paper(rng, page.width, page.height, paper)
    draw, face = ImageDraw.Draw(image), ImageFont.truetype(font, page.size)
    top = 20
    while top + 2 * page.size < page.height:
        left = int(rng.integers(12, 60))
        while left < page.width - 8 * page.size:
            text = str(rng.choice(page.texts))
            right = left + int(draw.textlength(text, font=face))
            if right > page.width - 12:
                break
            draw.text((left, top), text, font=face, fill=ink)
            left = right + 3 * page.size + int(rng.integers(0, 60))
        top += int(page.size * rng.uniform(1.6, 2.2))
    return image


def _colours(rng: np.random.Generator, *, dark: bool) -> tuple[Colour, Colour]:
    """Return colours of paper and ink that can be told apart."""
    light = _colour(rng, 195, 256)
    deep = _colour(rng, 0, 95)
    return (deep, light) if dark else (light, deep)


def _colour(rng: np.random.Generator, low: int, high: int) -> Colour:
    red, green, blue = rng.integers(low, high, 3).tolist()
    return red, green, blue


def _noisy_paper(rng: np.random.Generator, width: int, height: int, tint: Colour) -> Image.Image:
    """Return a background with a soft gradient and grain."""
    slope = np.linspace(-12, 12, width)[None, :, None] * rng.uniform(-1, 1)
    grain = rng.normal(0, 5, (height, width, 1))
    return Image.fromarray((np.array(tint) + slope + grain).clip(0, 255).astype(np.uint8))


def _with_signs(photo: Image.Image, font: Path, rng: np.random.Generator) -> Image.Image:
    """Return `photo` with three signs, each seen at its own slant."""
    image = photo.copy()
    for row in range(3):
        sign = _sign(font, rng)
        scale = rng.uniform(0.45, 0.8) * image.width / sign.width
        width, height = sign.width * scale, sign.height * scale
        left = rng.uniform(0.02, 0.15) * image.width
        top = (row + rng.uniform(0.15, 0.3)) * image.height / 3
        right, bottom = left + width, top + height
        box = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
        _put(image, sign, _slanted(box, rng, 0.12 * height))
    return image.filter(ImageFilter.GaussianBlur(0.6))


def _sign(font: Path, rng: np.random.Generator) -> Image.Image:
    paper, ink = _colours(rng, dark=bool(rng.integers(2)))
    text = str(rng.choice(EVERYTHING))
    return _panel(font, text, 48, paper, ink)


def _panel(font: Path, text: str, size: int, paper: Colour, ink: Colour) -> Image.Image:
    """Return `text` on a panel with a margin of half a character."""
    face = ImageFont.truetype(font, size)
    left, top, right, bottom = ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox(
        (0, 0), text, font=face
    )
    panel = Image.new("RGB", (int(right - left) + size, int(bottom - top) + size), paper)
    ImageDraw.Draw(panel).multiline_text((size / 2 - left, size / 2 - top), text, font=face, fill=ink)
    return panel


def _slanted(box: NDArray[np.float64], rng: np.random.Generator, most: float) -> NDArray[np.float64]:
    """Return the corners [4, 2] turned by up to 10 degrees, each moved by up to `most` pixels."""
    angle = np.deg2rad(rng.uniform(-10, 10))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    centre = box.mean(axis=0)
    moved: NDArray[np.float64] = (box - centre) @ turn + centre + rng.uniform(-most, most, box.shape)
    return moved


def _put(image: Image.Image, panel: Image.Image, corners: NDArray[np.float64]) -> None:
    """Lay `panel` on `image` so that its corners fall on `corners`, [4, 2] of (x, y)."""
    width, height = map(float, panel.size)
    own = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    coefficients = homography(corners, own)
    warp = partial(Image.Image.transform, size=image.size, method=Image.Transform.PERSPECTIVE)
    laid = warp(panel, data=coefficients, resample=Image.Resampling.BICUBIC)
    mask = warp(Image.new("L", panel.size, 255), data=coefficients, resample=Image.Resampling.BILINEAR)
    image.paste(laid, mask=mask)


def _with_caption(photo: Image.Image, font: Path, rng: np.random.Generator) -> Image.Image:
    """Return `photo` with two outlined captions drawn straight on it."""
    image = photo.copy()
    draw = ImageDraw.Draw(image)
    for height in (0.12, 0.78):
        face = ImageFont.truetype(font, int(rng.integers(18, 34)))
        fill, outline = _colours(rng, dark=bool(rng.integers(2)))
        position = (rng.uniform(0.03, 0.2) * image.width, height * image.height)
        text = str(rng.choice(EVERYTHING))
        draw.text(position, text, font=face, fill=fill, stroke_width=2, stroke_fill=outline)
    return image


def _strip(font: Path, text: str, size: int, rng: np.random.Generator) -> Image.Image:
    paper, ink = _colours(rng, dark=False)
    return _panel(font, text, size, paper, ink)
