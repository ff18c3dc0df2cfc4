"""What a judge notices: the Fréchet distance that it gives to images with a known fault."""

import torch
import torch.nn.functional as F

from helpers.datasets import generator
from helpers.metrics import frechet_distance

FLOOR = "nothing (floor)"


def blurred(images, border="constant"):
    """Images (N, C, H, W), each pixel averaged with its neighbours, weights 1 4 6 4 1 along each axis.

    border: what lies outside, "constant" (0) or "replicate" (the nearest pixel).
    """
    weights = torch.tensor([1.0, 4, 6, 4, 1])
    channels = images.shape[1]
    kernel = (torch.outer(weights, weights) / 256).expand(channels, 1, 5, 5)
    return F.conv2d(F.pad(images, [2] * 4, mode=border), kernel, groups=channels)


def moved(images, reach, dice, border="constant"):
    """Images (N, C, H, W), each moved by up to `reach` pixels down or up and right or left, as `dice` says.

    border: what moves in, as in `blurred`.
    """
    count, _, height, width = images.shape
    padded = F.pad(images, [reach] * 4, mode=border)
    down, right = torch.randint(0, 2 * reach + 1, (2, count, 1), generator=dice)
    rows, columns = down + torch.arange(height), right + torch.arange(width)
    return padded[torch.arange(count)[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def damages(images, labels, seed=0):
    """{damage: images (N, 1, 28, 28) in [0, 1]} of intact images in the order of the course's sets, classes in turn.

    N should be a multiple of 100 here, and half of it can be replaced by the images of one class, repeated.
    """
    dice = generator(seed)
    odd = (torch.arange(len(images)) % 2 == 1)[:, None, None, None]
    trousers = images[labels == 1].repeat(10, 1, 1, 1)
    others = images[labels != 9]
    hole = 1 - F.pad(torch.ones(1, 1, 6, 6), [11, 11, 11, 11])
    partner = images.roll(10, dims=0)  # another image of the same class
    return {
        FLOOR: images,
        "fine grain (0.05)": (images + 0.05 * torch.randn(images.shape, generator=dice)).clamp(0, 1),
        "grain (0.1)": (images + 0.1 * torch.randn(images.shape, generator=dice)).clamp(0, 1),
        "blur": blurred(images),
        "half of them blurred": torch.where(odd, blurred(images), images),
        "shift by 2 pixels": F.pad(images, [2, 0])[..., :28],
        "mirrored": images.flip(3),
        "darker by a fifth": 0.8 * images,
        "a hole of 6 x 6 pixels": images * hole,
        "two left and right halves": torch.cat([images[..., :14], partner[..., 14:]], dim=3),
        "one class missing": torch.cat([others, others])[: len(images)],
        "half of them trousers": torch.where(odd, trousers, images),
        "a tenth, ten times each": images[: len(images) // 10].repeat(10, 1, 1, 1),
    }


def noticed(judge, test):
    """{damage: Fréchet distance} of the first half of `test`, damaged, from the second half, intact."""
    half = len(test) // 2
    intact = judge.features(test.images[half:])
    damaged = damages(test.images[:half], test.labels[:half])
    return {name: frechet_distance(judge.features(images), intact) for name, images in damaged.items()}


def print_table(columns):
    """Print {judge: {damage: distance}}: the distance, and how many times the floor it is."""
    print(f"{'damage':26}" + "".join(f"{name:>20}" for name in columns))
    for damage in next(iter(columns.values())):
        cells = (f"{d[damage]:10.2f} {f'x {d[damage] / d[FLOOR]:.1f}':>9}" for d in columns.values())
        print(f"{damage:26}" + "".join(cells))
