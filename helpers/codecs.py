"""What ordinary image formats need for the same pictures, measured through Pillow."""

import io

import numpy as np
import torch
from PIL import Image

from helpers.files import CourseError
from helpers.plotting import as_pixels

FORMATS = ("JPEG", "WEBP", "PNG")
COLUMNS, CELL = 50, 32  # images lie on one sheet, each in a cell of 32 x 32: whole 8 x 8 blocks, no mixing


def through_codec(images, kind, quality=None):
    """(bytes per image, images as they come back, on the CPU) after saving (N, 1, 28, 28) in [0, 1] as one sheet.

    kind: 'JPEG', 'WEBP' or 'PNG' (lossless, no quality). One sheet, so that the file's header is paid only once.
    """
    if kind not in FORMATS:
        raise CourseError(f"format {kind!r} is not known; choose one of {', '.join(FORMATS)}")
    n = len(images)
    sheet = np.zeros((-(-n // COLUMNS) * CELL, COLUMNS * CELL), dtype=np.uint8)
    pixels = ((1 - as_pixels(images)) * 255).round().astype(np.uint8)
    corners = [((i // COLUMNS) * CELL, (i % COLUMNS) * CELL) for i in range(n)]
    for (top, left), picture in zip(corners, pixels, strict=True):
        sheet[top : top + 28, left : left + 28] = picture
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, kind, optimize=True, **({} if quality is None else {"quality": quality}))
    size = buffer.tell() / n
    back = np.asarray(Image.open(buffer).convert("L"))
    decoded = np.stack([back[top : top + 28, left : left + 28] for top, left in corners])
    return size, torch.from_numpy(decoded)[:, None].float() / 255
