"""Checks and hints for the exercises of the lesson on text to image."""

import math

import torch
import torch.nn.functional as F

from helpers.exercises import Wrong, as_loss, describe, exercise


@exercise(
    "text_to_image.1",
    "Four steps: a score for each pair of query and key; the mask; weights that are positive and sum to 1 over the "
    "keys; the weighted mean. Which dimension has to become 1 if you sum over the keys?",
    "Scores: q @ k.transpose(1, 2) over the root of D, shape (N, Q, K). The mask needs a dimension for the queries: "
    "mask[:, None]. Where it is False, the score is minus infinity. softmax over the last dimension, then @ v.",
)
def attend(answer):
    """Compares with PyTorch's own function; every pair gets a mask of its own, and no key is asked by all."""
    dice = torch.Generator().manual_seed(0)
    q = 2 * torch.randn(3, 4, 8, generator=dice)
    k, v = (torch.randn(3, 6, size, generator=dice) for size in (8, 7))
    mask = torch.tensor([[1, 1, 1, 1, 1, 0], [1, 0, 1, 1, 0, 1], [1, 1, 0, 0, 0, 0]]).bool()
    given = [part.clone() for part in (q, k, v, mask)]
    value = answer(*given)
    if not isinstance(value, torch.Tensor) or value.shape != (3, 4, 7):
        raise Wrong(
            f"For q (3, 4, 8), k (3, 6, 8) and v (3, 6, 7) the answers are (3, 4, 7); yours: {describe(value)}."
        )
    for name, before, after in zip(("q", "k", "v", "mask"), (q, k, v, mask), given, strict=True):
        if not torch.equal(before, after):
            raise Wrong(f"Your function wrote into {name}; return a new tensor.")
    if value.isnan().any():
        raise Wrong("There are answers that are no numbers: minus infinity goes where the mask is False, only there.")
    if torch.allclose(value.float(), F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None]), atol=1e-4):
        return "That is the function on which language models are built, and everything in this lesson that listens."
    explain_attention(value.float(), q, k, v, mask)
    raise Wrong(
        "Other answers were expected. Look at the weights of one query: they should sum to 1, and be 0 where the mask "
        "says False."
    )


def explain_attention(value, q, k, v, mask):
    """Raise `Wrong` with the reason, if it is known."""
    asked, dots = mask[:, None], q @ k.transpose(1, 2)
    scores = dots / math.sqrt(q.shape[-1])

    def mean(scores, asked=asked, dim=2):
        return scores.masked_fill(~asked, -math.inf).softmax(dim=dim) @ v

    known = {
        "The mask is missing: padding is asked as well.": mean(scores, torch.ones_like(asked)),
        "The mask is turned: True means that a key is asked.": mean(scores, ~asked),
        "Divide the scores by the root of D, or long vectors choose too sharply.": mean(dots),
        "Divide by the root of D, not by D.": mean(dots / q.shape[-1]),
        "Divide by the root of D, the length of a query; not by that of a value, or the number of keys or queries.": (
            mean(dots / math.sqrt(v.shape[-1])),
            mean(dots / math.sqrt(k.shape[1])),
            mean(dots / math.sqrt(q.shape[1])),
        ),
        "You multiply by the root of D; divide.": mean(dots * math.sqrt(q.shape[-1])),
        "A score of 0 is not minus infinity: masked keys still get a weight.": (
            (scores * asked).softmax(dim=2) @ v,
            scores.masked_fill(~asked, 0).softmax(dim=2) @ v,
        ),
        "The mask came after the softmax: what is left sums to less than 1.": (scores.softmax(dim=2) * asked) @ v,
        "The weights should sum to 1 over the keys; yours do so over the queries.": (
            scores.softmax(dim=1).masked_fill(~asked, 0) @ v,
            scores.masked_fill(~asked, -1e9).softmax(dim=1) @ v,
        ),
        "That is the plain mean of those who are asked; how well a key fits plays no part.": mean(0 * scores),
        "The scores themselves are no weights: softmax is missing.": scores.masked_fill(~asked, 0) @ v,
    }
    for words, wrong in known.items():
        if any(torch.allclose(value, one, atol=1e-4) for one in (wrong if isinstance(wrong, tuple) else (wrong,))):
            raise Wrong(words)


@exercise(
    "text_to_image.2",
    "Two questions to the network, at the same x and the same time: one for each kind of sentence. From the answer "
    "to y_avoid you go scale times the whole difference towards the answer to y.",
    "t = torch.full((len(x),), 1000 * s). Then away + scale * (told - away): at scale 0 only away is left, at 1 only "
    "told.",
)
def away_from(answer):
    """Listens to the network, and compares at four scales."""
    dice = torch.Generator().manual_seed(0)
    x = torch.randn(3, 2, 4, 4, generator=dice)
    y, y_avoid = torch.tensor([[1, 5, 6], [1, 7, 0], [1, 8, 9]]), torch.tensor([[1, 3, 0], [1, 4, 4], [1, 2, 0]])
    for scale in (3.0, 0.0, 1.0, -0.5):
        net = Listener()
        given = [part.clone() for part in (x, y, y_avoid)]
        value = answer(net, given[0], 0.2375, *given[1:], scale)
        if not isinstance(value, torch.Tensor) or value.shape != x.shape:
            raise Wrong(f"The result has the shape of x, (3, 2, 4, 4); yours is {describe(value)}.")
        if not all(map(torch.equal, given, (x, y, y_avoid))):
            raise Wrong("Your function wrote into x, y or y_avoid; return a new tensor.")
        net.check(x, 237.5, {"y": (y, scale != 0), "y_avoid": (y_avoid, scale != 1)})
        told, away = velocity_of(x, 237.5, y), velocity_of(x, 237.5, y_avoid)
        if torch.allclose(value.float(), away + scale * (told - away), atol=1e-4):
            continue
        known = {
            "Told and avoided are exchanged: at scale 1 the result should be the velocity of y.": (
                told + scale * (away - told)
            ),
            "At scale 1 the result should be the velocity of y; yours has gone one difference further.": (
                told + scale * (told - away)
            ),
            "That is the velocity of y alone; the sentence to avoid plays no part.": told,
            "Away is subtracted whole: at scale 1 the result should be the velocity of y.": scale * told - away,
            "The difference alone is no velocity: add it to the velocity of y_avoid.": scale * (told - away),
        }
        for words, wrong in known.items():
            if torch.allclose(value.float(), wrong, atol=1e-4):
                raise Wrong(words)
        raise Wrong(f"At scale {scale:g} something else was expected: from one answer towards the other.")
    return "A negative prompt is one argument more, and no training."


def velocity_of(x, t, y):
    """What the network of the exercise answers: something that depends on all that it is given."""
    weights = (y * torch.tensor([1.0, 0.3, 0.07])).sum(dim=1)[:, None, None, None]
    return x * (1 + t / 1000) + weights * torch.linspace(-1, 1, x[0].numel()).reshape(x.shape[1:])


class Listener:
    """A network that notes what it is asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, x, t, y):
        for name, part in (("x", x), ("t", t), ("y", y)):
            if not isinstance(part, torch.Tensor):
                raise Wrong(f"The network takes tensors; {name} was {describe(part)}.")
        if t.shape != (len(x),) or len(y) != len(x):
            raise Wrong(
                f"The network takes x (N, C, H, W), t (N,) and y (N, LENGTH); it was given {describe(x)}, "
                f"{describe(t)} and {describe(y)}."
            )
        x, t, y = x.detach().cpu().float().clone(), t.detach().cpu().float(), y.detach().cpu().clone()
        self.asked += zip(x, t.tolist(), y, strict=True)
        return velocity_of(x, t[:, None, None, None], y)

    def check(self, x, t, sentences):
        """Raise `Wrong` unless the network was asked at x and t, about all sentences {name: (y, whether needed)}."""
        if not self.asked:
            raise Wrong("The network was never asked.")
        for one, time, _ in self.asked:
            if abs(time - t) > 1e-3:
                told = " Its clock runs to 1000." if abs(time - t / 1000) < 1e-6 else ""
                raise Wrong(f"At s = {t / 1000:g} the network should be asked at t = {t:g}; yours: {time:g}.{told}")
            if not any(torch.allclose(one, part, atol=1e-5) for part in x):
                raise Wrong("Both questions are asked at x itself.")
        for name, (y, needed) in sentences.items():
            heard = all(any(torch.equal(line, other) for _, _, other in self.asked) for line in y)
            if needed and not heard:
                raise Wrong(f"The network was not asked about all sentences of {name}.")


@exercise(
    "text_to_image.3",
    "loss.backward() fills vectors.grad, for all words that occur in the sentences. Only one row of it may be used. "
    "And what was in vectors.grad before?",
    "Clear the gradient (vectors.grad = None), compute the loss, go backward; then, under torch.no_grad(), "
    "vectors[number] -= lr * vectors.grad[number]. Return loss.item().",
)
def learn_word(answer):
    """Compares with two steps of its own; the loss depends on several words, and old gradients lie about."""
    dice = torch.Generator().manual_seed(0)
    vectors = torch.nn.Parameter(torch.randn(6, 4, generator=dice))
    target, net = torch.randn(4, generator=dice), torch.nn.Linear(4, 4)
    with torch.no_grad():
        net.weight.copy_(torch.randn(4, 4, generator=dice) / 2)
        net.bias.zero_()
    for part in (vectors, *net.parameters()):
        part.grad = torch.ones_like(part)  # of an earlier step
    kept = net.weight.detach().clone()
    for number, lr in ((4, 0.05), (2, 0.2)):
        before = vectors.detach().clone()
        with torch.enable_grad():
            mine = before.clone().requires_grad_()
            right = word_loss(mine, kept, target)
            (slope,) = torch.autograd.grad(right, mine)
        calls = []
        value = answer(lambda vectors=vectors, calls=calls: counted(calls, vectors, net, target), vectors, number, lr)
        if not calls:
            raise Wrong("loss_of was never called; there is no gradient without a loss.")
        check_loss(value, right.item())
        moved = vectors.detach() - before
        check_rows(moved, number, lr, slope)
        if not torch.equal(net.weight.detach(), kept):
            raise Wrong("The network's weights have changed; only one vector should learn.")
    return "A few numbers that a trained network understands: that is how a large model is taught a new word."


def word_loss(vectors, weight, target):
    """A loss that depends on the words 1, 2 and 4."""
    return sum(F.mse_loss(vectors[i] @ weight.T, target * (i + 1)) for i in (1, 2, 4))


def counted(calls, vectors, net, target):
    """The loss, noted in `calls`."""
    with torch.enable_grad():
        loss = word_loss(vectors, net.weight, target.to(vectors.device))
    calls.append(loss.item())
    return loss


def check_loss(value, right):
    """Raise `Wrong` unless the returned value is the loss before the step, as a float."""
    value = as_loss(value)
    if abs(value - right) > 1e-3 * abs(right):
        raise Wrong(f"The loss before the step is {right:.3f} here; you return {value:.3f}.")


def check_rows(moved, number, lr, slope):
    """Raise `Wrong` unless exactly one row moved, by one step down the gradient."""
    others = torch.arange(len(moved)) != number
    step = -lr * slope
    if not moved.any():
        raise Wrong("The vectors did not change: subtract lr times the gradient, in place.")
    if moved[others].any():
        raise Wrong("Other words have moved, too; the trained model should still understand them. Only one row may.")
    if torch.allclose(moved[number], step[number], atol=1e-5):
        return
    known = {
        "The vector moved up the gradient, not down.": -step[number],
        "The gradient of an earlier step was still there: clear it first.": step[number] - lr,
        "The step should have the size lr; yours has the size 1.": -slope[number],
    }
    for words, wrong in known.items():
        if torch.allclose(moved[number], wrong, atol=1e-5):
            raise Wrong(words)
    raise Wrong("Row `number` should move by exactly minus lr times its gradient.")
