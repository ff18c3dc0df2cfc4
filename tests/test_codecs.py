"""Image formats through Pillow."""

import io

import pytest
import torch
from PIL import Image
from second_device import AVAILABLE, second_device

from helpers.codecs import through_codec
from helpers.datasets import load
from helpers.files import CourseError

IMAGES = load("fashion")[1].images[:60]  # more than one row of the sheet


def test_png_gives_every_image_back_unchanged():
    size, back = through_codec(IMAGES, "PNG")
    torch.testing.assert_close(back, (IMAGES * 255).round() / 255, atol=1e-6, rtol=0)
    assert 100 < size < 784


@pytest.mark.parametrize("shape", [(3, 64, 64), (3, 20, 28), (1, 8, 70)])
def test_colour_and_other_sizes_come_back(shape):
    images = torch.rand(53, *shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(through_codec(images, "PNG")[1], (images * 255).round() / 255, atol=1e-6, rtol=0)
    assert through_codec(images, "JPEG", 80)[1].shape == images.shape


@pytest.mark.parametrize("kind", ["JPEG", "WebP"])
def test_more_quality_costs_more_bytes_and_leaves_less_error(kind):
    (small, rough), (large, fine) = (through_codec(IMAGES, kind, quality) for quality in (5, 80))
    assert small < large
    assert (rough - IMAGES).square().mean() > (fine - IMAGES).square().mean()


def test_a_shared_header_is_cheaper_than_one_for_each_image():
    buffer = io.BytesIO()
    Image.fromarray((IMAGES[0, 0] * 255).byte().numpy()).save(buffer, "JPEG", quality=5)
    assert through_codec(IMAGES, "JPEG", 5)[0] < buffer.tell() / 3


@pytest.mark.skipif(not AVAILABLE, reason="this torch has no devices defined in Python")
def test_images_of_another_device_come_back_on_the_cpu():
    with second_device() as device:
        _, back = through_codec(IMAGES.to(device), "PNG")
    assert torch.equal(back, through_codec(IMAGES, "PNG")[1])


def test_an_unknown_format_is_refused():
    with pytest.raises(CourseError, match="'GIF' is not known; choose one of JPEG, WebP, PNG"):
        through_codec(IMAGES, "GIF")
