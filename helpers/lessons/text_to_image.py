"""What lessons keep for later ones, text to image; made by `python -m tools.notebooks export`; edit notebooks."""

import math
import random
import re
from dataclasses import dataclass
from difflib import get_close_matches

import torch
import torch.nn.functional as F
from torch import nn

from helpers.faces import ATTRIBUTES
from helpers.files import CourseError
from helpers.lessons.diffusion import time_embedding
from helpers.lessons.flow_matching import even_times, flow_sample, velocity_loss
from helpers.lessons.gan import update_ema
from helpers.lessons.guidance import cfg_combine
from helpers.lessons.latent_diffusion import VelocityUNet, velocity_of
from helpers.training import GroupNorm, bf16_autocast, one_cycle, progress, set_seed


# --- from notebooks/13_text_to_image.ipynb; edit there ---
def faces_of(data):
    """What is known of each picture of an `Images`, [{attribute: value}, ...]."""
    columns = (values.tolist() for values in data.attributes.values())
    return [dict(zip(data.attributes, face, strict=True)) for face in zip(*columns, strict=True)]


WAYS = {  # attribute -> for each of its values, how it is said
    "hair": ["short {} hair", "a {} quiff", "a {} mohawk", "a {} afro", "{} curls",
             "long {} hair", "a {} bob", "{} pigtails", "a {} bun", "a {} beanie|a {} cap"],
    "shirt": ["a {} shirt", "a checked {} shirt", "a {} wrap"],
    "skin": ["light skin|pale skin", "tan skin", "brown skin", "dark skin"],
    "eyes": ["open eyes", "closed eyes", "winking|a wink", "happy eyes", "glasses|spectacles",
             "sunglasses|shades"],
    "mouth": ["smiling|a smile", "laughing|a laugh", "frowning|a frown", "surprised|an open mouth",
              "red lips", "a pacifier|a dummy"],
    "beard": ["no beard", "a moustache", "a goatee", "a full beard|a beard"],
    "background": ["a blue wall", "a yellow wall", "a green wall", "a lilac wall"],
}
VAGUE = {"hair": "{} hair", "shirt": "a {} top"}  # where only the colour is said
ADJECTIVES = ("winking", "smiling", "laughing", "frowning", "surprised")
SPOKEN = ("hair", "hair_color", "shirt", "shirt_color", "skin", "eyes", "mouth", "beard",
          "background")  # noses are too small to speak of


def phrases(face, said, dice):
    """What of a face {attribute: value} is `said` (names), as the parts of a sentence."""
    parts = []
    for name, ways in WAYS.items():
        colour = f"{name}_color"
        if name in said or colour in said:
            way = dice.choice(ways[face[name]].split("|")) if name in said else VAGUE[name]
            shade = ATTRIBUTES[colour][face[colour]] if colour in said else ""
            parts.append(" ".join(way.format(shade).split()))  # no colour: no double blank
    return dice.sample(parts, len(parts))  # in any order

def sentence(face, dice):
    """A true sentence about a face {attribute: value}, and the names of what it says: now much,
    now little. dice: a `random.Random`."""
    share = dice.random()
    said = {name for name in SPOKEN if dice.random() < share}
    if ATTRIBUTES["hair"][face["hair"]] == "beanie" and "hair_color" in said:
        said.add("hair")  # a beanie hides the hair, and its colour is the beanie's
    parts = phrases(face, said, dice)
    text = ", ".join(parts)
    if not parts or dice.random() < 0.6:
        adjectives = [part for part in parts if part in ADJECTIVES]
        things = [part for part in parts if part not in ADJECTIVES]
        text = " ".join(["a", *adjectives, dice.choice(("face", "person"))])
        if things:
            text += " with " + " and ".join(filter(None, (", ".join(things[:-1]), things[-1])))
    return re.sub(r"\ba (?=[aeiou])", "an ", text), said  # an orange shirt


def words_of(text):
    """The words of a text, in lower case: letters only."""
    return re.findall("[a-z]+", text.lower())

said_somewhere = [way.replace("{}", "")
                  for ways in (*WAYS.values(), VAGUE.values()) for way in ways]
COLOURS = [*ATTRIBUTES["hair_color"], *ATTRIBUTES["shirt_color"]]
VOCABULARY = ["<empty>", "<start>", "a", "an", "face", "person", "with", "and"]
VOCABULARY += sorted({*words_of(" ".join([*said_somewhere, *COLOURS]))} - {*VOCABULARY})
NUMBER = {word: number for number, word in enumerate(VOCABULARY)}
LENGTH = 32  # numbers in a row; the longest sentences have 25 words


def encode(texts):
    """Sentences -> the numbers of their words (N, LENGTH) int64: <start>, words, <empty> ...

    Raises a CourseError that names a word which is not in the vocabulary."""
    numbers = torch.zeros(len(texts), LENGTH, dtype=torch.long)
    for row, text in zip(numbers, texts, strict=True):
        words = words_of(text)
        for word in words:
            if word not in NUMBER:
                near = get_close_matches(word, VOCABULARY[2:], 1, cutoff=0.5) or VOCABULARY[2:]
                raise CourseError(f"the network never heard {word!r}; perhaps: {', '.join(near)}")
        if len(words) >= LENGTH:
            raise CourseError(f"{len(words)} words are too many; leave some out, {LENGTH - 1} fit")
        row[: len(words) + 1] = torch.tensor([1, *(NUMBER[word] for word in words)])
    return numbers


class BagUNet(VelocityUNet):
    """Lesson 12's network, told the sum of the vectors of all words; y (N, LENGTH) numbers."""

    def __init__(self, channels, width=64):
        super().__init__(channels, width)
        self.words = nn.Embedding(len(VOCABULARY), 128, padding_idx=0)  # <empty> stays at zero

    def condition(self, t, y):
        return F.silu(self.time(time_embedding(t)) + self.words(y).sum(dim=1))


@dataclass(frozen=True, eq=False)
class Told:
    """Codes u (N, C, 8, 8), what is known of each, [{attribute: value}], and the data's name."""

    name: str
    u: torch.Tensor
    faces: list


def fit_to_text(model, data, steps, seed, ema, m=0.35, lr=3e-3):
    """Flow matching on `Told`, batches of 32, a new sentence for each picture; `ema` follows."""
    losses, device, dice = [], data.u.device, random.Random(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, fused=True)
    schedule = one_cycle(optimizer, lr, steps, warmup=0.1)
    nothing = encode([""]).to(device)
    set_seed(seed)
    for _ in progress(range(steps), losses):
        picks = torch.randint(len(data.u), (32,)).tolist()
        y = encode([sentence(data.faces[i], dice)[0] for i in picks]).to(device)
        y = torch.where(torch.rand(32, 1, device=device) < 0.1, nothing, y)
        s = torch.sigmoid(torch.randn(32, device=device) + m)
        with bf16_autocast(device):
            loss = velocity_loss(model, data.u[picks], torch.randn_like(data.u[picks]), s, y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        update_ema(ema, model, 0.995)
        losses.append(loss.item())
    return {"loss": losses}


def told_velocity(net, y, scale=4.0, y_avoid=None):
    """velocity(x, s) for sentences y (N, LENGTH), guided; away from y_avoid, or from "nothing"."""
    away = encode([""]).to(y.device).expand_as(y) if y_avoid is None else y_avoid
    alone, both = velocity_of(net, y), velocity_of(net, torch.cat([away, y]))
    def velocity(x, s):
        if scale == 1:
            return alone(x, s)
        avoided, wanted = both(torch.cat([x, x]), s).chunk(2)
        return cfg_combine(avoided, wanted, scale)
    return velocity

def draw_told(net, texts, space, seed, scale=4.0, avoid="", steps=20):
    """Faces (N, 3, 64, 64), one for each of the texts, from the noise of `seed`."""
    u_like = space.mean  # (1, C, 1, 1), on the device of the codes
    y, y_avoid = (encode(lines).to(u_like.device) for lines in (texts, [avoid] * len(texts)))
    set_seed(seed)
    x = torch.randn(len(texts), u_like.shape[1], 8, 8, device=u_like.device)
    velocity = told_velocity(net, y, scale, y_avoid)
    return space.decode(flow_sample(velocity, x, even_times(steps)))


def pair_text(hair, shirt):
    """A sentence about two colours and nothing else."""
    return f"{hair} hair and a {shirt} top"

def colours_read(net, pairs, space, judge, seed, say=pair_text):
    """For each pair of colours (hair, shirt): the pair that the judge sees in a face drawn so."""
    said = judge.read(draw_told(net, [say(*pair) for pair in pairs], space, seed))
    columns = ([ATTRIBUTES[name][value] for value in said[name].tolist()]
               for name in ("hair_color", "shirt_color"))
    return list(zip(*columns, strict=True))


def attention(q, k, v, mask=None):
    """Answers (..., Q, E) and weights (..., Q, K) for queries q (..., Q, D), keys k (..., K, D)
    and values v (..., K, E); mask: bool, False where a key is not asked. Vaswani et al., eq. 1."""
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(dim=-1)
    return weights @ v, weights


class Attention(nn.Module):
    """Vectors x (N, Q, size) ask vectors c (N, K, other); answers (N, Q, size), zero at first.

    mask: bool (N, K), False where c is padding. `.weights` (N, heads, Q, K) are the last ones."""

    def __init__(self, size, other, heads=4):
        super().__init__()
        self.heads, self.weights = heads, None
        self.query = nn.Linear(size, size, bias=False)
        self.key, self.value = (nn.Linear(other, size, bias=False) for _ in range(2))
        self.out = nn.Linear(size, size)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x, c, mask):
        q, k, v = (part.unflatten(2, (self.heads, -1)).transpose(1, 2)  # (N, heads, ., piece)
                   for part in (self.query(x), self.key(c), self.value(c)))
        answers, weights = attention(q, k, v, mask[:, None, None])
        self.weights = weights.detach()
        return self.out(answers.transpose(1, 2).flatten(2))


class TextLayer(nn.Module):
    """Words x (N, K, size), after each has asked all others and thought about it."""

    def __init__(self, size):
        super().__init__()
        self.norm0, self.attend = nn.LayerNorm(size), Attention(size, size)
        self.attend.out.reset_parameters()  # not zero: words should find each other early
        self.norm1 = nn.LayerNorm(size)
        self.think = nn.Sequential(nn.Linear(size, 2 * size), nn.SiLU(), nn.Linear(2 * size, size))

    def forward(self, x, mask):
        words = self.norm0(x)
        x = x + self.attend(words, words, mask)
        return x + self.think(self.norm1(x))


class TextEncoder(nn.Module):
    """Numbers of words y (N, K) -> their vectors (N, K, size), and the mask (N, K) of the words."""

    def __init__(self, size=64, layers=2):
        super().__init__()
        self.words = nn.Embedding(len(VOCABULARY), size)
        self.layers = nn.ModuleList(TextLayer(size) for _ in range(layers))
        self.norm = nn.LayerNorm(size)

    def forward(self, y):
        places = torch.arange(y.shape[1], device=y.device)
        x = self.words(y) + time_embedding(places, self.norm.weight.numel(), 100)
        mask = y > 0
        for layer in self.layers:
            x = layer(x, mask)
        return self.norm(x), mask


class CrossAttention(nn.Module):
    """Every place of h (N, channels, side, side) asks the words (N, K, size)."""

    def __init__(self, channels, side, size=64):
        super().__init__()
        self.norm = GroupNorm(8, channels)
        self.place = nn.Parameter(torch.randn(side * side, channels))
        self.attend = Attention(channels, size)

    def forward(self, h, words, mask):
        x = self.norm(h).flatten(2).transpose(1, 2) + self.place  # (N, places, channels)
        return h + self.attend(x, words, mask).transpose(1, 2).reshape(h.shape)


class TextUNet(VelocityUNet):
    """Velocities for codes x (N, channels, 8, 8), times t (N,) and sentences y (N, LENGTH)."""

    def __init__(self, channels, width=64):
        super().__init__(channels, width)
        self.text = TextEncoder()
        self.look_down, self.look_up = CrossAttention(width, 8), CrossAttention(width, 8)
        self.look_mid = CrossAttention(2 * width, 4)

    def forward(self, x, t, y):
        c = self.condition(t)
        words, mask = self.text(y)
        skip = self.look_down(self.down(self.conv_in(x), c), words, mask)
        h = self.mid[0](self.downsample(skip), c)
        h = self.mid[1](self.look_mid(h, words, mask), c)
        h = self.up[0](torch.cat([self.upsample(h), skip], dim=1), c)
        h = self.up[1](self.look_up(h, words, mask), c)
        return self.conv_out(h)


def obeyed(images, wishes, judge):
    """Of images for `wishes`, [(face, (sentence, said))]: {attribute: [bool]} of what was said, and
    how often everything in a sentence was right; sentences that say nothing are left out."""
    read = {name: values.tolist() for name, values in judge.read(images).items()}
    right, whole = {name: [] for name in SPOKEN}, []
    for i, (face, (_, said)) in enumerate(wishes):
        each = {name: read[name][i] == face[name] for name in said}
        for name, hit in each.items():
            right[name].append(hit)
        if each:
            whole.append(all(each.values()))
    return right, sum(whole) / len(whole)
