"""Images of your own: `load("path/to/folder")` reads a folder with this. Nothing is written into it."""

import hashlib
import os
import time
import unicodedata
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from helpers.files import COURSE, CourseError, checksum, reason

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")  # none that runs a program
ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jp2", ".ppm", ".pgm")
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # kinds of file that phones write
LARGEST = 50_000_000  # pixels that are decoded at once, 200 MB; of a JPEG larger than that, a smaller one is decoded
LIMIT = 20_000  # files that are read: in colour, 64 x 64, they fill 1 GB as float32
TEST_SHARE = 5  # one picture in so many is for testing
BATCH = 128  # images that most lessons train on at once
SPLIT_ALREADY = {"train", "training", "test", "testing", "val", "valid", "validation"}


class LeftOut(Exception):
    """Why a file is not among the pictures, in words that complete "left out: 3 ..."."""


# Which files


def is_path(text):
    """Whether `text` is meant as the path of a folder: it is written like one, or there is one of this name."""
    there = text.strip() and any(os.path.isdir(place / text) for place in (Path.cwd(), COURSE))
    return bool(there) or any(sign in text for sign in "/\\~.\n\t")


def find_folder(path):
    """The folder that `path` means, below the working directory, else below the course's folder."""
    text = os.fspath(path)
    if not text.strip() or any(unicodedata.category(c) == "Cc" for c in text):
        raise CourseError(f"{text!r} is no path; in Python write / between folders, or r'...' around a path with \\")
    try:
        given = Path(text).expanduser()
        places = [Path.cwd() / given, COURSE / given]
        found = [place for place in places if place.exists()]
        if not found:
            looked = " and ".join(str(place.parent) for place in dict.fromkeys(places))
            raise CourseError(f"there is no folder {given.name!r} in {looked}; check the path {text!r}")
        if not found[0].is_dir():
            raise CourseError(f"{text!r} is a file; unpack it if it is an archive, and give the folder with the images")
        return found[0].resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a name that is too long, ~somebody, a locked folder
        why = reason(error) if isinstance(error, OSError) else error
        raise CourseError(f"the folder {text!r} cannot be opened ({why})") from error


def visible(folder):
    """(Folders, files) of a folder, two lists of paths in order of their names; hidden ones are passed over."""
    with os.scandir(folder) as entries:
        found = sorted((Path(entry.path), is_folder(entry)) for entry in entries if not hidden(entry.name))
    return [path for path, inner in found if inner], [path for path, inner in found if not inner]


def is_folder(entry):
    """Whether an entry of a folder is a folder, or a link to one; not a link that leads round in a circle."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def hidden(name):
    """Whether systems, not people, made a file of this name."""
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")


def all_files(folder, seen):
    """(Files in a folder and below, how many folders may not be opened).

    seen: real paths of folders that are not entered; those that were are added, so that no link leads in a circle.
    """
    files, locked, waiting = [], 0, [folder]
    while waiting:
        try:
            inner, some = visible(waiting.pop())
        except OSError:
            locked += 1
            continue
        files += some
        for path in inner:
            if (real := os.path.realpath(path)) not in seen:
                seen.add(real)
                waiting.append(path)
    return files, locked


def files_of_classes(folder):
    """([(file, name of its subfolder or "")], Counter of why others are left out) of a folder."""
    try:
        folders, files = visible(folder)
    except OSError as error:
        raise CourseError(f"the folder {str(folder)!r} cannot be opened ({reason(error)})") from error
    names = {inner.name.lower() for inner in folders}
    if len(names & SPLIT_ALREADY) > 1:
        raise CourseError(
            f"the subfolders of {folder.name!r} ({', '.join(sorted(names))}) are parts, not classes; the course makes "
            f"its own test set, so give one of them: {str(folder / folders[0].name)!r}"
        )
    found, left = [(file, "") for file in files], Counter()
    seen = {os.path.realpath(path) for path in (folder, *folders)}
    for inner in folders:
        some, locked = all_files(inner, seen)
        found += [(file, inner.name) for file in some]
        left["folders that may not be opened"] += locked
    return found, +left


def at_most(found, limit, folder):
    """`limit` of the files found, chosen by their names alone; says so if there are more."""
    if len(found) <= limit:
        return found
    print(
        f"{printable(folder.name)}: {len(found):,} files; {limit:,} of them, chosen by their names, are read "
        f"(load(..., limit={len(found)}) reads all)"
    )

    start = len(folder.as_posix())

    def lot(pair):
        return hashlib.sha256(os.fsencode(pair[0].as_posix()[start:])).digest()

    return sorted(sorted(found, key=lot)[:limit])


# One picture


def read_picture(path, shape):
    """(Pixels uint8 of `shape`, whether white shows through, SHA-256 of the file) of a picture.

    shape: (H, W) for grey, (H, W, 3) for colour. Raises `LeftOut`.
    """
    try:
        if not path.is_file():  # a link to nothing; a pipe, which would never end
            raise LeftOut("not there (links to nothing)" if path.is_symlink() else "not files")
        with path.open("rb") as file:
            try:
                pixels, on_white = as_array(file, shape)
            except UnidentifiedImageError as error:
                raise LeftOut(what_it_is(file, path)) from error
            except (Image.DecompressionBombError, MemoryError) as error:
                raise LeftOut("too large") from error
            except LeftOut:
                raise
            except Exception as error:  # what the decoders raise for broken files is of every kind
                raise LeftOut("broken") from error
            file.seek(0)
            return pixels, on_white, hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise LeftOut(f"unreadable ({reason(error)})") from error


def what_it_is(file, path):
    """Why Pillow knows no picture in an open file."""
    file.seek(0)
    head = file.read(16)
    if not head:
        return "empty"
    if head[4:8] == b"ftyp" and head[8:12] in HEIC:
        return "HEIC, which Python cannot read: save them as JPEG"
    return "broken" if path.suffix.lower() in ENDINGS else "not images"


def as_array(file, shape):
    """(Pixels uint8 of `shape`, whether white shows through) of an open file: the middle, upright, shrunk to fit."""
    Image.init()
    picture = Image.open(file, formats=[name for name in FORMATS if name in Image.OPEN])
    picture.draft(None, (4 * shape[1], 4 * shape[0]))  # a JPEG can be decoded at half its size, a quarter, an eighth
    if picture.width * picture.height > LARGEST:
        raise LeftOut("too large")
    picture, on_white = flattened(upright(picture), "L" if len(shape) == 2 else "RGB")
    return np.asarray(ImageOps.fit(picture, shape[1::-1])), on_white


def upright(picture):
    """The picture, turned as the camera noted in EXIF; as it is, where that note is broken."""
    picture.load()
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # whatever is wrong with the note, the pixels are good
        return picture


def flattened(picture, mode):
    """(The picture in `mode`, "L" or "RGB", whether it has transparent parts); what is transparent becomes white."""
    if picture.mode in ("F", "I") or picture.mode.startswith("I;16"):  # finer than bytes, and grey
        picture = Image.fromarray(as_grey_bytes(np.asarray(picture)))
    if not picture.has_transparency_data:
        return picture.convert("RGB").convert(mode), False
    picture = picture.convert("RGBA")
    white = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(white, picture).convert(mode), picture.getextrema()[3][0] < 255


def as_grey_bytes(values):
    """Grey values (H, W) of 16 bits, or of decimals from 0 to 1 or to 255, as uint8."""
    low, high = values.min(), values.max()
    if not (low >= 0 and high < 2**16):  # nan, too
        raise LeftOut("no pictures: their values are not grey levels")
    if values.dtype.kind == "f":
        return (values * (255 if high <= 1 else 1)).clip(0, 255).round().astype(np.uint8)
    return (values >> 8 if high > 255 else values).astype(np.uint8)


# All of them


def read_all(found, shape, left):
    """[(row of pixels, name of its subfolder, digest of its file, whether white shows through)] and pixels (N, ...).

    left: a Counter, to which the reasons for what is no picture are added. Says how long it takes if that is long.
    """
    pixels = np.empty((len(found), *shape), dtype=np.uint8)
    pictures, started, said = [], time.perf_counter(), False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, on odd files
        for count, (path, place) in enumerate(found, start=1):
            try:
                pixels[len(pictures)], on_white, digest = read_picture(path, shape)
                pictures.append((len(pictures), printable(place), digest, on_white))
            except LeftOut as why:
                left[str(why)] += 1
            took = time.perf_counter() - started
            if took > 5 and not said and count < 0.8 * len(found):
                print(f"reading {len(found):,} files: about {took / count * len(found):.0f} s", flush=True)
                said = True
    return pictures, pixels


def are_for_test(pixels, digests):
    """Which pictures are for testing, (N,) bool: what their files hold decides, not their names or their order.

    Pictures that look the same in `pixels` stay together, whichever files they come from; None if all do. There is at
    least one on each side.
    """
    looks = [hashlib.sha256(picture.tobytes()).digest() for picture in pixels]
    first = {}
    for look, digest in zip(looks, digests, strict=True):
        first[look] = min(digest, first.get(look, digest))
    if len(first) < 2:
        return None
    lots = sorted(first, key=first.get)
    chosen = {look for look in lots if int(first[look], 16) % TEST_SHARE == 0} or {lots[0]}
    chosen = chosen if len(chosen) < len(lots) else chosen - {lots[0]}
    return np.array([look in chosen for look in looks])


def printable(name):
    """A file's name as text that can be shown everywhere, whatever bytes it is made of."""
    return unicodedata.normalize("NFC", os.fsencode(name).decode("utf-8", "replace"))


def folder_arrays(path, shape, invert, limit):
    """(Name, arrays, classes) of a folder of pictures; arrays as in the files of the course, see data/README.md.

    shape: (C, H, W); invert, limit: see `helpers.datasets.load`. Prints what was done.
    """
    folder = find_folder(path)
    channels, height, width = shape
    found, left = files_of_classes(folder)
    pictures, pixels = read_all(
        at_most(found, limit, folder), (height, width) if channels == 1 else (height, width, 3), left
    )
    inside = [picture for picture in pictures if picture[1]]
    beside = [picture for picture in pictures if not picture[1]]
    if len(inside) >= len(beside):
        left["pictures beside the subfolders"] += len(beside)
    else:
        left["pictures in subfolders"] += len(inside)
    pictures = sorted(max(inside, beside, key=len), key=lambda picture: picture[2])  # a mixture, always the same
    rest = left_out_in_words(left)
    if not pictures:
        raise CourseError(f"there is no picture in the folder {str(folder)!r}{rest or ', and nothing else'}")
    rows, places, digests, on_white = (list(column) for column in zip(*pictures, strict=True))
    called = printable(folder.name) or "images"
    classes = sorted(set(places)) if places[0] else [called]
    labels = np.array([classes.index(place) if place else 0 for place in places])
    pixels = pixels[rows]
    if (channels == 1) != invert:  # grey is ink: what is dark in the picture is 1
        np.subtract(255, pixels, out=pixels)
    test = are_for_test(pixels, digests)
    if test is None:
        few = "one picture" if len(pictures) == 1 else f"{len(pictures):,} pictures, all the same"
        raise CourseError(
            f"the folder {str(folder)!r} has {few}{rest}; training and testing need two that differ, and the "
            f"lessons {2 * BATCH} or more"
        )
    name = f"{called}_{checksum(repr((shape, invert, sorted(zip(digests, places, strict=True)))))}"
    of_each = ", ".join(f"{k} {n:,}" for k, n in zip(classes, np.bincount(labels).tolist(), strict=True))
    several = f" in {len(classes)} classes ({of_each})" if len(classes) > 1 else ", one class"
    print(
        f"{name}: {len(pictures):,} pictures{several}; {(~test).sum():,} to train, {test.sum():,} to test. Of each the "
        f"middle, {height} x {width}, {'grey' if channels == 1 else 'in colour'}{rest}."
    )
    for note in notes(pixels, test, sum(on_white), channels, invert):
        print(note)
    parts = {"train": ~test, "test": test}
    arrays = {f"{split}_images": pixels[part] for split, part in parts.items()}
    return name, arrays | {f"{split}_labels": labels[part] for split, part in parts.items()}, tuple(classes)


def left_out_in_words(left):
    """What was left out, as the end of a sentence; nothing if that is nothing."""
    some = "; ".join(f"{count:,} {why}" for why, count in left.most_common() if count)
    return f"; left out: {some}" if some else ""


def notes(pixels, test, on_white, channels, invert):
    """Sentences on what a learner should know of these pictures."""
    if on_white:
        yield f"{on_white:,} of them have transparent parts: they lie on white."
    edge = pixels[:, [0, -1]].mean()  # the first and the last row: mostly background
    if channels == 1 and edge > 0.8 * 255:
        how = "load(dataset)" if invert else "load(dataset, invert=True)"
        yield f"Their background is dark; the course's own is white: {how} turns dark and bright round."
    if (~test).sum() < BATCH:
        yield f"The lessons train on {BATCH} pictures at a time; with fewer to train, their cells stop and say so."
