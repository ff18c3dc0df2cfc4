"""Pictures of every position of a slider, for a page without a kernel: what `python -m tools.site` shows.

While the environment variable COURSE_RECORD is set, a widget that is displayed brings its recording along, in the
cell's output, as the kind `KIND`: plain data whose pictures are WebP in base64. Lessons have no code for it.
"""

import base64
import io
import math
import os
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
import torch
from PIL import Image

from helpers.plotting import in_colour, to_pixels

KIND = "application/vnd.course.recording+json"
POSITIONS = 600  # pictures of one widget at most; a finer grid is thinned
BYTES = 2_000_000  # size of its pictures, as WebP: above it they lose a little, then a grid is thinned
STRIP = 2_000_000  # pixels of one strip of pictures at most: a browser unpacks that many in a blink
SETTINGS, MOVES, FILM = 4, 4, 24  # of a recorded game: settings, free moves, repetitions of its `play` button


def wanted():
    """Whether displayed widgets are to be recorded."""
    return bool(os.environ.get("COURSE_RECORD"))


def record_sliders(explorer, names=None):
    """The recording of an explorer: its controls, and a picture for every combination of their positions.

    names: which controls are recorded, all if None; the others stay where they are, and a page does not show them.
    """
    recorded = explorer.controls if names is None else {name: explorer.controls[name] for name in names}
    scales = thinned({name: positions(control) for name, control in recorded.items()}, POSITIONS)
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        frames = [
            to_pixels(explorer.draw(**explorer.values() | dict(zip(scales, values, strict=True))))
            for values in product(*(scale.values for scale in scales.values()))
        ]
    strips = encoded(frames)
    while size(strips) > BYTES and (coarser := thinned(scales, len(frames) // 2)) != scales:
        frames = chosen(frames, scales, coarser)
        scales, strips = coarser, encoded(frames)
    return {"kind": "sliders", **about(explorer, scales), **strips}


def record_player(explorer):
    """The recording of a game: for every setting of its controls, the pictures after the first moves.

    Known are the first `MOVES` moves, of one kind or first of one and then of another, and `FILM` moves of `play`. What
    the actions change has to hang on them (methods, or `partial`s of these), so that it can be copied.
    """
    scales = thinned({name: positions(control) for name, control in explorer.controls.items()}, SETTINGS)
    frames, settings = {}, []
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        for values in product(*(scale.values for scale in scales.values())):
            settings.append(played(explorer, dict(zip(scales, values, strict=True)), frames))
    pictures = [np.frombuffer(data, np.uint8).reshape(shape) for data, shape in frames]
    game = {"actions": list(explorer.actions), "play": explorer.repeated, "settings": settings}
    game["interval"] = explorer.play.interval
    return {"kind": "player", **about(explorer, scales), **game, **encoded(pictures)}


def played(explorer, values, frames):
    """The moves of one game as [[picture, {action: where it leads}], ...]; pictures are numbers in `frames`.

    An action that leads back to the first picture leads back to the start.
    """
    nodes = []

    def visit(draw, actions, moves):
        pixels = to_pixels(draw(**values))
        picture = frames.setdefault((pixels.tobytes(), pixels.shape), len(frames))
        if nodes and picture == nodes[0][0]:
            return 0
        here, ways = len(nodes), {}
        nodes.append([picture, ways])
        for label in actions:
            way = [*moves, label]
            switches = sum(one != other for one, other in pairwise(way))
            if (switches < 2 and len(way) <= MOVES) or (len(way) <= FILM and {*way} == {explorer.repeated}):
                own_draw, own_actions = deepcopy((draw, actions))
                own_actions[label](**values)
                ways[label] = visit(own_draw, own_actions, way)
        return here

    visit(explorer.draw, explorer.actions, [])
    back = {label for _, ways in nodes[1:] for label, there in ways.items() if there == 0}
    for _, ways in nodes:
        ways.update(dict.fromkeys(back, 0))
    return nodes


def record_question(question):
    """The recording of a question: its options, and what is answered to each."""
    before, answers = question.chosen, []
    options = [button.description for button in question.buttons]
    for option in options:
        question.chosen = option
        answers.append(question.answer())
    question.chosen = before
    return {"kind": "question", "question": question.question, "options": options, "answers": answers}


@dataclass(frozen=True)
class Scale:
    """The positions of one control, how each is written, the number of the start, and whether they are words."""

    values: list
    labels: list
    start: int
    words: bool = False

    def every(self, step):
        """A coarser scale: every `step`-th position, the start and both ends among them."""
        last = len(self.values) - 1
        kept = sorted({0, last, *range(self.start % step, last + 1, step)})
        values, labels = ([old[i] for i in kept] for old in (self.values, self.labels))
        return Scale(values, labels, kept.index(self.start), self.words)


def positions(control):
    """The positions of a slider or of a list, as its reader sees them."""
    options = getattr(control, "options", None)
    if options is not None:
        words = not all(isinstance(option, int | float) for option in options)
        return Scale(list(options), [str(option) for option in options], list(options).index(control.value), words)
    count = round((control.max - control.min) / control.step + 1e-6) + 1
    values = [min(control.min + i * control.step, control.max) for i in range(count)]
    whole = all(isinstance(value, int) for value in values)
    values = values if whole else [round(value, 10) for value in values]
    start = min(range(len(values)), key=lambda i: abs(values[i] - control.value))
    return Scale(values, [str(value) if whole else f"{value:.2f}" for value in values], start)


def thinned(scales, limit):
    """{name: scale} with at most `limit` combinations, where sliders of numbers can be made that coarse; words stay."""
    steps = dict.fromkeys(scales, 1)
    while True:
        coarser = {name: scale.every(steps[name]) for name, scale in scales.items()}
        lengths = {name: len(scale.values) for name, scale in coarser.items()}
        longest = max((name for name in scales if not scales[name].words), key=lengths.get, default=None)
        if math.prod(lengths.values()) <= limit or longest is None or lengths[longest] <= 2:
            return coarser
        steps[longest] += 1


def chosen(frames, scales, coarser):
    """Those of the frames, one for each combination of `scales`, that are combinations of `coarser`, too."""
    places = [[scale.values.index(value) for value in coarser[name].values] for name, scale in scales.items()]
    shape = [len(scale.values) for scale in scales.values()]
    return [frames[np.ravel_multi_index(place, shape)] for place in product(*places)]


def about(explorer, scales):
    """What a page needs to know of an explorer: its controls, and how wide the picture is shown."""
    controls = [
        {"name": name, "labels": scale.labels, "start": scale.start, "words": scale.words}
        for name, scale in scales.items()
    ]
    return {"controls": controls, "width": int(explorer.picture.width), "sharp": explorer.zoom > 1}


def encoded(frames):
    """Pictures (H, W) or (H, W, 3), uint8, as strips of WebP, each picture below the one before it.

    They are exact, and where they have much in common, that is one picture more, the ground, and the strips hold what
    differs from it. Only if that is too large, they lose a little.
    """
    frames = [in_colour(frame) for frame in frames]
    some = frames[:: len(frames) // 15 + 1]
    ground = np.sort(some, axis=0)[len(some) // 2]
    height, width = ground.shape[:2]
    each = max(1, min(32, STRIP // (width * height), 16_000 // height))  # WebP ends at 16,383 lines

    def strips(pictures, **options):
        return [webp(np.concatenate(pictures[i : i + each]), **options) for i in range(0, len(pictures), each)]

    found = {"size": [width, height], "each": each, "ground": None}
    differs = [(frame != ground).any(axis=2) for frame in frames]
    if np.mean(differs) < 0.5:
        layers = zip(frames, differs, strict=True)
        exact = strips([np.dstack([frame * where[..., None], where * np.uint8(255)]) for frame, where in layers])
        found["ground"] = webp(ground)
    else:
        exact = strips(frames)
    found["strips"] = exact
    return found if size(found) <= BYTES else found | {"ground": None, "strips": strips(frames, lossless=False)}


def webp(pixels, lossless=True):
    """An array (H, W, 3 or 4) as WebP in base64."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "webp", lossless=lossless, quality=70, method=4)
    return base64.b64encode(buffer.getvalue()).decode()


def size(strips):
    """Bytes of the pictures that `encoded` returned."""
    return sum(len(strip) for strip in strips["strips"]) * 3 // 4
