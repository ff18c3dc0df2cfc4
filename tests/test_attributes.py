"""The judge of the faces: what it reads, in perfect pictures and in others, what it notices, how it is trained."""

import dataclasses
import os

import pytest
import torch
import torch.nn.functional as F

from helpers.attributes import AttributeJudge
from helpers.datasets import Images, load
from helpers.faces import ATTRIBUTES, SUBTLE
from helpers.files import CourseError
from helpers.judge import load_judge
from helpers.metrics import accuracy, frechet_distance
from tools import attributes as tool
from tools import damages

WORDS = {"kind": ("dark", "bright"), "colour": ("red", "green", "blue")}


@pytest.fixture(scope="module")
def shipped():
    """(Judge, training faces, test faces)."""
    train, test = load("faces")
    return load_judge(train), train, test


@pytest.fixture
def judge():
    """An untrained judge of two attributes, in images of 16 x 24."""
    torch.manual_seed(0)
    return AttributeJudge(WORDS, shape=(3, 16, 24)).eval()


def flags(n=240):
    """n images (3, 16, 24) of one colour each, dark or bright."""
    kind, hue = torch.arange(n) % 2, torch.arange(n) % 3
    pure = F.one_hot(hue, 3).float() * (0.4 + 0.5 * kind)[:, None]
    images = pure[:, :, None, None].expand(n, 3, 16, 24).contiguous()
    return Images("flags", images, kind, WORDS["kind"], {"kind": kind, "colour": hue}, WORDS)


# The shipped judge


def test_the_shipped_judge_reads_every_attribute(shipped):
    judge, _, test = shipped
    right = judge.right(test.images, test.attributes)
    assert list(right) == list(ATTRIBUTES)
    shares = {name: said.float().mean().item() for name, said in right.items()}
    assert {name: share for name, share in shares.items() if share < (0.9 if name in SUBTLE else 0.995)} == {}


@pytest.mark.parametrize("how", ["blurred", "grainy", "moved"])
def test_it_reads_what_an_eye_reads_in_imperfect_pictures(shipped, how):
    judge, _, test = shipped
    images, dice = test.images, torch.Generator().manual_seed(0)
    changed = {
        "blurred": lambda: damages.blurred(images, "replicate"),
        "grainy": lambda: (images + 0.1 * torch.randn(images.shape, generator=dice)).clamp(0, 1),
        "moved": lambda: F.pad(images, [2, 0, 0, 2], mode="replicate")[..., 2:, :-2],
    }[how]()
    right = judge.right(changed, {name: test.attributes[name] for name in ATTRIBUTES if name not in SUBTLE})
    assert min(said.float().mean().item() for said in right.values()) > 0.97


def test_its_features_have_the_promised_shape_and_variance(shipped):
    judge, train, _ = shipped
    features = judge.features(train.images)
    assert features.shape == (9_000, 64)
    assert features.var(dim=0).mean() == pytest.approx(1, rel=1e-3)


def test_it_counts_the_hair_styles(shipped):
    judge, _, test = shipped
    assert judge.class_frequencies(test.images) == pytest.approx(torch.full((10,), 0.1), abs=0.01)
    assert accuracy(judge, test) > 0.99


def test_its_distances_notice_what_is_wrong(shipped):
    judge, _, test = shipped
    half, intact = test.images[:500], judge.features(test.images[500:])
    floor = frechet_distance(judge.features(half), intact)
    blind = half.clone()
    blind[:, :, 28:36] = half[:, :, 36:37]  # their eyes are gone
    soft = damages.blurred(half, "replicate")
    for wrong, times in [  # how many times the floor it is at least; about two thirds of what it was
        (soft, 1.6),
        (damages.blurred(soft, "replicate"), 3.6),
        (blind, 2.7),
        (half.flip(3), 1.3),
        (torch.cat([half[..., :32], half.roll(10, 0)[..., 32:]], dim=3), 3.8),  # left and right of two faces
        (half[torch.arange(500) % 10 < 8], 1.25),  # two hair styles are missing
    ]:
        assert frechet_distance(judge.features(wrong), intact) > times * floor


# What it says


def test_logits_come_apart_by_attribute_and_the_first_is_the_class(judge):
    images = flags(12).images
    judge.scale.fill_(1000.0)  # what it says does not depend on the unit of its features
    logits = judge.logits(images)
    assert {name: tuple(some.shape) for name, some in logits.items()} == {"kind": (12, 2), "colour": (12, 3)}
    torch.testing.assert_close(judge(images), logits["kind"])
    said = judge.read(images)
    assert all(torch.equal(said[name], some.argmax(dim=1)) for name, some in logits.items())
    frequencies = judge.class_frequencies(images).tolist()
    assert frequencies == pytest.approx([(said["kind"] == k).float().mean().item() for k in range(2)])


def test_right_says_of_each_image_whether_it_was_read(judge):
    images = flags(12).images
    said = judge.read(images)
    wrong = said["colour"].clone()
    wrong[3] = (wrong[3] + 1) % 3
    right = judge.right(images, {"colour": wrong})
    assert list(right) == ["colour"]
    assert right["colour"].tolist() == [i != 3 for i in range(12)]


def test_an_attribute_that_it_cannot_read_is_named(judge, refuses):
    with refuses("size is none of what the judge reads", "kind, colour"):
        judge.right(flags(2).images, {"size": torch.zeros(2).long()})


def test_images_of_another_shape_are_refused(judge, refuses):
    with refuses("(2, 3, 64, 64)", "(N, 3, 16, 24)"):
        judge.read(torch.zeros(2, 3, 64, 64))


# How it is trained


def test_training_teaches_it_to_read_and_is_repeatable():
    data = flags()
    judges = []
    for _ in range(2):
        torch.manual_seed(1)
        judge = AttributeJudge(WORDS, shape=(3, 16, 24))
        history = tool.fit_attributes(judge, data, 40, seed=0)
        assert len(history["loss"]) == 40
        judges.append(judge)
    assert all(said.float().mean() > 0.95 for said in judges[0].right(data.images, data.attributes).values())
    assert judges[0].features(data.images).var(dim=0).mean() == pytest.approx(1, rel=1e-3)
    first, second = (judge.state_dict() for judge in judges)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_imperfect_copies_are_moved_blurred_and_grainy_and_some_are_only_moved():
    dot = torch.zeros(400, 3, 16, 24)
    dot[:, :, 8, 12] = 1
    seen = tool.imperfect(dot, torch.Generator().manual_seed(0))
    assert seen.shape == dot.shape
    assert 0 <= seen.min() < seen.max() <= 1
    crisp = seen[((seen == 0) | (seen == 1)).flatten(1).all(dim=1)]
    assert 0.05 < len(crisp) / 400 < 0.2  # a third is not blurred, and a third of those has no grain
    places = {tuple(place) for place in crisp[:, 0].nonzero()[:, 1:].tolist()}
    assert {row for row, _ in places} == set(range(6, 11))
    assert {column for _, column in places} == set(range(10, 15))
    assert torch.equal(crisp[:, 0], crisp[:, 1])  # all colours move together
    spread = (seen > 0.02).flatten(1).sum(dim=1)
    assert spread.median() > 30
    assert torch.equal(seen, tool.imperfect(dot, torch.Generator().manual_seed(0)))


def test_the_command_trains_and_ships(tmp_path, monkeypatch, capsys):
    shipped = []
    data = dataclasses.replace(flags(), name="faces")
    monkeypatch.setattr(tool, "load", lambda name: (data, data))
    monkeypatch.setattr(tool, "AttributeJudge", lambda words: AttributeJudge(words, shape=(3, 16, 24)))
    monkeypatch.setattr(tool, "ship_files", lambda files, folder: shipped.extend((file.name, folder) for file in files))
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path))
    tool.main(["--steps", "20"])
    assert shipped == [("judge_faces.safetensors", tool.WEIGHTS)]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[-4:]] == ["attribute", "kind", "colour", "all"]
    assert not list(tmp_path.iterdir())
    assert os.environ["COURSE_RESULTS"] != str(tmp_path)  # monkeypatch sets it back


def test_the_command_refuses_no_steps(capsys):
    with pytest.raises(SystemExit):
        tool.main(["--steps", "0"])
    assert "1 or more" in capsys.readouterr().err


def test_a_data_set_with_attributes_but_without_a_judge_says_what_to_do():
    with pytest.raises(CourseError, match="no weights 'judge_flags'"):
        load_judge(flags())
