"""What trainings leave: weights, histories, and images with what they cost; no pickles, and no file stays open.

Weights and histories are safetensors files in weights/, images are NumPy archives in samples/: the learner's own below
results/, the course's below data/. There is one way to write a file and one to read it, and one rule that says whose
counts.
"""

import io
import json
import platform
import re
import time
import zipfile
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_safetensors
from safetensors.torch import save as as_safetensors

from helpers.arguments import at_least_zero, checked_seed
from helpers.datasets import CLASSES, as_images, as_uint8, check_images
from helpers.files import (
    FIRST_EDITION,
    CourseError,
    Interrupted,
    checksum,
    contents,
    file_part,
    is_listed,
    is_shipped,
    keep,
    lesson_of,
    name_first_edition,
    own_file,
    own_files,
    own_folder,
    remedy,
    shipped_folder,
    whose,
)
from helpers.training import titled

JUDGE = "judge"  # how the names of weights begin that no lesson trains
HISTORY = "history."  # how the keys of a history begin in a file; the rest is its name there
FACTS = {"seed": int, "steps": int, "seconds": int | float, "torch": str, "history": dict}
COUNT = 2000  # images that the comparison needs
RECORDS = "records.json"  # in the course's samples/: what judges said of images that are not shipped


def in_a_line(path, how):
    """What a notebook shows of something kept: its name, whose it is, and how it came to be; no path."""
    return f"{path.stem}: {whose(path)} ({how})"


# Trainings


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """How a training went: its history, seed, steps as given to `train_or_load`, seconds, torch version, its file.

    history: {name: list of numbers | tensor on the CPU}, what `fit` returned.
    """

    history: dict
    seed: int
    steps: int
    seconds: float
    torch: str
    path: Path

    def __repr__(self):
        return in_a_line(self.path, f"{self.steps:,} steps, {self.seconds:.0f} s, seed {self.seed}")

    @property
    def losses(self):
        """The lists of the history, {name: list}."""
        return {name: entry for name, entry in self.history.items() if isinstance(entry, list)}

    @property
    def shipped_steps(self):
        """Of a learner's run: how many steps the shipped one of the same name had; None if there is none."""
        shipped = shipped_folder("weights") / self.path.name
        return read_run(shipped)[1].steps if shipped.is_file() and not is_shipped(self.path) else None


def train_or_load(name, fit, model, data, steps, seed, ema=None, **options):
    """Train with `history = fit(model, data, steps, seed, **options)`, time and keep it; `steps` = 0 loads instead.

    history: {name: list of numbers | tensor}; lists are losses, one number a step, and there is at least one. A loss
    that is nan or infinite is refused; a tensor is a record, and may say nan where there was nothing to measure.
    ema: a copy of `model`, given to fit as ema=ema, which becomes the average of what is trained; its weights are then
    the ones that are kept, and loading fills both. model None: `fit(data, steps, seed, **options)` is called, and only
    its history is kept.
    The file is called NAME_DATASET. Returns the `Run`, and prints it. Raises `Interrupted` when it is stopped, and a
    CourseError, with nothing saved, when the losses or the weights that came out are no numbers.
    """
    whole, start = at_least_zero(steps), checked_seed(seed)
    kept = model if ema is None else checked_ema(model, ema)
    if not own_counts(whole):
        run = load_weights(name, kept, data, whole)
        if ema is not None:
            model.load_state_dict(ema.state_dict())
        return run
    name = f"{name}_{data.name}"
    networks, averaged = ([], {}) if model is None else ([model], {} if ema is None else {"ema": ema})
    started = time.perf_counter()
    try:
        with titled(name):
            returned = fit(*networks, data, whole, start, **averaged, **options)
    except KeyboardInterrupt as stop:
        rest = "nothing was saved, and what an earlier training saved is untouched; run this cell again to train"
        raise Interrupted(f"the training of {name} was stopped half-way; {rest}") from stop
    seconds = round(time.perf_counter() - started, 2)
    history = as_history(returned)
    if found := not_a_number(history) or unusable(state_of(kept), kept):
        raise CourseError(
            f"{name}: {found}; not saved, and what an earlier training saved is untouched: lower the learning rate, or "
            "take another seed, and run the cells again from the one that makes the model"
        )
    facts = {"seed": start, "steps": whole, "seconds": seconds, "torch": torch.__version__}
    path = own_folder("weights") / f"{file_part(name)}.safetensors"
    keep(path, partial(as_bytes, state_of(kept), history, facts))
    run = Run(history, path=path, **facts)
    print(run)
    return run


def load_weights(name, model, data, steps):
    """Fill `model` (None: there is only a history) with the weights NAME_DATASET; `steps`: see `own_counts`.

    Returns the `Run`, and prints it. Raises a CourseError when there are none, or they are damaged or do not fit.
    """
    file = f"{file_part(f'{name}_{data.name}')}.safetensors"
    path = (own_counts(steps) and own_file("weights", file)) or shipped_folder("weights") / file
    if is_shipped(path) and not path.is_file() and not is_listed(path):
        raise CourseError(f"no weights '{name}_{data.name}' are shipped; {advice(name, data.name)}")
    tensors, run = read_run(path)
    if shapes(state_of(model)) != shapes(tensors):
        changed = f"the model was changed; {advice(name, data.name)}"
        raise CourseError(
            f"{path.name} holds the weights of another model; {changed if is_shipped(path) else remedy(path)}"
        )
    if found := unusable(tensors, model):
        raise CourseError(f"{path.name} is of no use: {found}; {remedy(path)}")
    if model is not None:
        model.load_state_dict(tensors)
    print(run)
    return run


def advice(name, dataset):
    """How to get weights that are not shipped, or not for this model."""
    if name.partition("_")[0] != JUDGE:
        return f"run {lesson_of(name)} with this data set and with steps above 0"
    if dataset in CLASSES:
        tool = "tools.attributes" if dataset == "faces" else "tools.judges"
        return f"`python -m {tool}`, run in the course's folder, trains the judge of this edition"
    return "`load_judge(train)` of helpers.judge trains one on your images"


def checked_ema(model, ema):
    """`ema` if it is a module of the same kind as `model` with weights of its own; otherwise a CourseError."""
    trained = set() if model is None else {id(weight) for weight in model.parameters()}
    shared = any(id(weight) in trained for weight in ema.parameters())
    if model is None or shared or shapes(state_of(model)) != shapes(state_of(ema)):
        raise CourseError("ema should be a copy of the model, made with deepcopy(model): it becomes an average of it")
    return ema


def state_of(model):
    """The state_dict of a model, empty without one."""
    return {} if model is None else model.state_dict()


def shapes(state):
    """{key: shape} of a state_dict; None for what is no tensor."""
    return {key: getattr(value, "shape", None) for key, value in state.items()}


def as_history(returned):
    """{name: list of floats | tensor on the CPU} of what a `fit` returned; a CourseError if it is no history.

    Numbers are rounded to float32 now, so that a history is the same before and after a file.
    """
    what = type(returned).__name__
    try:
        history = {}
        for name, entry in returned.items():
            what = f"a history whose {name!r} is of type {type(entry).__name__}"
            if not isinstance(name, str) or not isinstance(entry, torch.Tensor | list) or entry == []:
                raise TypeError("no name, or neither a tensor nor a list of numbers")
            if isinstance(entry, torch.Tensor):
                history[name] = entry.detach().cpu().clone()
            else:
                history[name] = torch.tensor([float(x) for x in entry], dtype=torch.float64).float().tolist()
        what = "a history without a list" if history else "an empty history"
        if not any(isinstance(entry, list) for entry in history.values()):
            raise TypeError("no losses")
        return history
    except (AttributeError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise CourseError(
            f"fit returned {what}; it should return {{name: list of numbers or tensor}} with the losses of all steps "
            "in at least one list; nothing was saved, but what was trained is still in memory"
        ) from error


def not_a_number(history):
    """Which loss of a history is nan or infinite, and since when, in words; "" if none is."""
    for name, losses in history.items():
        bad = (~torch.tensor(losses).isfinite()).nonzero() if isinstance(losses, list) else ()
        if len(bad):
            player = "" if name == "loss" else f" of {name}"
            return f"the loss{player} is {losses[bad[0, 0]]} since step {bad[0, 0] + 1}"
    return ""


def unusable(state, model):
    """Which entry of `state`, a state_dict of `model`, is nan or infinite, in words; "" if none is.

    Buffers may be infinite: masks are.
    """
    buffers = {key for key, _ in model.named_buffers(remove_duplicate=False)} if state else ()
    for key, value in state.items():
        try:
            bad = (value.isnan() if key in buffers else ~value.isfinite()).any()
        except (AttributeError, RuntimeError):  # no tensor, or of a kind that cannot be asked
            bad = False
        if bad:
            return f"its weights are nan or infinite ({key})"
    return ""


def as_bytes(state, history, facts):
    """The content of a weights file: a state_dict, a history, facts; a CourseError if it cannot be written.

    Each tensor is copied, so that two names of one tensor (tied weights) become two entries. safetensors sorts its
    entries, so the metadata keeps the order of the history, and says which of them are lists.
    """
    try:
        kinds = {name: "list" if isinstance(entry, list) else "tensor" for name, entry in history.items()}
        record = {
            f"{HISTORY}{name}": torch.tensor(entry, dtype=torch.float32) if kinds[name] == "list" else entry
            for name, entry in history.items()
        }
        if twice := sorted(record.keys() & state.keys()):
            raise ValueError(f"it has a part of the name {twice[0]!r}, like its history")
        tensors = {key: value.detach().cpu().contiguous().clone() for key, value in (state | record).items()}
        return as_safetensors(tensors, {key: json.dumps(value) for key, value in (facts | {"history": kinds}).items()})
    except Exception as error:  # whatever it is, the training took minutes and must not be lost for it
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise CourseError(f"a weights file cannot hold this network ({why}); it stays in memory") from error


def read_run(path):
    """(state_dict, `Run`) of a weights file of this course; a CourseError says what to do about any other file."""
    content = contents(path)
    try:
        tensors = from_safetensors(content)
        length = int.from_bytes(content[:8], "little")
        metadata = json.loads(content[8 : 8 + length]).get("__metadata__", {})
        facts = {key: json.loads(metadata[key]) for key in FACTS}
        if not all(isinstance(facts[key], kind) for key, kind in FACTS.items()):
            raise ValueError("facts of another kind")
        kinds = facts.pop("history")
        history = {name: tensors.pop(f"{HISTORY}{name}") for name in kinds}
        history = {name: entry.tolist() if kinds[name] == "list" else entry for name, entry in history.items()}
        return tensors, Run(history, path=path, **facts)
    except SafetensorError as error:
        raise CourseError(f"{path.name} is damaged or no safetensors file; {remedy(path)}") from error
    except (KeyError, ValueError) as error:
        raise CourseError(
            f"{path.name} was not written by this course, or by another edition of it; {remedy(path)}"
        ) from error


# Images and what they cost


@dataclass(frozen=True)
class SampleInfo:
    """What images cost: steps and seconds of training, numbers that drawing needs, seconds of drawing all images."""

    model: str
    dataset: str
    steps: int
    seed: int
    seconds: float
    parameters: int
    sampling_seconds: float
    machine: str

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, field.type) or isinstance(value, bool):
                raise CourseError(f"{field.name} is {value!r}; it should be of type {field.type.__name__}")
            if field.type is not str and not 0 <= value < float("inf"):
                raise CourseError(f"{field.name} is {value!r}; it should be 0 or more")

    @property
    def file(self):
        """The name of the file: model, data set, steps and seed say which training it was."""
        words = file_part(re.sub("[, ]+", "_", self.model.strip()))
        return f"{words}_{file_part(self.dataset)}_{self.steps}_seed{self.seed}.npz"

    @property
    def identity(self):
        """What tells one training from another: model, data set, steps and seed."""
        return self.model, self.dataset, self.steps, self.seed


@dataclass(frozen=True, eq=False, repr=False)
class Sample:
    """Images (N, C, H, W) float32 in [0, 1], their `SampleInfo` and their file."""

    images: torch.Tensor
    info: SampleInfo
    path: Path

    def __repr__(self):
        return in_a_line(self.path, f"{len(self.images):,} images, {self.info.seconds:.0f} s of training")

    @property
    def own(self):
        """Whether it is the learner's own, not one that the course ships."""
        return not is_shipped(self.path)


def save_samples(model, draw, runs, network, data):
    """Draw 2,000 images with `draw()`, time it, and save them with the costs of training for the comparison.

    draw returns images (2000, C, H, W) in [0, 1]; runs: the `Run` of every training that led to it; network: the
    module that draws; data: the `Images` it learned. Does nothing if the weights are the shipped ones.
    """
    if any(is_shipped(run.path) for run in runs):
        print(f"{model}: shipped weights; their images for the comparison are shipped, too")
        return
    seconds = round(sum(run.seconds for run in runs), 2)
    parameters = sum(p.numel() for p in network.parameters())
    steps = sum(run.steps for run in runs)
    info = SampleInfo(model, data.name, steps, runs[0].seed, seconds, parameters, 0.0, this_machine())  # or refused
    started = time.perf_counter()
    images = draw().cpu()
    print(save_sample(images, replace(info, sampling_seconds=round(time.perf_counter() - started, 3))))


def save_sample(images, info):
    """Write images (N, C, H, W) in [0, 1], N at least 2,000, to results/samples; returns the `Sample`.

    The same model, data set, steps and seed once more replace the file. Where it cannot be written a sentence says so.
    """
    check_images(images)
    enough(images)
    path = own_path(info)
    pixels = as_uint8(images)
    keep(path, partial(as_archive, pixels, info))
    return Sample(as_images(pixels), info, path)


def own_path(info):
    """Where the learner's images go: under the file's own name, unless a training of another name has it already.

    "a, b" and "a b" make one file name, and "A" and "a" are one to Windows.
    """
    path = own_folder("samples") / info.file
    try:
        taken = read_sample(path).info.identity != info.identity
    except CourseError:  # there is none, or none that is worth keeping
        taken = False
    return path.with_stem(f"{path.stem}_{checksum(info.model)}") if taken else path


def as_archive(pixels, info):
    """The content of a file of images uint8 (N, H, W) or (N, H, W, 3)."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, images=pixels, info=np.array(json.dumps(vars(info))))
    return buffer.getvalue()


def enough(images):
    """Raise a CourseError if there are fewer images than the comparison needs."""
    if len(images) < COUNT:
        raise CourseError(f"there are {len(images):,} images; the comparison needs {COUNT:,}")


def this_machine():
    """What this machine computes with, in a few words."""
    processor = f"{platform.machine()}, {torch.get_num_threads()} threads"
    return torch.cuda.get_device_name() if torch.cuda.is_available() else processor


def read_sample(path):
    """The `Sample` in a file; a CourseError says what is wrong with it."""
    path = Path(path)
    content = contents(path)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            pixels, info = archive["images"], SampleInfo(**json.loads(str(archive["info"])))
        if pixels.dtype != np.uint8 or (pixels.ndim != 3 and pixels.shape[3:] != (3,)):
            kind = f"{pixels.dtype} of shape {pixels.shape}"
            raise CourseError(f"the images are {kind}; they should be uint8 of shape (N, H, W) or (N, H, W, 3)")
        enough(pixels)
    except (OSError, ValueError, KeyError, EOFError, TypeError, IndexError, zipfile.BadZipFile) as error:
        what = "is damaged, or was not written by this course or by another edition of it"
        raise CourseError(f"{path.name} {what}; {remedy(path)}") from error
    except CourseError as error:
        raise CourseError(f"{path.name}: {error}; {remedy(path)}") from error
    return Sample(as_images(pixels), info, path)


def find_samples(dataset, steps):
    """All `Sample`s of `dataset`, in order of their file names; `steps`: see `own_counts`.

    A learner's sample takes the place of the shipped one of the same model, data set, steps and seed. A bad file is
    named, and left out.
    """
    paths = sorted(shipped_folder("samples").glob("*.npz"))
    if own_counts(steps):
        paths += [path for path in own_files("samples", ".npz") if not FIRST_EDITION.match(path.name)]
    found = {}
    for path in paths:
        try:
            sample = read_sample(path)
        except CourseError as error:
            print(f"left out: {error}")
        else:
            found[sample.info.identity] = sample
    return sorted((s for s in found.values() if s.info.dataset == dataset), key=lambda sample: sample.path.name)


# Whose files count


@dataclass(frozen=True, eq=False)
class Record:
    """What judges said of images that are not kept: their `SampleInfo`, and {judge: Fréchet distance from photographs}.

    `python -m tools.samples --record` writes them.
    """

    info: SampleInfo
    distances: dict


def find_records(dataset):
    """The shipped `Record`s of `dataset`, in the order of the file names that their images would have."""
    path = shipped_folder("samples") / RECORDS
    content = contents(path)
    try:
        records = [Record(SampleInfo(**entry["info"]), dict(entry["distances"])) for entry in json.loads(content)]
    except (CourseError, ValueError, KeyError, TypeError) as error:
        raise CourseError(f"{path.name} is damaged; {remedy(path)}") from error
    return sorted((r for r in records if r.info.dataset == dataset), key=lambda record: record.info.file)


def own_counts(steps):
    """Whose files count: those that are shipped, and with `steps` above 0 the learner's own come before them.

    So a lesson with `steps = 0` shows what its pages say, whatever was trained before. Says so, once, when the learner
    has results of the first edition.
    """
    if at_least_zero(steps) == 0:
        return False
    name_first_edition(own_folder("weights").parent)
    return True
