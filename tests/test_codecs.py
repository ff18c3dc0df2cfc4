"""Image formats through Pillow, and the report on the machine."""

import io

import pytest
import torch
from PIL import Image

from helpers import machine
from helpers.codecs import through_codec
from helpers.datasets import load
from helpers.files import CourseError

IMAGES = load("fashion")[1].images[:60]  # more than one row of the sheet


def test_png_gives_every_image_back_unchanged():
    size, back = through_codec(IMAGES, "PNG")
    torch.testing.assert_close(back, (IMAGES * 255).round() / 255, atol=1e-6, rtol=0)
    assert 100 < size < 784


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_more_quality_costs_more_bytes_and_leaves_less_error(kind):
    (small, rough), (large, fine) = (through_codec(IMAGES, kind, quality) for quality in (5, 80))
    assert small < large
    assert (rough - IMAGES).square().mean() > (fine - IMAGES).square().mean()


def test_a_shared_header_is_cheaper_than_one_for_each_image():
    buffer = io.BytesIO()
    Image.fromarray((IMAGES[0, 0] * 255).byte().numpy()).save(buffer, "JPEG", quality=5)
    assert through_codec(IMAGES, "JPEG", 5)[0] < buffer.tell() / 3


def test_an_unknown_format_is_refused():
    with pytest.raises(CourseError, match="'GIF' is not known; choose one of JPEG, WEBP, PNG"):
        through_codec(IMAGES, "GIF")


def test_this_machine_is_ready(capsys):
    machine.report()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("ok") for line in lines)


def test_an_old_python_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(machine, "OLDEST_PYTHON", (9, 0))
    assert machine.python_line().startswith("LOOK")
    assert "README.md" in machine.python_line()


def test_an_old_torch_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(machine, "OLDEST_TORCH", (9, 0))
    assert "pip install -r requirements.txt" in machine.torch_line()


def test_a_damaged_file_is_named(monkeypatch):
    def damaged(path):
        raise CourseError(f"{path.name} is damaged")

    monkeypatch.setattr(machine, "verify", damaged)
    assert machine.data_line().startswith("LOOK")
    assert "is damaged" in machine.data_line()
