"""A product as pixels: its print is drawn flat, wrapped around its container and shaded."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from evaluation.shelves.products import SHAPES, Colour, Product, Shape, catalogue

MASTER_HEIGHT = 320
"""Pixels of a sprite before it is reduced to the size it has on a shelf."""
YAWS = (-0.4, 0.0, 0.35)
"""Radians by which bottles are turned away from whoever looks at the shelf."""
PRINT_WIDTH = 240
PRINT_REACH = 2.2
"""Radians to either side of the middle that the flat print covers."""
METAL: Colour = (190, 192, 196)
AIR: Colour = (222, 228, 230)
CREAM: Colour = (248, 244, 232)

Floats = NDArray[np.float32]


@cache
def sprite(product: int, yaw: int) -> Image.Image:
    """Return class `product`, turned by `YAWS[yaw]`, as RGBA of MASTER_HEIGHT pixels in height."""
    one = catalogue()[product]
    shape = SHAPES[one.shape]
    height, width = MASTER_HEIGHT, round(MASTER_HEIGHT * shape.aspect)
    down, across = _surface(shape, height, width)
    angle = across * 1.2 if shape.flat else np.arcsin(across.clip(-1, 1))
    columns = (angle + YAWS[yaw] * (not shape.flat) + PRINT_REACH) / (2 * PRINT_REACH) * (PRINT_WIDTH - 1)
    flat = np.asarray(_print(one, shape))
    colours = flat[(down * (height - 1)).astype(int), columns.clip(0, PRINT_WIDTH - 1).astype(int)]
    shaded = (colours * _shade(shape, across)[..., None] + 70 * _gloss(shape, across)[..., None]).clip(0, 255)
    inside = np.clip((1 - np.abs(across)) * width / 2 + 0.5, 0, 1) * 255
    return Image.fromarray(np.dstack((shaded, inside)).astype(np.uint8))


def _surface(shape: Shape, height: int, width: int) -> tuple[Floats, Floats]:
    """Return for every pixel how far down it is (0 to 1) and how far across: -1 and 1 are the edges."""
    down = np.linspace(0, 1, height, dtype=np.float32)
    heights, halves = np.array(shape.profile, dtype=np.float32).T
    sharp = np.interp(down, heights, halves).astype(np.float32)
    half = np.convolve(np.pad(sharp, 3, mode="edge"), np.full(7, 1 / 7, np.float32), mode="valid")
    middle = (np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1
    across: Floats = middle[None] / half[:, None].clip(0.05, None)
    return np.repeat(down[:, None], width, axis=1), across


def _shade(shape: Shape, across: Floats) -> Floats:
    if shape.flat:
        return np.where(across > 0.62, 0.72, 1.0).astype(np.float32)
    shade: Floats = 0.5 + 0.5 * np.sqrt((1 - (across * 0.97 + 0.1).clip(-1, 1) ** 2).clip(0, 1))
    return shade


def _gloss(shape: Shape, across: Floats) -> Floats:
    """Return the strength of the highlight along the side that faces the light."""
    strength = 0.15 if shape.flat else 1.0
    gloss: Floats = strength * np.exp(-(((across + 0.55) / 0.12) ** 2))
    return gloss


def _print(product: Product, shape: Shape) -> Image.Image:
    """Return the unrolled surface, RGB of MASTER_HEIGHT x PRINT_WIDTH: cap, drink, label."""
    flat = Image.new("RGB", (PRINT_WIDTH, MASTER_HEIGHT), product.drink)
    draw = ImageDraw.Draw(flat)
    if shape.clear:
        draw.rectangle((0, 0, PRINT_WIDTH, product.level * MASTER_HEIGHT), fill=AIR)
    cap = product.cap if shape.clear else METAL
    draw.rectangle((0, 0, PRINT_WIDTH, shape.cap * MASTER_HEIGHT), fill=cap)
    top, bottom = (round(share * MASTER_HEIGHT) for share in shape.label)
    label = Image.new("RGB", (PRINT_WIDTH, bottom - top), product.label)
    _LAYOUTS[product.layout](ImageDraw.Draw(label), label.height, product)
    flat.paste(label, (0, top))
    return flat


def _band(draw: ImageDraw.ImageDraw, height: int, product: Product) -> None:
    draw.rectangle((0, 0, PRINT_WIDTH, height * 0.12), fill=product.accent)
    draw.rectangle((0, height * 0.82, PRINT_WIDTH, height), fill=product.drink)
    _emblem(draw, 0.34 * height, 0.18 * height, product)
    _brand(draw, 0.68 * height, product)


def _sleeve(draw: ImageDraw.ImageDraw, height: int, product: Product) -> None:
    middle = PRINT_WIDTH / 2
    draw.polygon(
        ((middle - 60, height), (middle + 60, 0), (middle + 120, 0), (middle, height)), fill=product.drink
    )
    draw.rectangle((0, height * 0.9, PRINT_WIDTH, height), fill=product.accent)
    _brand(draw, 0.3 * height, product)
    _emblem(draw, 0.68 * height, 0.16 * height, product)


def _stripes(draw: ImageDraw.ImageDraw, height: int, product: Product) -> None:
    for number in range(5):
        colour = (product.accent, product.drink)[number % 2]
        draw.rectangle(
            (0, height * (0.5 + 0.1 * number), PRINT_WIDTH, height * (0.55 + 0.1 * number)), fill=colour
        )
    _emblem(draw, 0.14 * height, 0.11 * height, product)
    _brand(draw, 0.37 * height, product)


def _panel(draw: ImageDraw.ImageDraw, height: int, product: Product) -> None:
    middle, half = PRINT_WIDTH / 2, PRINT_WIDTH * 0.21
    box = (middle - half, height * 0.08, middle + half, height * 0.92)
    draw.rounded_rectangle(box, 14, fill=CREAM, outline=product.accent, width=6)
    _emblem(draw, 0.33 * height, 0.16 * height, product, product.label)
    _brand(draw, 0.6 * height, product, (30, 30, 35))
    draw.rectangle((middle - half + 8, height * 0.74, middle + half - 8, height * 0.86), fill=product.drink)


def _column(draw: ImageDraw.ImageDraw, height: int, product: Product) -> None:
    middle = PRINT_WIDTH / 2
    draw.rectangle((middle - 26, 0, middle + 26, height), fill=product.accent)
    draw.rectangle((middle - 18, 0, middle + 18, height), fill=product.drink)
    _emblem(draw, 0.22 * height, 0.15 * height, product, product.label)
    _emblem(draw, 0.8 * height, 0.11 * height, product, product.label)
    _brand(draw, 0.52 * height, product)


def _chevron(draw: ImageDraw.ImageDraw, height: int, product: Product) -> None:
    for number, colour in enumerate((product.drink, product.accent)):
        top = height * (0.46 + 0.2 * number)
        rise, thick = height * 0.16, height * 0.13
        xs = np.linspace(0, PRINT_WIDTH, 7)
        ys = top + rise * (np.arange(7) % 2)
        upper, lower = zip(xs, ys, strict=True), zip(xs[::-1], (ys + thick)[::-1], strict=True)
        draw.polygon([(float(x), float(y)) for x, y in (*upper, *lower)], fill=colour)
    _brand(draw, 0.3 * height, product)
    _emblem(draw, 0.12 * height, 0.09 * height, product)


def _halves(draw: ImageDraw.ImageDraw, height: int, product: Product) -> None:
    draw.rectangle((0, height * 0.55, PRINT_WIDTH, height), fill=product.drink)
    draw.rectangle((0, height * 0.51, PRINT_WIDTH, height * 0.59), fill=product.accent)
    _brand(draw, 0.22 * height, product)
    _emblem(draw, 0.79 * height, 0.15 * height, product, product.label)


_LAYOUTS = {
    "band": _band,
    "sleeve": _sleeve,
    "stripes": _stripes,
    "panel": _panel,
    "column": _column,
    "chevron": _chevron,
    "halves": _halves,
}


def _brand(draw: ImageDraw.ImageDraw, y: float, product: Product, colour: Colour | None = None) -> None:
    """Write the brand in the middle of the label, as large as what can be seen of it."""
    fill = colour or ((20, 20, 24) if sum(product.label) > 420 else (250, 250, 250))
    draw.text(
        (PRINT_WIDTH / 2, y),
        product.brand,
        fill=fill,
        font=_font(round(190 / len(product.brand))),
        anchor="mm",
    )


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _emblem(
    draw: ImageDraw.ImageDraw, y: float, radius: float, product: Product, colour: Colour | None = None
) -> None:
    x, r, fill = PRINT_WIDTH / 2, radius, colour or product.accent
    match product.emblem:
        case "disc":
            draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)
        case "ring":
            draw.ellipse((x - r, y - r, x + r, y + r), outline=fill, width=max(4, round(r * 0.35)))
        case "diamond":
            draw.polygon(((x, y - r), (x + r, y), (x, y + r), (x - r, y)), fill=fill)
        case "drop":
            draw.ellipse((x - r * 0.7, y - r * 0.4, x + r * 0.7, y + r), fill=fill)
            draw.polygon(((x, y - r), (x + r * 0.65, y + r * 0.1), (x - r * 0.65, y + r * 0.1)), fill=fill)
        case "bars":
            for side in (-0.75, 0.0, 0.75):
                draw.rectangle((x + (side - 0.22) * r, y - r, x + (side + 0.22) * r, y + r), fill=fill)
        case "triangle":
            draw.polygon(((x, y - r), (x + r, y + r * 0.8), (x - r, y + r * 0.8)), fill=fill)
        case "cross":
            draw.rectangle((x - r, y - r * 0.3, x + r, y + r * 0.3), fill=fill)
            draw.rectangle((x - r * 0.3, y - r, x + r * 0.3, y + r), fill=fill)
