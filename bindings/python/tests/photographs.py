"""Photographs of a picture, as bad as people take them."""

import io
import random
from collections.abc import Callable
from functools import cache

from PIL import Image, ImageChops, ImageFilter, ImageOps

WHITE = 255


def turned(picture: Image.Image, degrees: float, around: int = WHITE) -> Image.Image:
    """Clockwise, with this grey around it."""
    return picture.rotate(-degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=around)


def blurred(picture: Image.Image, sigma: float) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(sigma))


def between(picture: Image.Image, black: int, white: int) -> Image.Image:
    """Black and white become these percentages."""
    return picture.point([round((black * 255 + (white - black) * grey) / 100) for grey in range(256)])


@cache
def noise(size: tuple[int, int], sigma: float) -> Image.Image:
    """The same each time."""
    chance = random.Random(1)
    grains = (round(chance.gauss(128, sigma)) for _ in range(size[0] * size[1]))
    return Image.frombytes("L", size, bytes(min(max(grain, 0), 255) for grain in grains))


def noisy(picture: Image.Image, sigma: float) -> Image.Image:
    return ImageChops.add(picture, noise(picture.size, sigma), offset=-128)


def smaller(picture: Image.Image, percent: int) -> Image.Image:
    size = (picture.width * percent // 100, picture.height * percent // 100)
    return picture.resize(size, Image.Resampling.LANCZOS)


def from_the_side(picture: Image.Image) -> Image.Image:
    """Three of the corners moved inwards."""
    width, height = picture.size
    # Where the corners come to lie, clockwise from the upper left one.
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = (40, 60), (width - 10, 0), (width, height), (0, height - 60)
    # The projection of the unit square onto them (Heckbert, Fundamentals of Texture Mapping, 2.2.3) ...
    x, y, determinant = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3, (x1 - x2) * (y3 - y2) - (x3 - x2) * (y1 - y2)
    g, h = (x * (y3 - y2) - (x3 - x2) * y) / determinant, ((x1 - x2) * y - x * (y1 - y2)) / determinant
    a, b, c = x1 - x0 + g * x1, x3 - x0 + h * x3, x0
    d, e, f = y1 - y0 + g * y1, y3 - y0 + h * y3, y0
    # ... and its inverse, for Pillow asks where each pixel comes from.
    across = [width * value for value in (e - f * h, c * h - b, b * f - c * e)]
    down = [height * value for value in (f * g - d, a - c * g, c * d - a * f)]
    scale = a * e - b * d
    back = [value / scale for value in (*across, *down, d * h - e * g, b * g - a * h)]
    return picture.transform(
        picture.size, Image.Transform.PERSPECTIVE, back, Image.Resampling.BICUBIC, fillcolor=WHITE
    )


def in_a_corner(picture: Image.Image) -> Image.Image:
    table = Image.new("L", (picture.width * 2, picture.height * 2), 127)
    table.paste(picture, picture.size)
    return table


def all_at_once(picture: Image.Image) -> Image.Image:
    return noisy(between(blurred(turned(picture, 8, around=179), 1), 25, 80), 3)


PHOTOGRAPHS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "turned by 3 degrees": lambda picture: turned(picture, 3),
    "turned by 30 degrees": lambda picture: turned(picture, 30),
    "turned by 45 degrees, grey table": lambda picture: turned(ImageOps.expand(picture, 20, WHITE), 45, around=102),
    "upside down": lambda picture: turned(picture, 180),
    "blurred": lambda picture: blurred(picture, 2.2),
    # A little more, and of some codes of five devices too little is left.
    "blurred more": lambda picture: blurred(picture, 2.5),
    "low contrast": lambda picture: between(picture, 35, 65),
    "very low contrast": lambda picture: between(picture, 46, 54),
    "dark": lambda picture: between(picture, 2, 22),
    "bright": lambda picture: between(picture, 70, 98),
    "noise": lambda picture: noisy(picture, 10),
    "small": lambda picture: smaller(picture, 40),
    "coarse JPEG": lambda picture: picture,
    "from the side": from_the_side,
    "in a corner of a picture": in_a_corner,
    "all at once": all_at_once,
}

QUALITIES = {"coarse JPEG": 12, "all at once": 50}


def photograph(picture: bytes, how: str) -> bytes:
    """A JPEG of the picture, taken this way."""
    with Image.open(io.BytesIO(picture)) as straight:
        taken = PHOTOGRAPHS[how](straight.convert("L"))
    jpeg = io.BytesIO()
    taken.save(jpeg, "JPEG", quality=QUALITIES.get(how, 92))
    return jpeg.getvalue()
