"""Figures of planes: codes with their classes, thumbnails on the map, densities, arrows."""

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.colors import ListedColormap, to_rgb
from PIL import Image, ImageDraw

from helpers.files import CourseError
from helpers.plotting import COLOURS, as_pixels, in_colour, new_axes

# From orange (0) over white to purple (1), both pale enough for black points and grey ones on top of them.
VERDICT = ListedColormap(mpl.colormaps["PuOr"](np.linspace(0.28, 0.72, 256)), "verdict")


def plane(codes):
    """Codes as a tensor (N, 2) on the CPU, without gradients; other shapes are refused."""
    if codes.ndim != 2 or codes.shape[1] != 2:
        raise CourseError(f"codes have shape {tuple(codes.shape)}; a map needs (N, 2)")
    return codes.detach().cpu()


def show_codes(codes, labels, classes, title="", ax=None):
    """Codes (N, 2) as points coloured by class, in ten colours again and again; each class is named at its middle."""
    ax = new_axes(6, 4.6) if ax is None else ax
    codes, labels = plane(codes), labels.cpu()
    present = [k for k in range(len(classes)) if (labels == k).any()]
    for k in present:
        ax.scatter(*codes[labels == k].T, s=4, color=COLOURS[k % 10], alpha=0.5, linewidths=0)
    middles = torch.stack([codes[labels == k].median(dim=0).values for k in present])
    room = np.ptp(codes.numpy(), axis=0) * (0.16, 0.055)  # what one name takes, as a share of the map
    for k, place in zip(present, spread_out(middles.numpy(), room), strict=True):
        box = {"facecolor": "white", "edgecolor": COLOURS[k % 10], "boxstyle": "round,pad=0.2", "alpha": 0.85}
        ax.annotate(classes[k], place, ha="center", va="center", fontsize=8, bbox=box)
    ax.set(xlabel="$z_1$", ylabel="$z_2$", title=title)
    return ax


def spread_out(places, room):
    """Places (K, 2) moved up or down, as little as needed, until no two share a box of the size `room` (2,)."""
    places = np.array(places, dtype=float)
    for _ in range(200):
        for i in range(len(places)):
            for j in range(i):
                apart = places[i] - places[j]
                if (np.abs(apart) < room).all():
                    push = (room[1] - abs(apart[1])) / 2 * (1 if apart[1] >= 0 else -1)
                    places[i, 1] += push
                    places[j, 1] -= push
    return places


def show_thumbnails(codes, images, title="", spacing=0.048, low=0.0, high=1.0, ax=None):
    """Images (N, C, H, W) drawn at their codes (N, 2), as many as fit without overlap, and square on the page.

    spacing: the height of an image, as a part of the map's.
    """
    ax = new_axes(6, 4.6) if ax is None else ax
    codes, pixels = plane(codes).numpy(), as_pixels(images, low, high)
    lowest, extent = codes.min(axis=0), np.ptp(codes, axis=0)
    extent = np.where(extent > 0, extent, 1)  # codes on a line
    spacing = spacing * np.array([ax.bbox.height / ax.bbox.width, 1])
    half = spacing * extent / 2
    taken = set()
    for code, picture in zip(codes, pixels, strict=True):
        cell = tuple(((code - lowest) / extent / spacing).astype(int))
        if cell in taken:
            continue
        taken.add(cell)
        x, y = lowest + (np.array(cell) + 0.5) * spacing * extent
        box = (x - half[0], x + half[0], y - half[1], y + half[1])
        ax.imshow(picture, cmap="gray", vmin=0, vmax=1, extent=box, aspect="auto", interpolation="bilinear")
    margin = spacing * extent
    ax.set_xlim(lowest[0] - margin[0], lowest[0] + extent[0] + margin[0])
    ax.set_ylim(lowest[1] - margin[1], lowest[1] + extent[1] + margin[1])
    ax.set(xlabel="$z_1$", ylabel="$z_2$", title=title)
    return ax


def grid_points(box, count):
    """The middles (count^2, 2) of count * count cells that fill `box` = (x_min, x_max, y_min, y_max), from below."""
    middles = (torch.arange(count) + 0.5) / count
    x, y = box[0] + middles * (box[1] - box[0]), box[2] + middles * (box[3] - box[2])
    return torch.cartesian_prod(y, x).flip(1)


def show_density(log_prob, box, title="", count=160, ax=None):
    """A 2-D density as a map, brighter where it is higher; log_prob takes points (N, 2) and returns (N,)."""
    ax = new_axes(4.6, 4) if ax is None else ax
    density = log_prob(grid_points(box, count)).exp().detach().cpu().reshape(count, count).numpy()
    ax.imshow(density, extent=box, origin="lower", cmap="viridis", aspect="auto")
    ax.set(xlabel="$x_1$", ylabel="$x_2$", title=title)
    return ax


def show_arrows(field, box, title="", count=16, color="0.25", scale=None, ax=None):
    """A 2-D vector field as arrows; field takes points (N, 2) and returns (N, 2).

    scale: how long an arrow is that would reach across the map; if it is None, the arrows' mean length decides.
    """
    ax = new_axes(4.6, 4) if ax is None else ax
    points = grid_points(box, count)
    ax.quiver(*points.T, *field(points).detach().cpu().T, color=color, width=0.004, scale=scale)
    ax.set(xlabel="$x_1$", ylabel="$x_2$", title=title)
    return ax


def mark(sheet, box, point):
    """An array that fills `box` = (x_min, x_max, y_min, y_max), as (H, W, 3) with an orange dot at `point`."""
    height, width = sheet.shape[:2]
    x = (float(point[0]) - box[0]) / (box[1] - box[0]) * width
    y = (box[3] - float(point[1])) / (box[3] - box[2]) * height
    down, right = np.ogrid[:height, :width]
    dot = (down - y) ** 2 + (right - x) ** 2 <= (height / 50) ** 2
    return np.where(dot[..., None], to_rgb("#D55E00"), in_colour(sheet))


def beside(left, right, gap=12):
    """Two arrays, (H, W) or (H, W, 3), side by side on white; the right one is enlarged to the left one's height."""
    left, right = in_colour(left), in_colour(right)
    zoom = max(1, left.shape[0] // right.shape[0])
    right = right.repeat(zoom, axis=0).repeat(zoom, axis=1)
    page = np.ones((max(left.shape[0], right.shape[0]), left.shape[1] + gap + right.shape[1], 3))
    page[: left.shape[0], : left.shape[1]] = left
    page[: right.shape[0], left.shape[1] + gap :] = right
    return page


def board(heat, box, points, arrows=None, size=360):
    """A game board, drawn fast: an array (size, size, 3).

    heat: (rows, columns) from 0 (orange) to 1 (purple), from below, filling `box` = (x_min, x_max, y_min, y_max).
    points: {colour: (N, 2)}. arrows: their starts and ends, both (N, 2), or None.
    """
    heat = VERDICT(torch.as_tensor(heat).detach().cpu().numpy()[::-1], bytes=True)
    page = Image.fromarray(heat[..., :3]).resize((2 * size, 2 * size), Image.Resampling.BICUBIC)
    pen, scale = ImageDraw.Draw(page), 2 * size / np.array([box[1] - box[0], box[2] - box[3]])

    def pixels(places):
        return ((plane(places).numpy() - [box[0], box[3]]) * scale).tolist()

    for start, end in zip(*map(pixels, arrows), strict=True) if arrows else ():
        pen.line([*start, *end], fill="#333333", width=3)
    for colour, places in points.items():
        for x, y in pixels(places):
            pen.ellipse([x - 5, y - 5, x + 5, y + 5], fill=colour)
    return np.asarray(page.resize((size, size), Image.Resampling.BOX)) / 255
