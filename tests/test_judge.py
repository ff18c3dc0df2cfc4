"""The judges: what they know, what they notice, what they refuse, and how they are trained."""

import dataclasses

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

import helpers.judge
from helpers.datasets import Images, load
from helpers.judge import (
    BODIES,
    FEATURES,
    Judge,
    PrincipalComponents,
    convolutional_body,
    fit_head,
    load_judge,
    residual_body,
    rotated,
    small_body,
    weights_name,
)
from helpers.metrics import accuracy
from helpers.training import set_seed
from tools import damages, judges

SHIPPED = [  # data set, kind, accuracy on the test images that are shipped, at least
    ("fashion", "", 0.93),
    ("fashion", "second", 0.93),
    ("fashion", "unlabelled", 0.78),
    ("digits", "", 0.96),
]
NOTICED = {  # kind of judge -> damage -> how many times the floor its distance is at least; about half of what it was
    "": {"fine grain (0.05)": 3, "grain (0.1)": 15, "blur": 20, "half of them blurred": 10, "shift by 2 pixels": 8,
         "one class missing": 5},
    "second": {"fine grain (0.05)": 14, "grain (0.1)": 50, "blur": 30, "half of them blurred": 19,
               "shift by 2 pixels": 10, "one class missing": 19},
    "unlabelled": {"fine grain (0.05)": 5, "grain (0.1)": 22, "blur": 35, "half of them blurred": 12,
                   "shift by 2 pixels": 25, "one class missing": 1.6},
}  # fmt: skip


@pytest.fixture(scope="module")
def fashion():
    return load("fashion")


@pytest.fixture(scope="module")
def few(fashion):
    """The first 300 training images."""
    return dataclasses.replace(fashion[0], images=fashion[0].images[:300], labels=fashion[0].labels[:300])


# Those that are shipped


@pytest.mark.parametrize(("name", "kind", "least"), SHIPPED)
def test_the_shipped_judges_know_the_classes(name, kind, least):
    train, test = load(name)
    judge = load_judge(train, kind)
    assert accuracy(judge, test) > least
    assert judge.features(train.images).var(dim=0).mean() == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("kind", NOTICED)
def test_a_judge_notices_what_it_must(fashion, kind):
    train, test = fashion
    distances = damages.noticed(load_judge(train, kind), test)
    times = {name: distance / distances[damages.FLOOR] for name, distance in distances.items()}
    assert all(times[name] > least for name, least in NOTICED[kind].items()), times


def test_class_frequencies_count_what_the_judge_says(fashion):
    judge, images = load_judge(fashion[0]), fashion[1].images[:77]
    with torch.no_grad():
        said = judge(images).argmax(dim=1).tolist()
    assert judge.class_frequencies(images).tolist() == pytest.approx([said.count(k) / 77 for k in range(10)])


def test_images_outside_0_to_1_are_refused(fashion, refuses):
    with refuses("should lie in"):
        load_judge(fashion[0]).features(2 * fashion[1].images)


def test_the_full_set_has_the_judge_of_its_part(fashion, capsys):
    judge = load_judge(dataclasses.replace(fashion[0], name="fashion_full"))
    assert capsys.readouterr().out.startswith("judge_fashion: shipped with the course")
    assert torch.equal(judge.head.weight, load_judge(fashion[0]).head.weight)
    assert accuracy(judge, fashion[1]) > 0.93


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """A learner without results, whose own judges learn for a few steps."""
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path))
    monkeypatch.setattr(helpers.judge, "OWN_STEPS", 40)


def test_a_set_without_a_judge_gets_one_at_once_and_keeps_it(few, quick, capsys):
    hats = dataclasses.replace(few, name="hats")
    judge = load_judge(hats)
    said = capsys.readouterr().out
    assert "There is no judge of hats yet" in said and "300 training images, their classes" in said
    assert accuracy(judge, hats) > 0.6 and not judge.training
    assert judge.features(hats.images).var(dim=0).mean() == pytest.approx(1, rel=1e-3)
    torch.rand(1)
    again = load_judge(hats)
    assert "yet" not in capsys.readouterr().out
    assert all(torch.equal(again.state_dict()[key], value) for key, value in judge.state_dict().items())


def test_a_judge_of_few_images_in_colour_of_three_classes(few, quick):
    images = torch.rand(30, 3, 20, 24)
    judge = load_judge(Images("birds", images, torch.arange(30) % 3, ("a", "b", "c")))
    assert judge.class_frequencies(images).shape == (3,)


def test_images_of_one_class_get_a_judge_of_turns(few, quick, capsys, refuses):
    alone = Images("hats", few.images, torch.zeros(300).long(), ("hat",))
    judge = load_judge(alone)
    assert "by how much an image was turned" in capsys.readouterr().out
    assert judge.class_frequencies(few.images).tolist() == [1]
    assert judge.features(few.images).var(dim=0).mean() == pytest.approx(1, rel=1e-3)
    with refuses("two classes, or square images"):
        load_judge(Images("flags", torch.rand(30, 1, 20, 24), torch.zeros(30).long(), ("flag",)))


def test_an_unknown_kind_of_judge_is_answered_with_the_known_ones(fashion, refuses):
    with refuses("no judge 'third' of fashion", "'' or 'second' or 'unlabelled'"):
        load_judge(fashion[0], "third")


# How they are trained


@pytest.mark.parametrize("body", [small_body, convolutional_body, residual_body])
def test_every_body_gives_features_and_a_scale_makes_their_variance_1(body, few):
    judge = Judge(body()).eval()
    judge.set_scale(few.images)
    once = judge.features(few.images)
    assert once.shape == (300, FEATURES)
    assert once.var(dim=0).mean() == pytest.approx(1, rel=1e-4)
    judge.set_scale(few.images)  # a second time changes nothing
    torch.testing.assert_close(judge.features(few.images), once)
    with torch.no_grad():
        torch.testing.assert_close(judge.head(once * judge.scale), judge(few.images), rtol=1e-3, atol=1e-3)


def test_a_judge_can_have_other_classes_and_see_other_images(refuses):
    torch.manual_seed(0)
    judge = Judge(classes=3, shape=(3, 64, 40)).eval()
    images = torch.rand(12, 3, 64, 40)
    assert judge(images).shape == (12, 3)
    assert judge.features(images).shape == (12, FEATURES)
    assert judge.class_frequencies(images).shape == (3,)
    with refuses("(12, 3, 64, 64)", "it should be (N, 3, 64, 40)"):
        judge.features(torch.zeros(12, 3, 64, 64))


def test_a_judge_of_fashion_refuses_images_in_colour(fashion, refuses):
    with refuses("(2, 3, 64, 64)", "it should be (N, 1, 28, 28)"):
        load_judge(fashion[0]).features(torch.zeros(2, 3, 64, 64))


def test_every_judge_has_a_recipe():
    assert set(judges.RECIPES) == {f"{weights_name(kind)}_{name}" for name, kinds in BODIES.items() for kind in kinds}


@pytest.mark.parametrize("name", judges.RECIPES)
def test_every_recipe_trains_and_repeats_itself(name, few, tmp_path, monkeypatch):
    trained = []
    few = dataclasses.replace(few, name=judges.RECIPES[name].dataset)
    for folder in (tmp_path / "first", tmp_path / "second"):
        monkeypatch.setenv("COURSE_RESULTS", str(folder))
        trained.append(judges.train(name, few, few, 4))
        assert (folder / "weights" / f"{name}.safetensors").is_file()
    assert not trained[0].training
    first, second = (judge.state_dict() for judge in trained)
    assert all(torch.equal(first[key], second[key]) for key in first)
    recipe = judges.RECIPES[name]
    set_seed(judges.SEED)
    fresh = Judge(BODIES[recipe.dataset][recipe.kind]()).state_dict()
    assert not any(torch.equal(first[key], fresh[key]) for key in first if key.endswith("weight"))


def test_a_classifier_learns_in_the_precision_of_its_recipe(few):
    """Autocast around the whole training, not around a step, would compute with the first weights to the end."""
    torch.manual_seed(0)
    judge = Judge(convolutional_body())
    judges.fit_classifier(judge, few, 60, seed=0)
    assert accuracy(judge, few) > 0.7


def test_shifted_images_moved_by_a_pixel_at_most(few):
    x = few.images[:60]
    moved = judges.shifted(x, torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(torch.stack([x, x.flip(3)]), [1, 1, 1, 1])
    which = {}
    for mirrored in (0, 1):
        for top in range(3):
            for left in range(3):
                same = (padded[mirrored, :, :, top : top + 28, left : left + 28] == moved).flatten(1).all(dim=1)
                which |= dict.fromkeys(same.nonzero().flatten().tolist(), (mirrored, top, left))
    assert sorted(which) == list(range(60))
    assert len(set(which.values())) > 12  # of 18


def test_rotated_images_and_by_how_much(few):
    turned, quarters = rotated(few.images[:5])
    Images("turned", turned, quarters, few.classes)  # refuses what are no images
    assert quarters.tolist() == [0] * 5 + [1] * 5 + [2] * 5 + [3] * 5
    for image, k, whole in zip(turned, quarters, few.images[:5].repeat(4, 1, 1, 1), strict=True):
        assert np.array_equal(np.rot90(whole[0], k), image[0])


def test_fitting_the_head_leaves_the_features_alone(few):
    torch.manual_seed(0)
    judge = Judge(small_body()).eval()
    before = judge.features(few.images)
    fit_head(judge, few)
    torch.testing.assert_close(judge.features(few.images) * judge.scale, before)
    assert accuracy(judge, few) > 0.8  # a linear model of 300 random features knows most of them by heart


# What they are shown


def test_damaged_images_are_what_their_names_say(fashion):
    test = fashion[1]
    images, labels = test.images[:1000], test.labels[:1000]
    damaged = damages.damages(images, labels)
    for made in damaged.values():
        Images("damaged", made, labels, test.classes)
    assert torch.equal(damaged.pop(damages.FLOOR), images)
    assert not any(torch.equal(made, images) for made in damaged.values())
    grain = damaged["fine grain (0.05)"] - images
    assert grain[(images > 0.2) & (images < 0.8)].std() == pytest.approx(0.05, rel=0.02)
    half = damaged["half of them blurred"]
    assert torch.equal(half[::2], images[::2]) and torch.equal(half[1::2], damaged["blur"][1::2])
    assert torch.equal(damaged["shift by 2 pixels"][..., 2:], images[..., :26])
    both = damaged["two left and right halves"]
    assert torch.equal(both[10:, ..., :14], images[10:, ..., :14])
    assert torch.equal(both[10:, ..., 14:], images[:-10, ..., 14:]) and torch.equal(labels[10:], labels[:-10])
    known = {image.numpy().tobytes(): label for image, label in zip(images, labels.tolist(), strict=True)}
    missing = [known[image.numpy().tobytes()] for image in damaged["one class missing"]]
    assert set(missing) == set(range(9))
    trousers = [known[image.numpy().tobytes()] for image in damaged["half of them trousers"]]
    assert trousers.count(1) == 500 and all(trousers.count(k) == 100 for k in (0, 2, 4, 6, 8))
    assert len({image.numpy().tobytes() for image in damaged["a tenth, ten times each"]}) == 100


def test_a_blur_spreads_a_point():
    point = torch.zeros(1, 1, 28, 28)
    point[0, 0, 10, 10] = 1
    around = damages.blurred(point)[0, 0, 8:13, 8:13]
    weights = np.array([1, 4, 6, 4, 1])
    assert around.tolist() == (np.outer(weights, weights) / 256).tolist()


def test_principal_components_agree_with_scikit_learn(fashion):
    images = fashion[0].images[:2000]
    features = PrincipalComponents(images).features(images)
    expected = PCA(FEATURES).fit(images.flatten(1).numpy()).transform(images.flatten(1).numpy())
    expected = expected / np.sqrt(expected.var(axis=0, ddof=1).mean())
    ours = (features - features.mean(dim=0)).numpy()[:, ::-1]  # the largest first
    np.testing.assert_allclose(np.abs(ours[:, :20]), np.abs(expected[:, :20]), rtol=1e-2, atol=1e-2)
    assert features.var(dim=0).mean() == pytest.approx(1, rel=1e-4)
