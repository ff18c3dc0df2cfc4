"""What ordinary image formats need for the same pictures, measured through Pillow."""

import io

import numpy as np
from PIL import Image

from helpers.datasets import as_images, as_uint8
from helpers.files import CourseError

FORMATS = ("JPEG", "WebP", "PNG")
COLUMNS, BLOCK = 50, 16  # images lie on one sheet, each in a cell of whole blocks of 16 x 16: no mixing


def through_codec(images, kind, quality=None):
    """(bytes per image, images as they come back, on the CPU) after saving (N, C, H, W) in [0, 1] as one sheet.

    kind: 'JPEG', 'WebP' or 'PNG' (lossless, no quality). One sheet, so that the file's header is paid only once.
    """
    if kind not in FORMATS:
        raise CourseError(f"format {kind!r} is not known; choose one of {', '.join(FORMATS)}")
    n = len(images)
    pixels = as_uint8(images.clamp(0, 1))
    high, wide = (-(-size // BLOCK) * BLOCK for size in pixels.shape[1:3])  # of a cell
    sheet = np.zeros((-(-n // COLUMNS) * high, COLUMNS * wide, *pixels.shape[3:]), dtype=np.uint8)
    places = [
        (slice(top, top + pixels.shape[1]), slice(left, left + pixels.shape[2]))
        for top, left in ((i // COLUMNS * high, i % COLUMNS * wide) for i in range(n))
    ]
    for place, picture in zip(places, pixels, strict=True):
        sheet[place] = picture
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, kind, optimize=True, **({} if quality is None else {"quality": quality}))
    size = buffer.tell() / n
    back = np.asarray(Image.open(buffer).convert("L" if sheet.ndim == 2 else "RGB"))
    return size, as_images(np.stack([back[place] for place in places]))
