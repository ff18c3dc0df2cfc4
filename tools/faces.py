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
SIZE = 64
DRAWING = COURSE / "tools" / "dicebear"
DESIGN = {  # attribute -> the option of DiceBear's "Personas", and what it is for each value, in the order of ATTRIBUTES
    "hair": (
        "hair",
        ("shortCombover", "fade", "mohawk", "curly", "curlyHighTop", "long", "bobBangs", "pigtails", "straightBun", "beanie"),
    ),
    "hair_color": ("hairColor", ("2b2333", "84441a", "f2c14e", "eef0f7", "d7263d", "ff7bbf", "2f6fe4", "2fa84f")),
    "shirt": ("body", ("squared", "checkered", "small")),
    "shirt_color": ("clothingColor", ("d62839", "f58220", "f9d62e", "2e9e4a", "2f62d9", "7b3fb5", "f57fb5", "2a2a33")),
    "skin": ("skinColor", ("f6d3bf", "dfa878", "a87250", "5a3a2d")),
    "eyes": ("eyes", ("open", "sleep", "wink", "happy", "glasses", "sunglasses")),
    "mouth": ("mouth", ("smile", "bigSmile", "frown", "surprise", "lips", "pacifier")),
    "nose": ("nose", ("mediumRound", "smallRound", "wrinkles")),
    "beard": ("facialHair", (None, "pyramid", "goatee", "beardMustache")),
    "background": ("background", ("bfe0f2", "f7e6b8", "c5e8cf", "dcd3f2")),
}


def dealt(deck, n, rng):
    """The cards of a deck, as many decks as n cards take, in random order: each card as often as the others, or once more.

    Sorted by `rng.random()`, the one method that gives the same numbers in every version of Python.
    """
    cards = [deck[i % len(deck)] for i in range(n)]
    return [cards[i] for _, i in sorted((rng.random(), i) for i in range(n))]


def colors(split, n, rng):
    """n pairs (hair colour, shirt colour) as numbers: each allowed pair equally often; the held-out ones in test only."""
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


def options(face):
    """The options of DiceBear's "Personas" for a face."""
    return {DESIGN[name][0]: DESIGN[name][1][value] for name, value in face.items()}


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
        (folder / "faces.json").write_text(json.dumps([options(face) for face in faces]), encoding="utf-8")
        call("node", "render.mjs", "faces.json", "pixels", cwd=folder)
        return np.fromfile(folder / "pixels", np.uint8).reshape(len(faces), SIZE, SIZE, 3)
