"""rnn, gru and lstm: PyTorch's own, and for masks with holes, truncation and dropout the formulas step by step;
spiking neurons by their formula."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


def recurrent(how, x, mask=None, **p):
    layer, valid = how.layer, torch.ones(x.shape[:2], dtype=torch.bool) if mask is None else mask != 0
    lengths = valid.sum(1)
    packable = lengths.all() and (valid == (torch.arange(x.shape[1]) < lengths[:, None])).all()
    if packable and not layer.truncation and not (layer.dropout and how.training):
        return pytorchs(layer, x, p, lengths)
    return by_hand(layer, x, p, valid[..., None], drops(how, x))


def pytorchs(layer, x, p, lengths):
    """torch.nn.RNN, GRU or LSTM on packed sequences, with these tensors as its parameters."""
    name = type(layer).__name__.upper()
    options = {"nonlinearity": layer.nonlinearity} if name == "RNN" else {}
    module = getattr(nn, name)(x.shape[2], layer.units, layer.layers, bias=layer.bias, batch_first=True, bidirectional=layer.bidirectional,
                               dtype=x.dtype, **options)
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    theirs = {own: array.T if array.ndim == 2 else array for own, array in p.items()}
    output, last = torch.func.functional_call(module, theirs, (packed,))
    if layer.return_sequences:
        return pad_packed_sequence(output, batch_first=True, total_length=x.shape[1])[0]
    last = last[0] if name == "LSTM" else last
    return last.reshape(layer.layers, -1, len(x), layer.units)[-1].transpose(0, 1).reshape(len(x), -1)


def drops(how, x):
    """Level → what its inputs are multiplied by in training, (time, n, width)."""
    layer = how.layer
    if not layer.dropout or not how.training:
        return {}
    random, size = how.draw(), (x.shape[1], len(x), layer.units * (1 + layer.bidirectional))
    return {level: torch.from_numpy((random.random(size, dtype=how.dtype) >= layer.dropout) / how.dtype(1 - layer.dropout))
            for level in range(1, layer.layers)}


def cell(layer, x, state, p):
    """One step by the formulas of the docstrings; the new state, h first."""
    name = type(layer).__name__
    a, b = x @ p["weight_ih"] + p.get("bias_ih", 0), state[0] @ p["weight_hh"] + p.get("bias_hh", 0)
    if name == "Rnn":
        return [torch.tanh(a + b) if layer.nonlinearity == "tanh" else torch.relu(a + b)]
    if name == "Gru":
        (ar, az, an), (br, bz, bn) = a.chunk(3, -1), b.chunk(3, -1)
        r, z = torch.sigmoid(ar + br), torch.sigmoid(az + bz)
        return [(1 - z) * torch.tanh(an + r * bn) + z * state[0]]
    i, f, g, o = (a + b).chunk(4, -1)
    c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
    return [torch.sigmoid(o) * torch.tanh(c), c]


def by_hand(layer, x, p, mask, drops):
    """Step by step; a state that is cut is detached. mask: (n, time, 1)."""
    for level in range(layer.layers):
        x, sides, lasts = x * drops[level].transpose(0, 1) if level in drops else x, [], []
        for suffix in [f"_l{level}"] + [f"_l{level}_reverse"] * layer.bidirectional:
            own = {name.removesuffix(suffix): array for name, array in p.items() if name.endswith(suffix)}
            state = [torch.zeros(len(x), layer.units, dtype=x.dtype)] * (2 if type(layer).__name__ == "Lstm" else 1)
            outputs, order = {}, range(x.shape[1])
            for count, t in enumerate(order[::-1] if suffix.endswith("reverse") else order):
                if layer.truncation and count % layer.truncation == 0:
                    state = [part.detach() for part in state]
                new = cell(layer, x[:, t], state, own)
                state = [torch.where(mask[:, t], now, before) for now, before in zip(new, state)]
                outputs[t] = torch.where(mask[:, t], state[0], 0)
            sides.append(torch.stack([outputs[t] for t in order], 1))
            lasts.append(state[0])
        x = torch.cat(sides, -1)
    return x if layer.return_sequences else torch.cat(lasts, -1)


def spikes(how, x):
    """The docstring's formulas; in backward the surrogate in place of the step."""
    layer, v, out = how.layer, torch.zeros_like(x[:, 0]), []
    for t in range(x.shape[1]):
        u = layer.decay * v + x[:, t]
        z = u - layer.threshold
        if layer.surrogate == "fast_sigmoid":
            soft = 0.5 + z / (1 + layer.slope * z.abs())
        else:
            soft = 0.5 + torch.atan(layer.slope * z) / layer.slope
        s = soft if layer.smooth else (z > 0).to(x.dtype) + soft - soft.detach()
        v = u - layer.threshold * s
        out.append(s)
    return torch.stack(out, 1)


WITNESSES = {"gru": recurrent, "leaky_integrate_and_fire": spikes, "lstm": recurrent, "rnn": recurrent}
