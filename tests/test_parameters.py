"""Every lesson with other parameters than its own: one step of training, with digits where it can do with them, and
with somebody's own pictures where lesson 00 says so. Claims may fail there, and are then named; cells may not. Later
lessons find what earlier ones trained, as at home.
"""

import numpy as np
import pytest
from PIL import Image

from tools import notebooks

ANY_PICTURES = (
    "autoencoder", "denoising", "variational", "gan", "gan_training", "forward_diffusion", "reverse_diffusion",
    "flow_matching", "latent_diffusion",
)  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One folder where all lessons leave their weights."""
    return tmp_path_factory.mktemp("results")


@pytest.mark.slow
@pytest.mark.parametrize("path", notebooks.lessons(), ids=lambda path: path.stem)
def test_a_lesson_runs_with_other_parameters(path, results):
    digits = notebooks.suits(notebooks.read(path), "digits")
    assert_runs(path, results, "digits" if digits else None)


def assert_runs(path, results, dataset):
    """No cell fails, and none warns, after one step of training."""
    notebook = notebooks.fresh(path, dataset=dataset, steps=1)
    notebooks.execute(notebook, path.parent, results=results, allow_errors=True)
    assert notebooks.failures(notebook) == []
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder with two classes of pictures, 400 in all, in colour."""
    folder, dice = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for i in range(400):
        noise = Image.fromarray(dice.integers(0, 256, (6, 6, 3), dtype=np.uint8)).resize(
            (80, 70), Image.Resampling.BICUBIC
        )
        place = folder / ("calm" if i % 2 else "wild")
        place.mkdir(exist_ok=True)
        noise.save(place / f"{i}.png")
    return str(folder)


@pytest.mark.slow
@pytest.mark.parametrize("topic", ANY_PICTURES)
def test_a_lesson_runs_with_somebodys_own_pictures(topic, results, pictures):
    (path,) = notebooks.lessons(topic)
    assert_runs(path, results, pictures)
