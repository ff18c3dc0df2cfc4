"""What the faces of `load("faces")` consist of: their attributes, and the words for each value.

The pictures are drawn from these values by `python -m tools.faces`, so every attribute of every face is known exactly.
"""

import numpy as np
import torch

ATTRIBUTES = {  # attribute -> the word for each of its values, 0, 1, ...
    "hair": ("short hair", "quiff", "mohawk", "afro", "curls", "long hair", "bob", "pigtails", "bun", "beanie"),
    "hair_color": ("black", "brown", "blond", "white", "red", "pink", "blue", "green"),
    "shirt": ("plain", "checked", "wrap"),
    "shirt_color": ("red", "orange", "yellow", "green", "blue", "purple", "pink", "black"),
    "skin": ("light", "tan", "brown", "dark"),
    "eyes": ("open", "closed", "wink", "happy", "glasses", "sunglasses"),
    "mouth": ("smile", "laugh", "frown", "surprise", "lips", "pacifier"),
    "nose": ("medium", "small", "wrinkled"),
    "beard": ("none", "moustache", "goatee", "full beard"),
    "background": ("blue", "yellow", "green", "lilac"),
}
SUBTLE = ("nose",)  # attributes that the eye can hardly read at 64 x 64 pixels
HELD_OUT = (("red", "green"), ("green", "pink"), ("pink", "blue"), ("blue", "red"))  # (hair, shirt) colours, test only
AT_ONCE = 1000  # faces that are put together at a time: little memory beside what they fill


def put_together(tiles, where):
    """float32 (N, 3, 64, 64) in [0, 1] of faces kept as a mosaic: tiles (K, 8, 8, 3) uint8, which of them (8, 8, N)."""
    places, count, size = where.shape[0], where.shape[2], tiles.shape[1]
    faces = torch.from_numpy(where.astype(np.int64))
    images = torch.empty(count, 3, places * size, places * size)
    for part, chosen in zip(images.split(AT_ONCE), faces.split(AT_ONCE, 2), strict=True):
        pixels = torch.from_numpy(tiles)[chosen]  # (8, 8, n, 8, 8, 3): place, face, pixel, colour
        part.view(len(part), 3, places, size, places, size).copy_(pixels.permute(2, 5, 0, 3, 1, 4)).div_(255)
    return images


def unpacked(arrays, split):
    """(Images float32 (N, 3, 64, 64) in [0, 1], {attribute: int64 (N,)}) of the arrays in data/faces.npz."""
    columns = torch.from_numpy(arrays[f"{split}_attributes"]).long().unbind(dim=1)
    images = put_together(arrays["tiles"], arrays[f"{split}_tiles"])
    return images, dict(zip(ATTRIBUTES, columns, strict=True))
