"""Figures of planes: codes with their classes, thumbnails on the map, densities, arrows."""

import numpy as np
import torch

from helpers.plotting import COLOURS, as_pixels, new_axes


def show_codes(codes, labels, classes, title="", ax=None):
    """Codes (N, 2) as points coloured by class; each class is named at its middle."""
    ax = new_axes(6, 4.6) if ax is None else ax
    codes, labels = codes.detach().cpu(), labels.cpu()
    for k in range(len(classes)):
        ax.scatter(*codes[labels == k].T, s=4, color=COLOURS[k], alpha=0.5, linewidths=0)
    for k, name in enumerate(classes):
        middle = codes[labels == k].median(dim=0).values
        box = {"facecolor": "white", "edgecolor": COLOURS[k], "boxstyle": "round,pad=0.2", "alpha": 0.85}
        ax.annotate(name, middle.tolist(), ha="center", va="center", fontsize=8, bbox=box)
    ax.set(xlabel="$z_1$", ylabel="$z_2$", title=title)
    return ax


def show_thumbnails(codes, images, title="", spacing=0.045, low=0.0, high=1.0, ax=None):
    """Images (N, 1, H, W) drawn at their codes (N, 2), as many as fit without overlap."""
    ax = new_axes(6, 4.6) if ax is None else ax
    codes, pixels = codes.detach().cpu().numpy(), as_pixels(images, low, high)
    lowest, extent = codes.min(axis=0), np.ptp(codes, axis=0)
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
    """count * count points (count^2, 2) that fill `box` = (x_min, x_max, y_min, y_max), row by row from below."""
    x, y = torch.linspace(box[0], box[1], count), torch.linspace(box[2], box[3], count)
    return torch.cartesian_prod(y, x).flip(1)


def show_density(log_prob, box, title="", count=160, ax=None):
    """A 2-D density as a map, brighter where it is higher; log_prob takes points (N, 2) and returns (N,)."""
    ax = new_axes(4.6, 4) if ax is None else ax
    density = log_prob(grid_points(box, count)).exp().detach().cpu().reshape(count, count)
    ax.imshow(density, extent=box, origin="lower", cmap="viridis", aspect="auto")
    ax.set(xlabel="$x_1$", ylabel="$x_2$", title=title)
    return ax


def show_arrows(field, box, title="", count=16, ax=None):
    """A 2-D vector field as arrows; field takes points (N, 2) and returns (N, 2)."""
    ax = new_axes(4.6, 4) if ax is None else ax
    points = grid_points(box, count)
    ax.quiver(*points.T, *field(points).detach().cpu().T, color="0.25", width=0.004)
    ax.set(xlabel="$x_1$", ylabel="$x_2$", title=title)
    return ax
