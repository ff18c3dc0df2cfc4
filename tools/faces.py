"""Draw the faces of data/faces.npz again, byte for byte: `python -m tools.faces`.

This module chooses every attribute of every face. Node.js (18 or newer) draws them: npm fetches the design and the
renderer in the versions of tools/dicebear/package-lock.json, which also holds their checksums.
"""

import argparse
import itertools
import json
import random
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from helpers.faces import ATTRIBUTES, HELD_OUT, SUBTLE
from helpers.files import COURSE, DATA, CourseError, sha256
from tools.data import write_npz
from tools.notebooks import command

SEED = 0
SIZES = {"train": 9000, "test": 1000}
HELD_OUT_SHARE = 0.1  # of the test faces
SIZE, TILE = 64, 8  # pixels of a picture, and of a tile, each way
DRAWING = COURSE / "tools" / "dicebear"
OPTIONS = {  # attribute -> what DiceBear's "Personas" calls it
    "hair": "hair", "hair_color": "hairColor", "shirt": "body", "shirt_color": "clothingColor", "skin": "skinColor",
    "eyes": "eyes", "mouth": "mouth", "nose": "nose", "beard": "facialHair", "background": "background",
}  # fmt: skip
VALUES = {  # attribute -> {word: what "Personas" calls it}; the colours are ours, each easy to name
    "hair": {
        "short hair": "shortCombover", "quiff": "fade", "mohawk": "mohawk", "afro": "curly", "curls": "curlyHighTop",
        "long hair": "long", "bob": "bobBangs", "pigtails": "pigtails", "bun": "straightBun", "beanie": "beanie",
    },
    "hair_color": {
        "black": "2b2333", "brown": "84441a", "blond": "f2c14e", "white": "eef0f7",
        "red": "d7263d", "pink": "ff7bbf", "blue": "2f6fe4", "green": "2fa84f",
    },
    "shirt": {"plain": "squared", "checked": "checkered", "wrap": "small"},
    "shirt_color": {
        "red": "d62839", "orange": "f58220", "yellow": "f9d62e", "green": "2e9e4a",
        "blue": "2f62d9", "purple": "7b3fb5", "pink": "f57fb5", "black": "2a2a33",
    },
    "skin": {"light": "f6d3bf", "tan": "dfa878", "brown": "a87250", "dark": "5a3a2d"},
    "eyes": {
        "open": "open", "closed": "sleep", "wink": "wink",
        "happy": "happy", "glasses": "glasses", "sunglasses": "sunglasses",
    },
    "mouth": {
        "smile": "smile", "laugh": "bigSmile", "frown": "frown",
        "surprise": "surprise", "lips": "lips", "pacifier": "pacifier",
    },
    "nose": {"medium": "mediumRound", "small": "smallRound", "wrinkled": "wrinkles"},
    "beard": {"none": None, "moustache": "pyramid", "goatee": "goatee", "full beard": "beardMustache"},
    "background": {"blue": "bfe0f2", "yellow": "f7e6b8", "green": "c5e8cf", "lilac": "dcd3f2"},
}  # fmt: skip


def dealt(deck, n, rng):
    """n cards from as many copies of a deck, in random order: each card as often as the others, or once more.

    Sorted by `rng.random()`, the one method that gives the same numbers in every version of Python.
    """
    cards = [deck[i % len(deck)] for i in range(n)]
    return [cards[i] for _, i in sorted((rng.random(), i) for i in range(n))]


def colors(split, n, rng):
    """n pairs (hair colour, shirt colour), as numbers: all equally often, but those of HELD_OUT in "test" alone."""
    words = ATTRIBUTES["hair_color"], ATTRIBUTES["shirt_color"]
    held_out = [tuple(values.index(word) for values, word in zip(words, pair, strict=True)) for pair in HELD_OUT]
    allowed = [pair for pair in itertools.product(*map(range, map(len, words))) if pair not in held_out]
    rare = round(HELD_OUT_SHARE * n) if split == "test" else 0
    pairs = dealt(allowed, n - rare, rng) + dealt(held_out, rare, rng)
    return dealt(pairs, n, rng)


def choose(split, n, rng):
    """n faces, {attribute: number of its value}: every value as often as the others, but half of all have no beard.

    The hair styles come in turn, so that the first 10 k faces hold k of each; everything else is shuffled.
    """
    decks = {name: range(len(words)) for name, words in ATTRIBUTES.items()} | {"beard": (0, 0, 0, 1, 2, 3)}
    columns = {name: dealt(deck, n, rng) for name, deck in decks.items()}
    columns["hair"] = [i % len(ATTRIBUTES["hair"]) for i in range(n)]
    columns["hair_color"], columns["shirt_color"] = zip(*colors(split, n, rng), strict=True)
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def look(face):
    """What an eye can tell of a face."""
    return tuple(value for name, value in face.items() if name not in (*SUBTLE, "background"))


def make_distinct(faces, seen, rng):
    """Change faces that look like one in `seen`, or like one before them, and add all to `seen`.

    A face changes eyes with a later one, so that all eyes stay as frequent as they were.
    """
    for i, face in enumerate(faces):
        while look(face) in seen:
            other = faces[i + 1 + int(rng.random() * (len(faces) - i - 1))]
            face["eyes"], other["eyes"] = other["eyes"], face["eyes"]
        seen.add(look(face))


def choose_all():
    """{split: list of faces}: no two look the same, and no pair of HELD_OUT is among those of "train"."""
    rng, seen = random.Random(SEED), set()
    faces = {split: choose(split, n, rng) for split, n in SIZES.items()}
    for some in faces.values():
        make_distinct(some, seen, rng)
    return faces


def options_of(face):
    """The options of DiceBear's "Personas" for a face."""
    return {OPTIONS[name]: VALUES[name][ATTRIBUTES[name][value]] for name, value in face.items()}


def call(*words, cwd):
    """Run a program of Node.js; a CourseError if it is not here, or fails."""
    program = shutil.which(words[0])  # on Windows npm is npm.cmd
    if not program:
        raise CourseError(f"{words[0]} is not here; install Node.js 18 or newer, https://nodejs.org")
    ended = subprocess.run([program, *words[1:]], cwd=cwd, capture_output=True, text=True, encoding="utf-8")
    if ended.returncode:
        raise CourseError(f"`{' '.join(words)}` failed:\n{ended.stderr.strip() or ended.stdout.strip()}")


def draw(faces):
    """uint8 (N, 64, 64, 3) of N faces."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for file in ("package.json", "package-lock.json", "render.mjs"):
            shutil.copy(DRAWING / file, folder)
        call("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
        wishes = json.dumps([options_of(face) for face in faces])
        (folder / "faces.json").write_text(wishes, encoding="utf-8", newline="\n")
        call("node", "render.mjs", "faces.json", "pixels", cwd=folder)
        return np.fromfile(folder / "pixels", np.uint8).reshape(len(faces), SIZE, SIZE, 3)


def as_tiles(images):
    """Images uint8 (N, 64, 64, 3) as a mosaic: different tiles (K, 8, 8, 3), and which lie where, (8, 8, N).

    Faces share most of their parts, so that the tiles are few. They are numbered place by place, so that the numbers
    that stand beside each other differ little, which compresses well.
    """
    n, places = len(images), SIZE // TILE
    cut = images.reshape(n, places, TILE, places, TILE, 3).transpose(1, 3, 0, 2, 4, 5).reshape(-1, TILE * TILE * 3)
    numbers = {}
    where = np.array([numbers.setdefault(tile.tobytes(), len(numbers)) for tile in cut])
    tiles = np.frombuffer(bytearray().join(numbers), np.uint8).reshape(-1, TILE, TILE, 3)
    return tiles, where.astype(np.min_scalar_type(len(tiles))).reshape(places, places, n)


def build(destination):
    """Write faces.npz into `destination`."""
    faces = choose_all()
    tiles, where = as_tiles(draw([face for some in faces.values() for face in some]))
    arrays, start = {"tiles": tiles}, 0
    for split, some in faces.items():
        arrays[f"{split}_tiles"] = where[:, :, start : start + len(some)]
        arrays[f"{split}_attributes"] = np.array([list(face.values()) for face in some], np.uint8)
        start += len(some)
    write_npz(destination / "faces.npz", arrays)


def main(arguments):
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(
        "python -m tools.faces", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--into", type=Path, default=DATA, help="where to write (default: data/)")
    options = parser.parse_args(arguments)
    build(options.into)
    print(sha256(options.into / "faces.npz"), "faces.npz")


if __name__ == "__main__":
    command(main)
