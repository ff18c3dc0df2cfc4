"""The embedded images: what they are, how they are dealt out in batches, and what happens when they are damaged."""

import gzip
import hashlib
import shutil
import time

import numpy as np
import pytest
import torch

from helpers import datasets, files
from helpers.datasets import Images, load
from tools import data

SIZES = [("fashion", 10_000, 2_000), ("digits", 4_000, 1_000)]


def small(n=50, classes=5):
    """n images of `classes` balanced classes; image i is grey all over, i steps of 1 / n."""
    images = (torch.arange(n) / n)[:, None, None, None].expand(n, 1, 28, 28).contiguous()
    return Images("small", images, torch.arange(n) % classes, tuple("abcdefghij"[:classes]))


def numbers(batches, n=50):
    """Which images of `small(n)` came, in the order in which they came."""
    return [round(x.item() * n) for images, _ in batches for x in images[:, 0, 0, 0]]


# What the files hold


@pytest.mark.parametrize(("name", "train_size", "test_size"), SIZES)
def test_images_have_the_promised_shape_type_and_range(name, train_size, test_size):
    for split, size in zip(load(name), (train_size, test_size), strict=True):
        assert split.images.shape == (size, 1, 28, 28)
        assert split.images.dtype == torch.float32
        assert split.images.min() == 0
        assert split.images.max() == 1
        assert split.labels.shape == (size,)
        assert split.labels.dtype == torch.int64
        assert len(split.classes) == 10
        assert len(split) == size


@pytest.mark.parametrize("name", ["fashion", "digits"])
def test_every_prefix_of_10_k_images_holds_k_of_each_class(name):
    for split in load(name):
        of_each_class = torch.nn.functional.one_hot(split.labels, 10).cumsum(0)[9::10]
        k = torch.arange(1, len(split) // 10 + 1)
        assert (of_each_class == k[:, None]).all()


@pytest.mark.parametrize("name", ["fashion", "digits"])
def test_no_test_image_is_a_training_image(name):
    train, test = ({image.numpy().tobytes() for image in split.images} for split in load(name))
    assert not train & test


def test_fashion_is_the_default():
    assert load()[0].name == "fashion"


@pytest.mark.parametrize("name", ["fashion", "digits"])
def test_loading_takes_less_than_0_3_seconds(name):
    def seconds():
        start = time.perf_counter()
        load(name)
        return time.perf_counter() - start

    assert min(seconds() for _ in range(5)) < 0.3


def test_a_set_says_what_it_is():
    assert repr(small()) == "small: 50 images (1, 28, 28), 5 classes"


def test_to_moves_images_and_labels_and_keeps_the_rest(monkeypatch):
    monkeypatch.setattr(datasets, "check_images", lambda images: None)  # the device "meta" has no values to check
    moved = small().to("meta")
    assert moved.images.device.type == moved.labels.device.type == "meta"
    assert (moved.name, moved.classes) == ("small", tuple("abcde"))


def faces(n=6):
    """n images in colour, (3, 8, 6), with two attributes; the first number of image i is i / n."""
    images = torch.rand(n, 3, 8, 6, generator=torch.Generator().manual_seed(0))
    images[:, 0, 0, 0] = torch.arange(n) / n
    attributes = {"hair": torch.arange(n) % 3, "glasses": torch.arange(n) % 2}
    words = {"hair": ("black", "brown", "red"), "glasses": ("no", "yes")}
    return Images("faces", images, torch.zeros(n).long(), ("face",), attributes, words)


def test_colour_and_size_are_what_the_images_have():
    assert small().shape == (1, 28, 28)
    assert faces().shape == (3, 8, 6)
    assert repr(faces()) == "faces: 6 images (3, 8, 6), 1 class, hair, glasses"


def test_without_attributes_there_are_none():
    assert small().attributes == small().words == {}


@pytest.mark.parametrize(
    "chosen", [slice(1, 5, 2), torch.tensor([1, 3]), torch.tensor([False, True, False, True, False, False])]
)
def test_take_keeps_what_belongs_to_the_chosen_images(chosen):
    data = faces()
    some = data.take(chosen)
    assert torch.equal(some.images, data.images[[1, 3]]) and some.labels.shape == (2,)
    assert {name: values.tolist() for name, values in some.attributes.items()} == {"hair": [1, 0], "glasses": [1, 1]}
    assert (some.name, some.classes, some.words) == (data.name, data.classes, data.words)
    assert len(data) == len(data.attributes["hair"]) == 6


def test_to_moves_attributes_too():
    assert {values.device.type for values in faces().to("meta").attributes.values()} == {"meta"}


@pytest.mark.parametrize(
    ("attributes", "words", "problem"),
    [
        ({"hair": torch.zeros(3).long()}, {}, "attributes are hair, words are given for none"),
        ({}, {"hair": ("red",)}, "attributes are none, words are given for hair"),
        ({"hair": torch.zeros(2).long()}, {"hair": ("red",)}, "values of hair should be an int64 tensor of shape (3,)"),
        ({"hair": torch.zeros(3)}, {"hair": ("red",)}, "values of hair should be an int64 tensor of shape (3,)"),
        ({"hair": torch.tensor([0, 1, 2])}, {"hair": ("red", "grey")}, "for 2 words they should run from 0 to 1"),
    ],
)
def test_wrong_attributes_are_refused(attributes, words, problem, refuses):
    with refuses(problem):
        Images("wrong", torch.zeros(3, 3, 4, 4), torch.zeros(3).long(), ("a",), attributes, words)


@pytest.mark.parametrize("shape", [(5, 4, 6), (5, 4, 6, 3)])
def test_pixels_become_images_and_come_back(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    images = datasets.as_images(pixels)
    assert images.shape == (5, 1 if len(shape) == 3 else 3, 4, 6) and images.is_contiguous()
    assert images[2, -1, 1, 3] * 255 == pytest.approx(pixels.reshape(5, 4, 6, -1)[2, 1, 3, -1])
    assert np.array_equal(datasets.as_uint8(images), pixels)


# Batches


@pytest.mark.parametrize("steps", [1, 4, 5, 12])
def test_steps_gives_exactly_that_many_batches(steps):
    batches = small().batches(12, steps=steps)
    assert len(batches) == len(list(batches)) == steps


@pytest.mark.parametrize(("size", "per_epoch"), [(10, 5), (12, 5), (50, 1), (1, 50)])
def test_epochs_gives_every_image_once_in_each_epoch(size, per_epoch):
    batches = small().batches(size, epochs=2)
    assert len(batches) == 2 * per_epoch
    order = numbers(batches)
    assert sorted(order[:50]) == sorted(order[50:]) == list(range(50))


def test_each_epoch_has_a_new_order():
    order = numbers(small().batches(10, epochs=2))
    assert order[:50] != order[50:]


def test_the_same_seed_gives_the_same_order():
    assert numbers(small().batches(10, epochs=2, seed=3)) == numbers(small().batches(10, epochs=2, seed=3))


def test_another_seed_gives_another_order():
    assert numbers(small().batches(10, epochs=1, seed=3)) != numbers(small().batches(10, epochs=1, seed=4))


def test_the_same_batches_can_be_run_through_twice():
    batches = small().batches(10, epochs=1)
    assert numbers(batches) == numbers(batches)


def test_batches_leave_the_global_generator_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    list(small().batches(10, epochs=1))
    assert torch.equal(torch.rand(3), expected)


def test_labels_stay_with_their_images():
    for images, labels in small().batches(7, epochs=1):
        assert torch.equal((images[:, 0, 0, 0] * 50).round().long() % 5, labels)


@pytest.mark.parametrize("size", [0, -1, 51])
def test_a_batch_size_that_cannot_be_is_refused(size, refuses):
    with refuses(f"batch size is {size}", "1 to 50"):
        small().batches(size, steps=1)


@pytest.mark.parametrize("how_long", [{}, {"steps": 3, "epochs": 3}])
def test_neither_or_both_of_steps_and_epochs_is_refused(how_long, refuses):
    with refuses("steps", "epochs"):
        small().batches(10, **how_long)


# A few labels


def test_few_labels_gives_the_same_number_of_each_class():
    data = small()
    assert data.labels[data.balanced_indices(20)].bincount().tolist() == [4] * 5


def test_few_labels_gives_positions_that_are_all_different():
    positions = small().balanced_indices(20)
    assert positions.shape == (20,)
    assert positions.dtype == torch.int64
    assert len(positions.unique()) == 20


def test_few_labels_depends_on_the_seed_alone():
    first, again, other = (small().balanced_indices(10, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("count", [0, -5, 7, 55])
def test_few_labels_refuses_a_count_that_cannot_be_balanced(count, refuses):
    with refuses(f"count is {count}", "multiple of 5"):
        small().balanced_indices(count)


# What is refused


def test_an_unknown_name_is_answered_with_the_known_ones(refuses):
    with refuses("'fasion' is not known", "choose 'fashion', 'digits'", "or the path of a folder"):
        load("fasion")


@pytest.mark.parametrize(
    ("images", "problem"),
    [
        (torch.zeros(3, 1, 28, 28, dtype=torch.uint8), "torch.uint8"),
        (np.zeros((3, 1, 28, 28), dtype=np.float32), "ndarray"),
        (torch.zeros(3, 28, 28), "(3, 28, 28)"),
        (torch.zeros(3, 4, 28, 28), "(3, 4, 28, 28)"),
        (torch.zeros(3, 64, 64, 3), "(N, 3, H, W), colour"),
        (torch.full((3, 1, 28, 28), 1.5), "[1.5, 1.5]"),
        (torch.full((3, 1, 28, 28), -0.5), "[-0.5, -0.5]"),
        (torch.full((3, 1, 28, 28), torch.nan), "nan"),
    ],
)
def test_wrong_images_are_refused(images, problem, refuses):
    with refuses(problem, "should"):
        Images("wrong", images, torch.zeros(3).long(), ("a",))


@pytest.mark.parametrize("labels", [torch.zeros(3), torch.zeros(2).long(), torch.zeros(3, 1).long(), [0, 0, 0]])
def test_wrong_labels_are_refused(labels, refuses):
    with refuses("int64", "(3,)"):
        Images("wrong", torch.zeros(3, 1, 28, 28), labels, ("a",))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([1, 2, 3], ("from 1 to 3", "0 to 2: subtract 1")),
        ([0, 1, 3], ("from 0 to 3", "0 to 2", "name in classes")),
        ([-1, 0, 1], ("from -1 to 1", "0 to 2")),
    ],
)
def test_labels_of_other_classes_are_refused(labels, words, refuses):
    with refuses(*words):
        Images("wrong", torch.zeros(3, 1, 28, 28), torch.tensor(labels), ("a", "b", "c"))


def test_the_letters_of_emnist_from_1_to_26_are_refused(refuses):
    labels = torch.arange(1, 27)
    with refuses("from 1 to 26", "26 classes", "subtract 1"):
        Images("letters", torch.zeros(26, 1, 28, 28), labels, tuple("abcdefghijklmnopqrstuvwxyz"))
    assert len(Images("letters", torch.zeros(26, 1, 28, 28), labels - 1, tuple("abcdefghijklmnopqrstuvwxyz"))) == 26


def test_a_set_without_images_and_one_without_some_class_can_be():
    assert len(Images("none", torch.zeros(0, 1, 28, 28), torch.zeros(0).long(), ("a",))) == 0
    assert len(Images("some", torch.zeros(2, 1, 28, 28), torch.tensor([0, 2]), ("a", "b", "c"))) == 2


def test_whole_numbers_of_numpy_are_whole_numbers():
    data = small()
    numbers_of_numpy = np.int64(10), np.int32(3), np.uint8(7)
    batches = data.batches(numbers_of_numpy[0], steps=numbers_of_numpy[1], seed=numbers_of_numpy[2])
    assert numbers(batches) == numbers(data.batches(10, steps=3, seed=7))
    assert torch.equal(data.balanced_indices(np.int64(20), seed=np.int64(1)), data.balanced_indices(20, seed=1))


@pytest.mark.parametrize("given", [{"size": True}, {"steps": True}, {"steps": 2.0}, {"steps": -1}, {"seed": True},
                                   {"seed": 1.5}, {"seed": -1}])  # fmt: skip
def test_what_is_no_whole_number_is_refused_before_the_first_batch(given, refuses):
    with refuses(f"is {next(iter(given.values()))}", "choose"):
        small().batches(**{"size": 10, "steps": 3} | given)


def test_few_labels_names_the_class_that_has_too_few(refuses):
    data = small(10, 5)
    poor = Images("poor", data.images, data.labels.clamp(max=3), data.classes)
    with refuses("fewer than 1 images of e in poor", "lower count"):
        poor.balanced_indices(5)


@pytest.fixture
def copied_data(tmp_path, monkeypatch):
    """A copy of data/ with the digits alone, which the helpers take for the real one."""
    for name in ("digits.npz", "SHA256SUMS"):
        shutil.copy(files.DATA / name, tmp_path / name)
    monkeypatch.setattr(files, "DATA", tmp_path)
    monkeypatch.setattr(files, "CHECKSUMS", tmp_path / "SHA256SUMS")
    monkeypatch.setattr(datasets, "DATA", tmp_path)
    return tmp_path


def test_a_whole_copy_loads(copied_data):
    assert len(load("digits")[0]) == 4_000


def test_one_flipped_byte_is_noticed(copied_data, refuses):
    path = copied_data / "digits.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with refuses("data/digits.npz is damaged", files.restoring(copied_data / "digits.npz")):
        load("digits")


def test_a_missing_file_is_named(copied_data, refuses):
    (copied_data / "digits.npz").unlink()
    with refuses("data/digits.npz is missing", files.restoring(copied_data / "digits.npz")):
        load("digits")


@pytest.mark.parametrize(
    ("folder", "git", "advice"),
    [
        ("course", True, "`git -C {course} checkout -- data/digits.npz` restores it"),
        ("my course", True, '`git -C "{course}" checkout -- data/digits.npz` restores it'),
        ("course", False, "download the course again, or copy data/digits.npz from another copy of it"),
    ],
)
def test_advice_can_be_followed_where_it_is_given(folder, git, advice, copied_data, tmp_path, monkeypatch, refuses):
    course = tmp_path / folder
    course.mkdir()
    if git:
        (course / ".git").mkdir()
    monkeypatch.setattr(files, "COURSE", course)
    (copied_data / "digits.npz").unlink()
    with refuses("data/digits.npz is missing", advice.format(course=course)):
        load("digits")


@pytest.mark.parametrize("content", [b"one word\n\nnot two", b"\xff\xfe"])
def test_a_damaged_list_of_checksums_is_a_sentence(content, copied_data, refuses):
    (copied_data / "SHA256SUMS").write_bytes(content)
    with refuses("data/SHA256SUMS is damaged", "data/SHA256SUMS"):
        load("digits")


def test_a_list_of_checksums_with_the_line_ends_of_windows_is_read(copied_data):
    path = copied_data / "SHA256SUMS"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(load("digits")[0]) == 4_000


# The files themselves


def test_every_listed_file_is_there_and_whole():
    for name, digest in files.shipped_checksums().items():
        assert hashlib.sha256((files.DATA / name).read_bytes()).hexdigest() == digest, name


def test_every_shipped_file_is_listed():
    shipped = [
        path.relative_to(files.DATA)
        for kind in ("npz", "safetensors", "json")
        for path in files.DATA.rglob(f"*.{kind}")
    ]
    names = {path.as_posix() for path in shipped if path.parts[0] != "full"}
    assert names == set(files.shipped_checksums())


# tools/data.py, which made them


def test_read_idx_understands_a_file_made_by_hand():
    content = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3]) + bytes([1, 2, 3, 4, 5, 6])
    array = data.read_idx(content)
    assert array.dtype == np.uint8
    assert array.tolist() == [[[1, 2, 3]], [[4, 5, 6]]]


def test_first_of_each_class_takes_the_classes_in_turn():
    labels = np.repeat(np.arange(10), 3)  # three of each class, class by class
    images, chosen = data.first_of_each_class(np.arange(30), labels, 1, 3)
    assert chosen.tolist() == [*range(10), *range(10)]
    assert images.tolist() == [*range(1, 30, 3), *range(2, 30, 3)]


def test_write_npz_gives_the_same_bytes_on_every_day(tmp_path, monkeypatch):
    arrays = {"a": np.arange(1000, dtype=np.uint8), "b": np.eye(5)[:, ::2]}
    data.write_npz(tmp_path / "first.npz", arrays)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    data.write_npz(tmp_path / "second.npz", arrays)
    assert (tmp_path / "first.npz").read_bytes() == (tmp_path / "second.npz").read_bytes()


def test_write_npz_can_be_read_back_and_leaves_nothing_else(tmp_path):
    arrays = {"a": np.arange(6, dtype=np.uint8).reshape(2, 3), "b": np.eye(5)[:, ::2]}
    data.write_npz(tmp_path / "some.npz", arrays)
    with np.load(tmp_path / "some.npz", allow_pickle=False) as archive:
        assert archive.files == ["a", "b"]
        assert all(np.array_equal(archive[name], array) for name, array in arrays.items())
    assert [path.name for path in tmp_path.iterdir()] == ["some.npz"]


@pytest.fixture
def one_source(tmp_path, monkeypatch):
    """A folder with the only source that is wanted."""
    content = gzip.compress(b"original", mtime=0)
    (tmp_path / "some.gz").write_bytes(content)
    monkeypatch.setattr(data, "SOURCES", {"some.gz": hashlib.sha256(content).hexdigest()})
    return tmp_path


def test_read_sources_unpacks_the_originals(one_source):
    assert data.read_sources(one_source) == {"some.gz": b"original"}


def test_read_sources_stops_at_a_file_that_is_not_the_original(one_source, refuses):
    (one_source / "some.gz").write_bytes(gzip.compress(b"another"))
    with refuses("some.gz is not the file that this course was built from"):
        data.read_sources(one_source)


def test_read_sources_stops_at_a_missing_file(one_source, refuses):
    (one_source / "some.gz").unlink()
    with refuses("some.gz is missing from", "data/README.md"):
        data.read_sources(one_source)


def idx(array):
    """A uint8 array in the format of the MNIST files, compressed."""
    lengths = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes(), compresslevel=1)


def test_the_command_builds_both_sets_from_a_folder(tmp_path, monkeypatch, capsys):
    (tmp_path / "built").mkdir()
    sources = {}
    for split, n in (("train", 10_000), ("t10k", 2_000)):
        labels = (np.arange(n) % 10).astype(np.uint8)
        sources[f"{split}-images-idx3-ubyte.gz"] = idx(np.repeat(labels, 784).reshape(n, 28, 28))
        sources[f"{split}-labels-idx1-ubyte.gz"] = idx(labels)
    rows = "".join(f"{','.join([str(9 - k % 10)] * 784)},{k % 10}\n" for k in range(5_000))
    sources["mnist_5k.csv.gz"] = gzip.compress(rows.encode(), compresslevel=1)
    for name, content in sources.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(data, "SOURCES", {name: hashlib.sha256(c).hexdigest() for name, c in sources.items()})
    data.main([str(tmp_path), "--into", str(tmp_path / "built")])
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["digits.npz", "fashion.npz"]
    for name, train, test in (("fashion", 10_000, 2_000), ("digits", 4_000, 1_000)):
        with np.load(tmp_path / "built" / f"{name}.npz", allow_pickle=False) as archive:
            for split, n in (("train", train), ("test", test)):
                labels = archive[f"{split}_labels"]
                assert labels.tolist() == list(range(10)) * (n // 10)
                grey = labels if name == "fashion" else 9 - labels
                assert (archive[f"{split}_images"] == grey[:, None, None]).all()


def test_what_is_not_shipped_is_the_rest_of_the_training_images():
    """Image i of 60,000 is grey in one pixel, by its class; the second pixel counts the images of its class."""
    labels = np.random.default_rng(0).permutation(np.arange(60_000) % 10).astype(np.uint8)
    count = np.zeros(60_000, dtype=np.int64)
    for k in range(10):
        count[labels == k] = np.arange(6_000)
    images = np.stack([count // 256, count % 256], axis=1).astype(np.uint8).reshape(60_000, 1, 2)
    sources = {}
    for split, n in (("train", 60_000), ("t10k", 10)):
        sources[f"{split}-images-idx3-ubyte.gz"] = gzip.decompress(idx(images[:n]))
        sources[f"{split}-labels-idx1-ubyte.gz"] = gzip.decompress(idx(labels[:n]))
    rest, said = data.not_shipped(sources)
    assert rest.shape == (50_000, 1, 2)
    for k in range(10):
        numbers = rest[said == k].astype(np.int64) @ [256, 1]
        assert sorted(numbers.ravel()) == list(range(1_000, 6_000))
