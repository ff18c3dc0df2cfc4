"""Wrong answers to the exercises of text_to_image, with words of the feedback that each gets, and right ones."""

import math

import torch
import torch.nn.functional as F


def attend(
    scale=lambda q, k, v: math.sqrt(q.shape[-1]), asked=lambda mask: mask[:, None], fill=-math.inf, dim=2, after=None
):
    """Attention with one thing wrong; without arguments it is right."""

    def answer(q, k, v, mask):
        scores = (q @ k.transpose(1, 2) / scale(q, k, v)).masked_fill(~asked(mask), fill)
        weights = scores.softmax(dim=dim)
        return (weights if after is None else after(weights, mask)) @ v

    return answer


def attend_without_mask(q, k, v, mask):
    return (q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])).softmax(dim=-1) @ v


def attend_late(q, k, v, mask):
    return (q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])).softmax(dim=-1) * mask[:, None] @ v


def attend_by_scores(q, k, v, mask):
    return (q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])).masked_fill(~mask[:, None], 0) @ v


def attend_in_place(q, k, v, mask):
    q /= math.sqrt(q.shape[-1])
    return attend(scale=lambda q, k, v: 1)(q, k, v, mask)


def attend_by_einsum(q, k, v, mask):
    scores = torch.einsum("nqd,nkd->nqk", q, k) / q.shape[-1] ** 0.5
    scores = torch.where(mask.unsqueeze(1), scores, torch.full_like(scores, -1e9))
    return torch.einsum("nqk,nke->nqe", F.softmax(scores, dim=-1), v)


def attend_by_exponentials(q, k, v, mask):
    """Renormalised after the mask."""
    fits = (q @ k.mT / math.sqrt(k.shape[-1])).exp() * mask[:, None]
    return fits @ v / fits.sum(dim=2, keepdim=True)


def attend_one_by_one(q, k, v, mask):
    rows = []
    for queries, keys, values, asked in zip(q, k, v, mask, strict=True):
        weights = (queries @ keys[asked].T / math.sqrt(q.shape[-1])).softmax(dim=1)
        rows.append(weights @ values[asked])
    return torch.stack(rows)


def away(combine=lambda told, avoided, scale: avoided + scale * (told - avoided), clock=1000.0, swap=False):
    """A guided velocity with one thing wrong; without arguments it is right."""

    def answer(net, x, s, y, y_avoid, scale):
        t = torch.full((len(x),), clock * s)
        told, avoided = net(x, t, y), net(x, t, y_avoid)
        return combine(avoided, told, scale) if swap else combine(told, avoided, scale)

    return answer


def away_in_one_batch(net, x, s, y, y_avoid, scale):
    both = net(torch.cat([x, x]), torch.full((2 * len(x),), 1000 * s), torch.cat([y_avoid, y]))
    avoided, told = both.chunk(2)
    return torch.lerp(avoided, told, scale)


def away_saves_a_question(net, x, s, y, y_avoid, scale):
    """At scale 1 the other answer does not count."""
    t = torch.full((len(x),), 1000.0 * s)
    told = net(x, t, y)
    return told if scale == 1 else (1 - scale) * net(x, t, y_avoid) + scale * told


def away_face_by_face(net, x, s, y, y_avoid, scale):
    t = torch.tensor([1000.0 * s])
    rows = []
    for i in range(len(x)):
        told, avoided = net(x[i : i + 1], t, y[i : i + 1]), net(x[i : i + 1], t, y_avoid[i : i + 1])
        rows.append(told + (scale - 1) * (told - avoided))
    return torch.cat(rows)


def away_at_another_place(net, x, s, y, y_avoid, scale):
    t = torch.full((len(x),), 1000.0 * s)
    told, avoided = net(x, t, y), net(0.5 * x, t, y_avoid)
    return avoided + scale * (told - avoided)


def away_with_one_time(net, x, s, y, y_avoid, scale):
    t = torch.tensor([1000.0 * s])
    return net(x, t, y_avoid) + scale * (net(x, t, y) - net(x, t, y_avoid))


def learn(rows=lambda grad, number: number, sign=-1.0, clear=True, value=lambda loss: loss.item(), size=lambda lr: lr):
    """A step on a word's vector with one thing wrong; without arguments it is right."""

    def answer(loss_of, vectors, number, lr):
        if clear:
            vectors.grad = None
        loss = loss_of()
        loss.backward()
        with torch.no_grad():
            chosen = rows(vectors.grad, number)
            vectors[chosen] += sign * size(lr) * vectors.grad[chosen]
        return value(loss)

    return answer


def learn_nothing(loss_of, vectors, number, lr):
    loss = loss_of()
    loss.backward()
    return loss.item()


def learn_a_copy(loss_of, vectors, number, lr):
    vectors.grad = None
    loss = loss_of()
    loss.backward()
    row = vectors[number].detach().clone()
    row -= lr * vectors.grad[number]
    return loss.item()


def learn_by_sgd_on_all(loss_of, vectors, number, lr):
    optimizer = torch.optim.SGD([vectors], lr=lr)
    optimizer.zero_grad()
    loss = loss_of()
    loss.backward()
    optimizer.step()
    return loss.item()


def learn_by_adam(loss_of, vectors, number, lr):
    vectors.grad = None
    loss = loss_of()
    loss.backward()
    with torch.no_grad():
        vectors[number] -= lr * vectors.grad[number].sign()
    return loss.item()


def learn_without_loss(loss_of, vectors, number, lr):
    with torch.no_grad():
        vectors[number] -= lr
    return 0.0


def learn_by_masked_sgd(loss_of, vectors, number, lr):
    optimizer = torch.optim.SGD([vectors], lr=lr)
    optimizer.zero_grad()
    loss = loss_of()
    loss.backward()
    mask = torch.zeros_like(vectors)
    mask[number] = 1
    vectors.grad *= mask
    optimizer.step()
    return loss.item()


def learn_by_autograd(loss_of, vectors, number, lr):
    loss = loss_of()
    (slope,) = torch.autograd.grad(loss, vectors)
    vectors.data[number] = vectors.data[number] - lr * slope[number]
    return loss.detach().item()


def learn_and_put_back(loss_of, vectors, number, lr):
    before = vectors.detach().clone()
    value = learn_by_sgd_on_all(loss_of, vectors, number, lr)
    row = vectors.detach()[number].clone()
    with torch.no_grad():
        vectors.copy_(before)
        vectors[number] = row
    return value


WRONG = [
    ("text_to_image.1", attend_without_mask, "mask is missing"),
    ("text_to_image.1", attend(asked=lambda mask: ~mask[:, None]), "is turned"),
    ("text_to_image.1", attend(scale=lambda q, k, v: 1), "by the root of D, or"),
    ("text_to_image.1", attend(scale=lambda q, k, v: q.shape[-1]), "not by D"),
    ("text_to_image.1", attend(scale=lambda q, k, v: math.sqrt(v.shape[-1])), "not by that of a value"),
    ("text_to_image.1", attend(scale=lambda q, k, v: math.sqrt(k.shape[1])), "not by that of a value"),
    ("text_to_image.1", attend(scale=lambda q, k, v: 1 / math.sqrt(q.shape[-1])), "You multiply"),
    ("text_to_image.1", attend(fill=0.0), "not minus infinity"),
    ("text_to_image.1", attend_late, "sums to less than 1"),
    ("text_to_image.1", attend(fill=-1e9, dim=1), "over the queries"),
    ("text_to_image.1", attend(scale=lambda q, k, v: math.inf), "plain mean"),
    ("text_to_image.1", attend_by_scores, "softmax is missing"),
    ("text_to_image.1", attend_in_place, "wrote into q"),
    ("text_to_image.1", lambda q, k, v, mask: attend()(q, k, v, mask).mean(dim=1), "are (3, 4, 7)"),
    ("text_to_image.1", attend(after=lambda weights, mask: weights / 0 * 0), "no numbers"),
    ("text_to_image.1", lambda q, k, v, mask: 2 * attend()(q, k, v, mask), "Other answers"),
    ("text_to_image.2", away(swap=True), "exchanged"),
    ("text_to_image.2", away(lambda told, avoided, scale: told + scale * (told - avoided)), "one difference further"),
    ("text_to_image.2", away(lambda told, avoided, scale: told), "plays no part"),
    ("text_to_image.2", away(lambda told, avoided, scale: scale * told - avoided), "subtracted whole"),
    ("text_to_image.2", away(lambda told, avoided, scale: scale * (told - avoided)), "no velocity"),
    ("text_to_image.2", away(lambda told, avoided, scale: avoided + scale * told), "something else"),
    ("text_to_image.2", away(clock=1.0), "runs to 1000"),
    ("text_to_image.2", away(clock=500.0), "yours: 118.75"),
    ("text_to_image.2", away_at_another_place, "at x itself"),
    ("text_to_image.2", away_with_one_time, "t (N,)"),
    ("text_to_image.2", lambda net, x, s, y, y_avoid, scale: x, "never asked"),
    ("text_to_image.2", lambda net, x, s, y, y_avoid, scale: away()(net, x, s, y, y, scale), "sentences of y_avoid"),
    ("text_to_image.2", lambda net, x, s, y, y_avoid, scale: net(x, s, y), "t was"),
    ("text_to_image.2", lambda *given: away()(*given)[0], "shape of x"),
    ("text_to_image.3", learn(sign=1.0), "up the gradient"),
    ("text_to_image.3", learn(clear=False), "earlier step"),
    ("text_to_image.3", learn(rows=lambda grad, number: slice(None)), "Other words"),
    ("text_to_image.3", learn(rows=lambda grad, number: number - 2), "Other words"),
    ("text_to_image.3", learn_by_sgd_on_all, "Other words"),
    ("text_to_image.3", learn(value=lambda loss: loss), "as a float"),
    ("text_to_image.3", learn(value=lambda loss: 2 * loss.item()), "you return"),
    ("text_to_image.3", learn(size=lambda lr: 1.0), "has the size 1"),
    ("text_to_image.3", learn(size=lambda lr: 2 * lr), "by exactly minus lr"),
    ("text_to_image.3", learn_by_adam, "by exactly minus lr"),
    ("text_to_image.3", learn_nothing, "did not change"),
    ("text_to_image.3", learn_a_copy, "did not change"),
    ("text_to_image.3", learn_without_loss, "never called"),
]

RIGHT = [
    ("text_to_image.1", attend()),
    ("text_to_image.1", attend_by_einsum),
    ("text_to_image.1", attend_by_exponentials),
    ("text_to_image.1", attend_one_by_one),
    ("text_to_image.2", away()),
    ("text_to_image.2", away_in_one_batch),
    ("text_to_image.2", away_saves_a_question),
    ("text_to_image.2", away_face_by_face),
    ("text_to_image.3", learn()),
    ("text_to_image.3", learn_by_masked_sgd),
    ("text_to_image.3", learn_by_autograd),
    ("text_to_image.3", learn_and_put_back),
]
