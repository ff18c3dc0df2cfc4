"""The faces: what they are, what each attribute does to the pixels, how they are drawn, and who reads them."""

import itertools
import json
import re
import shutil
import time

import numpy as np
import pytest
import torch

from helpers import datasets, faces, files
from helpers.datasets import load
from helpers.faces import ATTRIBUTES, HELD_OUT, SUBTLE
from tools import faces as tool

SPLITS = [("train", 9_000), ("test", 1_000)]
PAIR = ("hair_color", "shirt_color")


@pytest.fixture(scope="module")
def both():
    """{split: `Images`} of the faces."""
    return dict(zip(("train", "test"), load("faces"), strict=True))


def table(data, *names):
    """How often the values of two attributes meet, (values of the first, values of the second)."""
    first, second = (data.attributes[name] for name in names)
    k, m = (len(data.words[name]) for name in names)
    return (first * m + second).bincount(minlength=k * m).view(k, m)


def as_numbers(pair):
    """A pair of words (hair colour, shirt colour) as the numbers of the two values."""
    return tuple(ATTRIBUTES[name].index(word) for name, word in zip(PAIR, pair, strict=True))


# What the file holds


@pytest.mark.parametrize(("split", "size"), SPLITS)
def test_faces_have_the_promised_shape_type_and_range(both, split, size):
    data = both[split]
    assert data.images.shape == (size, 3, 64, 64)
    assert data.images.dtype == torch.float32
    assert data.images.is_contiguous()
    assert 0 <= data.images.min() < 0.1 < 0.9 < data.images.max() <= 1
    assert (data.images * 255).sub_((data.images * 255).round()).abs().max() < 1e-4  # 256 steps and nothing else
    assert data.words == ATTRIBUTES
    assert list(data.attributes) == list(ATTRIBUTES)
    assert all(values.shape == (size,) and values.dtype == torch.int64 for values in data.attributes.values())


def test_their_class_is_the_hair_style_and_every_prefix_of_10_k_holds_k_of_each(both):
    for data in both.values():
        assert data.classes == ATTRIBUTES["hair"]
        assert torch.equal(data.labels, data.attributes["hair"])
        assert torch.equal(data.labels, torch.arange(len(data)) % 10)


@pytest.mark.parametrize("name", [name for name in ATTRIBUTES if name not in (*PAIR, "beard")])
@pytest.mark.parametrize("split", ["train", "test"])
def test_every_value_is_as_frequent_as_the_others(both, split, name):
    counts = both[split].attributes[name].bincount(minlength=len(ATTRIBUTES[name]))
    assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize(("split", "size"), SPLITS)
def test_half_of_the_faces_have_no_beard_and_the_beards_share_the_rest(both, split, size):
    none, *beards = both[split].attributes["beard"].bincount().tolist()
    assert abs(none - size / 2) <= 1
    assert max(beards) - min(beards) <= 1


def test_pairs_of_colours_are_equally_frequent_and_the_held_out_ones_are_in_the_test_faces_alone(both):
    train, test = (table(both[split], *PAIR) for split in ("train", "test"))
    held_out = torch.zeros_like(train, dtype=torch.bool)
    for pair in HELD_OUT:
        held_out[as_numbers(pair)] = True
    assert train[held_out].tolist() == [0] * 4
    assert test[held_out].tolist() == [25] * 4
    assert set(train[~held_out].tolist()) == {150}
    assert set(test[~held_out].tolist()) == {15}


def test_a_held_out_pair_the_other_way_round_is_seen_and_so_are_both_its_colours(both):
    train = table(both["train"], *PAIR)
    for hair, shirt in HELD_OUT:
        assert train[as_numbers((shirt, hair))] == 150
    assert sorted(hair for hair, _ in HELD_OUT) == sorted(shirt for _, shirt in HELD_OUT)
    assert train.sum(dim=0).min() == train.sum(dim=1).min() == 7 * 150


@pytest.mark.parametrize("names", [names for names in itertools.combinations(ATTRIBUTES, 2) if names != PAIR])
def test_attributes_are_independent(both, names):
    observed = table(both["train"], *names).double()
    expected = torch.outer(observed.sum(dim=1), observed.sum(dim=0)) / observed.sum()
    chi_squared = ((observed - expected).square() / expected).sum().item()
    freedom = (observed.shape[0] - 1) * (observed.shape[1] - 1)
    assert chi_squared < freedom + 4 * (2 * freedom) ** 0.5 + 8  # chance goes beyond once in more than 10,000 tables


def test_no_two_faces_look_the_same(both):
    told = [name for name in ATTRIBUTES if name not in (*SUBTLE, "background")]
    looks = torch.cat([torch.stack([data.attributes[name] for name in told], dim=1) for data in both.values()])
    assert len(looks.unique(dim=0)) == 10_000
    assert len({image.numpy().tobytes() for data in both.values() for image in data.images}) == 10_000


def test_words_are_plain_and_mean_one_value_each():
    for words in ATTRIBUTES.values():
        assert len(set(words)) == len(words)
        assert all(re.fullmatch("[a-z]+( [a-z]+)*|T-shirt", word) for word in words)
    assert set(SUBTLE) < set(ATTRIBUTES)


# What the attributes do to the pixels


def colour(name, word):
    """The colour (3,) in [0, 1] that a value is drawn with."""
    return torch.tensor([int(tool.VALUES[name][word][i : i + 2], 16) / 255 for i in (0, 2, 4)])


def shows(data, chosen, name, place):
    """Whether all chosen faces have exactly the colour that the attribute `name` says, at a pixel (row, column)."""
    colours = torch.stack([colour(name, word) for word in ATTRIBUTES[name]])
    seen = data.images[:, :, *place][chosen]
    assert len(seen) > 50
    return torch.allclose(seen, colours[data.attributes[name][chosen]], atol=1e-4)


def test_every_background_shirt_skin_and_mohawk_has_the_colour_that_its_attribute_says(both):
    for data in both.values():
        plain, mohawk = data.attributes["shirt"] == 0, data.labels == ATTRIBUTES["hair"].index("mohawk")
        everywhere = torch.ones(len(data), dtype=torch.bool)
        assert shows(data, everywhere, "background", (0, 0))
        assert shows(data, everywhere, "background", (0, 63))
        assert shows(data, plain, "shirt_color", (63, 22))
        assert shows(data, mohawk, "skin", (34, 11))  # an ear
        assert shows(data, mohawk, "hair_color", (12, 32))


# The file and the loader


def test_the_file_is_small_enough_for_a_repository():
    assert (files.DATA / "faces.npz").stat().st_size < 6e6


def test_loading_takes_less_than_1_5_seconds_of_a_processor():
    def seconds():
        start = time.process_time()
        load("faces")
        return time.process_time() - start

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        assert min(seconds() for _ in range(3)) < 1.5
    finally:
        torch.set_num_threads(threads)


def test_a_damaged_file_is_a_sentence(tmp_path, monkeypatch, refuses):
    content = bytearray((files.DATA / "faces.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "faces.npz").write_bytes(content)
    shutil.copy(files.CHECKSUMS, tmp_path)
    monkeypatch.setattr(files, "DATA", tmp_path)
    monkeypatch.setattr(files, "CHECKSUMS", tmp_path / "SHA256SUMS")
    monkeypatch.setattr(datasets, "DATA", tmp_path)
    with refuses("data/faces.npz is damaged", files.restoring(tmp_path / "faces.npz")):
        load("faces")


# tools/faces.py, which made them


def some_pictures(n=7):
    """n pictures of noise, uint8 (n, 64, 64, 3), the last like the first."""
    pictures = np.random.default_rng(0).integers(0, 256, (n, 64, 64, 3), dtype=np.uint8)
    pictures[-1] = pictures[0]
    return pictures


def test_a_mosaic_gives_back_the_pictures(monkeypatch):
    monkeypatch.setattr(faces, "AT_ONCE", 3)
    pictures = some_pictures()
    tiles, where = tool.as_tiles(pictures)
    assert tiles.shape == (6 * 64, 8, 8, 3)
    assert where.shape == (8, 8, 7)
    assert where[0, 0].tolist() == [0, 1, 2, 3, 4, 5, 0]  # numbered by where they lie first
    images = faces.put_together(tiles, where)
    assert torch.equal((images * 255).round().byte().permute(0, 2, 3, 1), torch.from_numpy(pictures))


def test_the_file_holds_the_faces_that_the_tool_chooses(both):
    for split, chosen in tool.choose_all().items():
        columns = {name: [face[name] for face in chosen] for name in ATTRIBUTES}
        assert columns == {name: values.tolist() for name, values in both[split].attributes.items()}


def test_faces_that_look_the_same_change_eyes_with_later_ones():
    rng = tool.random.Random(0)
    some = [{"hair": 0, "eyes": i // 8, "nose": i} for i in range(16)]  # eight look the same, and eight again
    others = [{"hair": 1, "eyes": i, "nose": 0} for i in range(100)]
    seen = set()
    made = [dict(face) for face in some[:1] + some[8:9] + others]
    tool.make_distinct(made, seen, rng)
    assert made == some[:1] + some[8:9] + others  # nothing to change
    twice = [{"hair": 0, "eyes": 5, "nose": 1}, {"hair": 0, "eyes": 5, "nose": 2}, {"hair": 2, "eyes": 6, "nose": 0}]
    tool.make_distinct(twice, seen, rng)
    assert [face["eyes"] for face in twice] == [5, 6, 5]
    assert len(seen) == 105


def test_every_value_has_one_way_to_be_drawn():
    assert {name: tuple(words) for name, words in tool.VALUES.items()} == ATTRIBUTES
    assert tool.OPTIONS.keys() == ATTRIBUTES.keys()
    for words in tool.VALUES.values():
        assert len(set(words.values())) == len(words)


def test_the_packages_are_pinned_with_their_checksums_and_without_a_host():
    wanted = json.loads((tool.DRAWING / "package.json").read_text(encoding="utf-8"))["dependencies"]
    locked = json.loads((tool.DRAWING / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert locked.pop("")["dependencies"] == wanted
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert {f"node_modules/{name}": version for name, version in wanted.items()}.items() <= {
        name: package["version"] for name, package in locked.items()
    }.items()
    assert all(package["integrity"].startswith("sha512-") for package in locked.values())
    assert not any("resolved" in package for package in locked.values())


def test_the_command_writes_what_was_drawn(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tool, "SIZES", {"train": 120, "test": 60})
    monkeypatch.setattr(tool, "draw", lambda chosen: some_pictures(len(chosen)))
    tool.main(["--into", str(tmp_path)])
    digest, name = capsys.readouterr().out.split()
    assert (digest, name) == (files.sha256(tmp_path / "faces.npz"), "faces.npz")
    with np.load(tmp_path / "faces.npz", allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    train, test = (datasets.labelled_by_hair(arrays, split) for split in ("train", "test"))
    both = torch.cat([train.images, test.images])
    assert torch.equal((both * 255).round().byte().permute(0, 2, 3, 1), torch.from_numpy(some_pictures(180)))
    assert train.attributes["eyes"].tolist() == [face["eyes"] for face in tool.choose_all()["train"]]


def test_without_node_the_command_says_what_to_install(monkeypatch, refuses):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with refuses("npm is not here", "install Node.js"):
        tool.draw([])


def test_drawing_some_faces_again_gives_the_same_pixels(both):
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Node.js is not here")
    chosen = tool.choose_all()
    some = {"train": [*range(20), 8_999], "test": [0, 999]}
    try:
        drawn = tool.draw([chosen[split][i] for split, numbers in some.items() for i in numbers])
    except files.CourseError as error:
        if "npm ci" in str(error) and "EINTEGRITY" not in str(error):
            pytest.skip("npm cannot fetch the packages here")
        raise
    shipped = torch.cat([both[split].images[numbers] for split, numbers in some.items()])
    assert torch.equal(torch.from_numpy(drawn), (shipped * 255).round().byte().permute(0, 2, 3, 1))


def test_an_error_while_drawing_is_told(tmp_path, monkeypatch):
    if not shutil.which("node"):
        pytest.skip("Node.js is not here")
    with pytest.raises(files.CourseError, match="this is why"):
        tool.call("node", "-e", "throw new Error('this is why')", cwd=tmp_path)
