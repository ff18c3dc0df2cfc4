"""A folder of images of your own as a data set: odd files, odd folders, odd paths; each works or gets a sentence."""

import io
import os
import shutil
import struct
import unicodedata
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from helpers import folders
from helpers.claims import Claims
from helpers.datasets import load
from helpers.files import COURSE
from tools import notebooks

WHITE, BLACK, RED, GREY = (255, 255, 255), (0, 0, 0), (255, 0, 0), (128, 128, 128)


def picture(number, size=(40, 30)):
    """A picture of dark and bright blocks, another one for each number."""
    blocks = np.random.default_rng(number).integers(0, 256, (5, 5, 3)).astype(np.uint8)
    return Image.fromarray(blocks).resize(size, Image.Resampling.NEAREST)


def fill(folder, numbers, ending="png"):
    """Put pictures of these numbers into a folder, which is made; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        picture(number).save(folder / f"{number}.{ending}")
    return folder


def coloured(colour, size=(40, 30)):
    return Image.new("RGB", size, colour)


def every_image(path, **options):
    """All images of a folder, those for training and those for testing, and their classes by name."""
    both = load(path, **options)
    names = [[data.classes[k] for k in data.labels] for data in both]
    return torch.cat([data.images for data in both]), names[0] + names[1]


@pytest.fixture
def some(tmp_path):
    """A folder with forty pictures."""
    return fill(tmp_path / "some", range(40))


# What it becomes


def test_a_folder_becomes_two_sets_and_says_how(some, capsys):
    train, test = load(str(some))
    assert train.images.shape[1:] == (1, 28, 28) and train.images.dtype == torch.float32
    assert len(train) + len(test) == 40 and 3 <= len(test) <= 15
    assert train.classes == test.classes == ("some",)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == (
        f"{train.name}: 40 pictures, one class; {len(train)} to train, {len(test)} to test. "
        "Of each the middle, 28 x 28, grey."
    )
    assert said[1].startswith("The lessons train on 128 pictures at a time")


def test_a_subfolder_is_a_class(tmp_path, capsys):
    fill(tmp_path / "pets" / "dog", range(4))
    fill(tmp_path / "pets" / "cat" / "of a friend", range(4, 9))
    (tmp_path / "pets" / "bird").mkdir()
    _, names = every_image(tmp_path / "pets")
    assert sorted(names) == ["cat"] * 5 + ["dog"] * 4
    assert load(tmp_path / "pets")[0].classes == ("cat", "dog")
    assert "9 pictures in 2 classes (cat 5, dog 4)" in capsys.readouterr().out


def test_labels_stay_with_their_pictures(tmp_path):
    for name, colour in (("a", RED), ("b", GREY), ("c", WHITE)):
        for number in range(5):
            (tmp_path / "set" / name).mkdir(parents=True, exist_ok=True)
            coloured((*colour[:2], abs(colour[2] - number))).save(tmp_path / "set" / name / f"{number}.png")
    images, names = every_image(tmp_path / "set", shape=(3, 8, 8))
    for image, name in zip(images, names, strict=True):
        assert {"a": image[0, 0, 0] == 1 and image[1, 0, 0] == 0, "b": image[0, 0, 0] < 0.6,
                "c": image[1, 0, 0] == 1}[name]  # fmt: skip


def test_grey_is_ink_and_colour_is_light(tmp_path):
    for number, colour in enumerate((BLACK, WHITE)):
        coloured(colour).save(fill(tmp_path / "set", ()) / f"{number}.png")
    assert sorted(every_image(tmp_path / "set")[0].mean(dim=(1, 2, 3)).tolist()) == [0, 1]
    dark = {data.images.mean().item() for data in load(tmp_path / "set")}
    assert dark == {0, 1}
    coloured(BLACK, (9, 9)).save(tmp_path / "set" / "1.png")
    coloured((1, 1, 1)).save(tmp_path / "set" / "2.png")
    assert every_image(tmp_path / "set")[0].min() > 0.99, "black is ink, 1"
    assert every_image(tmp_path / "set", shape=(3, 8, 8))[0].max() < 0.01, "black is dark, 0"
    assert every_image(tmp_path / "set", invert=True)[0].max() < 0.01
    assert every_image(tmp_path / "set", shape=(3, 8, 8), invert=True)[0].min() > 0.99


def test_a_dark_background_is_mentioned_once_it_is_there(tmp_path, capsys):
    for number in range(3):
        coloured((number, 0, 0)).save(fill(tmp_path / "set", ()) / f"{number}.png")
    load(tmp_path / "set")
    assert "load(dataset, invert=True) turns dark and bright round" in capsys.readouterr().out
    load(tmp_path / "set", invert=True)
    assert "turns" not in capsys.readouterr().out


def test_the_middle_is_kept_and_shrunk_without_grain(tmp_path):
    wide = np.full((280, 560, 3), 255, dtype=np.uint8)
    wide[:, 140:420] = np.indices((280, 280)).sum(axis=0)[..., None] % 2 * 255  # a fine chequered pattern
    wide[:60, 140:200] = 128  # in one corner: another picture when it is turned
    Image.fromarray(wide).save(fill(tmp_path / "set", ()) / "wide.png")
    Image.fromarray(wide.swapaxes(0, 1)[::-1]).save(tmp_path / "set" / "tall.png")
    images = every_image(tmp_path / "set")[0]
    assert images.shape == (2, 1, 28, 28)
    assert (images - 0.5).abs().max() < 0.06, "neither the white sides nor the pattern is seen"


def test_colour_and_size_can_be_asked_for(some):
    train, _ = load(some, shape=(3, 64, 48))
    assert train.shape == (3, 64, 48)
    assert (train.images[:, 0] != train.images[:, 2]).any()


@pytest.mark.parametrize("shape", [(28, 28), (2, 28, 28), (1, 0, 28), (1, 28, 5000), "small", (1, 28.0, 28), 28])
def test_a_shape_that_cannot_be_is_refused(some, shape, refuses):
    with refuses("shape is", "choose (1, 28, 28), (3, 64, 64)"):
        load(some, shape=shape)


def test_a_set_of_the_course_has_the_shape_that_it_has(refuses):
    assert load("digits", shape=(1, 28, 28))[0].shape == (1, 28, 28)
    with refuses("'digits' have the shape (1, 28, 28), not (3, 64, 64)"):
        load("digits", shape=(3, 64, 64))


# The split


def looks(data):
    return {image.numpy().tobytes() for image in data.images}


def test_names_and_places_change_nothing(some, tmp_path):
    first = load(some)
    for number, file in enumerate(sorted(some.iterdir())):
        file.rename(some / f"z{number}.jpg")  # what a file is called says nothing of what it is
    again = load(shutil.copytree(some, tmp_path / "elsewhere" / "some"))
    for before, after in zip(first, again, strict=True):
        assert torch.equal(before.images, after.images) and before.name == after.name


def test_more_pictures_leave_the_others_where_they_are(some):
    train, test = load(some)
    more = load(fill(some, range(40, 80)))
    assert looks(train) < looks(more[0]) and looks(test) < looks(more[1])
    assert more[0].name != train.name, "weights of other pictures are not taken for theirs"


def test_no_picture_is_on_both_sides(tmp_path):
    folder = fill(tmp_path / "set", range(30))
    for number in range(30):  # the same pictures under other names, in other formats, and in another class
        picture(number).save(folder / f"{number}.bmp")
        shutil.copy(folder / f"{number}.png", folder / f"again {number}.PNG")
    train, test = load(folder)
    assert len(train) + len(test) == 90
    assert len(looks(train)) + len(looks(test)) == 30 and not looks(train) & looks(test)


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_few_pictures_are_enough_for_two_sides(tmp_path, count, capsys):
    for start in range(0, 40, count):
        train, test = load(fill(tmp_path / str(start), range(start, start + count)))
        assert len(train) and len(test) and len(train) + len(test) == count
    assert "with fewer to train, their cells stop" in capsys.readouterr().out


@pytest.mark.parametrize(("copies", "words"), [(1, "has one picture;"), (3, "has 3 pictures, all the same;")])
def test_one_picture_is_not_enough(tmp_path, copies, words, refuses):
    for number in range(copies):
        picture(0).save(fill(tmp_path / "set", ()) / f"{number}.png")
    with refuses(words, "need two that differ"):
        load(tmp_path / "set")


def test_a_name_belongs_to_pictures_classes_and_shape(some, tmp_path):
    fill(tmp_path / "classes" / "some" / "a", range(20))
    fill(tmp_path / "classes" / "some" / "b", range(20, 40))
    names = [load(some)[0].name, load(some, shape=(3, 28, 28))[0].name, load(some, invert=True)[0].name,
             load(tmp_path / "classes" / "some")[0].name]  # fmt: skip
    assert len(set(names)) == 4 and all(name.startswith("some_") for name in names)


# Odd pictures


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned():
    """A picture, white above and black below, that the camera held upside down and noted so."""
    image = coloured(WHITE, (30, 30))
    image.paste(BLACK, (0, 15, 30, 30))
    exif = Image.Exif()
    exif[0x0112] = 3
    return saved(image.rotate(180), "JPEG", exif=exif, quality=95)


def transparent(mode):
    image = Image.new("RGBA", (30, 30), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 15, 30, 30))
    return saved(image.convert("P") if mode == "P" else image, "PNG" if mode != "WEBP" else "WEBP", lossless=True)


def film():
    image = coloured(WHITE, (30, 30))
    image.paste(BLACK, (0, 15, 30, 30))
    return saved(image, "GIF", save_all=True, append_images=[coloured(RED, (30, 30))])


def halves(kind, values, **options):
    """A picture in a format, bright (the first value) above and dark (the second) below."""
    array = np.full((30, 30, *np.shape(values[0])), values[0], dtype=np.asarray(values).dtype)
    array[15:] = values[1]
    return saved(Image.fromarray(array), kind, **options)


HALVES = {  # all of them are white above, black below
    "grey.png": halves("PNG", np.uint8([255, 0])),
    "16 bits.png": halves("PNG", np.uint16([65535, 200])),
    "16 bits.tif": halves("TIFF", np.uint16([65535, 200])),
    "decimals.tif": halves("TIFF", np.float32([1, 0])),
    "decimals up to 255.tif": halves("TIFF", np.float32([255, 2])),
    "one bit.png": saved(Image.open(io.BytesIO(halves("PNG", np.uint8([255, 0])))).convert("1"), "PNG"),
    "palette.png": saved(Image.open(io.BytesIO(halves("PNG", np.uint8([255, 0])))).convert("P"), "PNG"),
    "CMYK.jpg": saved(Image.open(io.BytesIO(halves("PNG", np.uint8([255, 0])))).convert("CMYK"), "JPEG", quality=95),
    "transparent.png": transparent("RGBA"),
    "transparent palette.png": transparent("P"),
    "transparent.webp": transparent("WEBP"),
    "turned.jpg": turned(),
    "film.gif": film(),
    "no ending": halves("PNG", np.uint8([255, 0])),
    "wrong ending.txt": halves("JPEG", np.uint8([255, 0]), quality=95),
    "broken EXIF.jpg": halves("JPEG", np.uint8([255, 0]), quality=95, exif=b"Exif\0\0II*\0\xff\xff\xff\x7f"),
}


@pytest.mark.parametrize("shape", [(1, 10, 10), (3, 10, 10)])
@pytest.mark.parametrize("name", HALVES)
def test_an_odd_picture_is_read_as_it_looks(tmp_path, name, shape):
    (fill(tmp_path / "set", [0]) / name).write_bytes(HALVES[name])
    images, _ = every_image(tmp_path / "set", shape=shape)
    assert len(images) == 2
    light = 1 - images if shape[0] == 1 else images
    above, below = light[..., :4, :].amin(dim=(1, 2, 3)), light[..., 6:, :].amax(dim=(1, 2, 3))
    assert ((above > 0.97) & (below < 0.03)).sum() == 1


def test_what_lies_on_white_is_counted(tmp_path, capsys):
    folder = fill(tmp_path / "set", range(3))
    (folder / "a.png").write_bytes(transparent("RGBA"))
    picture(5).convert("RGBA").save(folder / "opaque.png")
    load(folder)
    assert "\n1 of them have transparent parts: they lie on white.\n" in capsys.readouterr().out


def bomb(width, height):
    """A PNG of a few bytes that says it is very large."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


JPEG = saved(picture(7, (300, 300)), "JPEG")
LEFT_OUT = {  # what is in a file -> why it is no picture
    "empty": (b"", "1 empty"),
    "text": (b"not a picture", "1 not images"),
    "half.jpg": (JPEG[: len(JPEG) // 2], "1 broken"),
    "header.jpg": (JPEG[:4], "1 broken"),
    "noise.jpg": (JPEG[:600] + bytes(200), "1 broken"),
    "half.png": (HALVES["grey.png"][:60], "1 broken"),
    "phone.heic": (b"\0\0\0\x18ftypheic" + bytes(100), "1 HEIC, which Python cannot read: save them as JPEG"),
    "bomb.png": (bomb(60_000, 60_000), "1 too large"),
    "large.png": (bomb(8_000, 8_000), "1 too large"),
    "measured.tif": (halves("TIFF", np.float32([-5, 1e6])), "1 no pictures: their values are not grey levels"),
    "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "1 not images"),
    "page.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "1 not images"),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_no_picture_is_left_out_and_counted(tmp_path, name, capsys, refuses):
    content, why = LEFT_OUT[name]
    (fill(tmp_path / "set", range(4)) / name).write_bytes(content)
    assert len(every_image(tmp_path / "set")[0]) == 4
    assert f"grey; left out: {why}.\n" in capsys.readouterr().out
    for number in range(4):
        (tmp_path / "set" / f"{number}.png").unlink()
    with refuses("there is no picture in the folder", f"left out: {why}"):
        load(tmp_path / "set")


def test_a_picture_whose_note_on_turning_cannot_be_read_stays_as_it_is(some, monkeypatch):
    def broken(image):
        raise ValueError("not an EXIF")

    expected = load(some)[0].images
    monkeypatch.setattr(ImageOps, "exif_transpose", broken)
    assert torch.equal(load(some)[0].images, expected)


def test_a_large_jpeg_is_decoded_smaller(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "LARGEST", 300 * 300)
    folder = fill(tmp_path / "set", [0])
    picture(1, (1600, 1200)).save(folder / "large.jpg")
    assert len(every_image(folder)[0]) == 2


# Odd folders


def test_hidden_files_are_passed_over(tmp_path, capsys):
    folder = fill(tmp_path / "set", range(4))
    fill(folder / ".cache", range(4, 8))
    fill(folder / "__MACOSX", range(4, 8))
    for name in (".DS_Store", "._0.png", "Thumbs.db", "desktop.ini"):
        (folder / name).write_bytes(b"x")
    assert len(every_image(folder)[0]) == 4
    assert "left out" not in capsys.readouterr().out


@pytest.mark.skipif(os.name == "nt", reason="links need rights there, and there are no pipes")
def test_links_are_followed_once_and_a_pipe_is_no_file(tmp_path, capsys):
    folder = fill(tmp_path / "set" / "a", range(4)).parent
    fill(tmp_path / "other", range(4, 8))
    (folder / "b").symlink_to(tmp_path / "other")
    (folder / "a" / "up").symlink_to(folder)
    (folder / "a" / "self").symlink_to(folder / "a")
    (folder / "a" / "sister").symlink_to(folder / "b")
    fill(folder.joinpath("a", *["deep"] * 300), [0])
    (folder / "a" / "9.png").symlink_to(tmp_path / "nowhere")
    (folder / "a" / "round").symlink_to(folder / "a" / "round")
    os.mkfifo(folder / "a" / "pipe")
    _, names = every_image(folder)
    assert sorted(names) == ["a"] * 5 + ["b"] * 4
    assert "left out: 2 not there (links to nothing); 1 not files." in capsys.readouterr().out


SCRIPTS = (
    "кошки",
    "猫",
    "ねこ",
    "고양이",
    "قطط",
    "חתולים",
    "γάτες",
    "बिल्ली",
    "แมว",
    "😺",
    "a b'c\"d",
    "Ärger",
    "con$t",
)


def test_names_of_all_scripts_are_classes(tmp_path, capsys):
    for number, name in enumerate(SCRIPTS):
        fill(tmp_path / "ملف 图片" / unicodedata.normalize("NFD", name), [number])
    train, test = load(str(tmp_path / "ملف 图片"))
    assert set(train.classes) == {unicodedata.normalize("NFC", name) for name in SCRIPTS}
    assert len(train) + len(test) == len(SCRIPTS) and train.name.startswith("ملف 图片_")


@pytest.mark.skipif(os.name == "nt", reason="there, names are text")
def test_names_that_are_no_text_can_be_shown(tmp_path, capsys):
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(folder)
    for number in range(4):
        with open(folder + b"/\xff%d.png" % number, "wb") as file:
            file.write(saved(picture(number), "PNG"))
    train, _ = load(os.fsdecode(folder))
    assert train.classes == ("caf\ufffd",)
    capsys.readouterr().out.encode("utf-8")


def test_more_files_than_the_limit_are_chosen_by_their_names(some, capsys, refuses):
    first = load(some, limit=10)
    assert "some: 40 files; 10 of them, chosen by their names, are read" in capsys.readouterr().out
    assert sum(map(len, first)) == 10
    assert all(torch.equal(a.images, b.images) for a, b in zip(first, load(some, limit=10), strict=True))
    with refuses("limit is 1", "2 or more"):
        load(some, limit=1)


def test_of_very_many_files_twenty_thousand_are_read(tmp_path, capsys):
    folder = tmp_path / "set"
    many = [(folder / f"{number}.png", "") for number in range(50_000)]
    assert len(folders.at_most(many, folders.LIMIT, folder)) == folders.LIMIT
    assert "50,000 files; 20,000 of them, chosen" in capsys.readouterr().out


def test_the_greater_part_counts_of_pictures_in_and_beside_subfolders(tmp_path, capsys):
    folder = fill(tmp_path / "set", range(3))
    fill(folder / "a", range(3, 6))
    fill(folder / "b", range(6, 8))
    assert sorted(set(every_image(folder)[1])) == ["a", "b"]
    assert "left out: 3 pictures beside the subfolders." in capsys.readouterr().out
    fill(folder, range(10, 20))
    assert set(every_image(folder)[1]) == {"set"}
    assert "left out: 5 pictures in subfolders." in capsys.readouterr().out


@pytest.mark.parametrize("parts", [("train", "test"), ("Train", "val", "more"), ("training", "validation", "test")])
def test_a_folder_that_is_split_already_is_answered_with_its_parts(tmp_path, parts, refuses):
    for number, name in enumerate(parts):
        fill(tmp_path / "set" / name / "cat", [number])
    with refuses("are parts, not classes", "give one of them"):
        load(tmp_path / "set")


def test_a_folder_without_files_is_refused(tmp_path, refuses):
    (tmp_path / "none" / "of" / "them").mkdir(parents=True)
    with refuses("there is no picture in the folder", "and nothing else"):
        load(tmp_path / "none")


def test_a_subfolder_that_may_not_be_opened_is_counted(tmp_path, monkeypatch, capsys):
    folder = fill(tmp_path / "set" / "a", range(3)).parent
    fill(folder / "locked", range(3, 6))
    whole = os.scandir

    def scandir(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return whole(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert len(every_image(folder)[0]) == 3
    assert "left out: 1 folders that may not be opened." in capsys.readouterr().out


def test_a_file_that_may_not_be_read_is_counted(tmp_path, monkeypatch, capsys):
    folder = fill(tmp_path / "set", range(4))
    whole = type(folder).open

    def locked(path, *arguments, **options):
        if path.name == "3.png":
            raise PermissionError(13, "Permission denied")
        return whole(path, *arguments, **options)

    monkeypatch.setattr(type(folder), "open", locked)
    assert len(every_image(folder)[0]) == 3
    assert "left out: 1 unreadable (Permission denied)." in capsys.readouterr().out


def test_nothing_is_written_into_the_folder(some):
    (some / "text").write_text("x", encoding="utf-8")

    def state():
        return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in some.iterdir()}

    before, changed = state(), some.stat().st_mtime_ns
    load(some)
    assert state() == before and some.stat().st_mtime_ns == changed


# Odd paths


def test_a_path_may_begin_at_the_working_directory_the_course_or_home(some, tmp_path, monkeypatch):
    expected = load(some)[0].name
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for path in ("some", "./some", "some/", "../" + tmp_path.name + "/some", "~/some", some):
        assert load(path)[0].name == expected
    monkeypatch.chdir(COURSE / "notebooks")
    monkeypatch.setattr(folders, "COURSE", tmp_path)
    assert load("./some")[0].name == expected


def test_a_folder_called_like_a_set_of_the_course_is_told_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "digits", range(4))
    assert len(load("digits")[0]) == 4000
    assert load("./digits")[0].name not in ("digits", load("digits")[0].name)


def test_a_path_without_a_folder_says_where_it_was_looked_for(tmp_path, monkeypatch, refuses):
    monkeypatch.chdir(tmp_path)
    with refuses("there is no folder 'cats' in", str(tmp_path / "my"), str(COURSE / "my")):
        load("my/cats")
    with refuses("dataset 'cats' is not known", "or the path of a folder"):
        load("cats")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("cats.zip", "is a file; unpack it"),
        ("C:\\new\\table", "cannot be opened" if os.name == "nt" else "there is no folder"),
        ("C:\new\table", "in Python write / between folders"),
        ("./" + "x" * 5000, "cannot be opened"),
        ("~nobody-of-this-name/cats", "cannot be opened"),
        ("a/\0b", "is no path"),
    ],
)
def test_an_odd_path_is_a_sentence(tmp_path, monkeypatch, path, words, refuses):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cats.zip").write_bytes(b"PK")
    with refuses(words):
        load(path)


@pytest.mark.parametrize("name", [None, 3, "", b"fashion", ["fashion"]])
def test_what_is_no_name_is_refused(name, refuses):
    with refuses("is not known"):
        load(name)


# Around it


def test_claims_step_aside(some, capsys):
    claim = Claims(str(some), 2000, 0, full=2000)
    claim(False, "shirts should be hard")
    said = capsys.readouterr().out
    assert "nothing stops" in said and str(some) in said and "Not so in this run: shirts should be hard." in said


def test_a_tool_takes_a_folder_from_wherever_it_is_called(some, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = notebooks.command_line().parse_args(["try", "gan", "--dataset", "some"])
    assert options.dataset == str(some)
    assert notebooks.command_line().parse_args(["try", "--dataset", "fashion_full"]).dataset == "fashion_full"
    with pytest.raises(SystemExit):
        notebooks.command_line().parse_args(["try", "--dataset", "fasion"])
    assert "'fasion' is neither a data set of the course (fashion, digits" in capsys.readouterr().err


@pytest.mark.parametrize(("classes", "words"), [((2, 10), "1 class, "), ((10, 10), "do with 10; "), ((4, 9), "4 to 9")])
def test_a_lesson_that_is_told_classes_refuses_other_numbers(some, classes, words, refuses):
    with refuses(words, "each subfolder is a class"):
        load(some, class_counts=classes)


@pytest.mark.parametrize("classes", [None, (1, 10), (1, 1)])
def test_a_set_with_as_many_classes_as_a_lesson_can_do_with(some, classes):
    assert len(load(some, class_counts=classes)[0].classes) == 1
    assert len(load("fashion", class_counts=classes and (10, 10))[0].classes) == 10
