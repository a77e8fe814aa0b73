"""Fifty steps of training from the same weights draw PyTorch's curve: with every layer, loss, optimizer and schedule.

Models are of a few numbers, in float32 on both sides. A layer's stands between linear layers, so that the
gradient of its input trains something; PyTorch runs the same graph, layer by layer, through the witnesses.
"""

from dataclasses import replace

import numpy as np
import pytest
from witnesses import row
from witnesses.loss_formulas import FORMULAS
from witnesses.optimizers import PAPERS, TORCH
from witnesses.training import error, ours, theirs

from bpcore import Model, rng
from bpcore.graph import Graph, Input, Node
from bpcore.layers import LAYERS
from bpcore.layers.dropout import Dropout
from bpcore.layers.flatten import Flatten
from bpcore.layers.linear import Linear
from bpcore.layers.reshape import Reshape
from bpcore.layers.tanh import Tanh
from bpcore.layers.transformer_block import TransformerBlock
from bpcore.losses import LOSSES
from bpcore.losses.huber import Huber
from bpcore.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from bpcore.optimizers import OPTIMIZERS
from bpcore.optimizers.sgd import Sgd
from bpcore.schedules import SCHEDULES
from bpcore.schedules.constant import Constant
from bpcore.schedules.cosine import Cosine
from bpcore.schedules.exponential import Exponential
from bpcore.schedules.multistep import Multistep
from bpcore.schedules.one_cycle import OneCycle
from bpcore.schedules.plateau import Plateau
from bpcore.schedules.polynomial import Polynomial
from bpcore.schedules.step import Step
from bpcore.spec import Head, Spec

STEPS, EPOCH, SEED, RATE = 50, 5, 3, 0.05
SGD = Sgd(learning_rate=RATE)  # whose momentum would move the rows of a sparse embedding in PyTorch, too


def cases(registry):
    return [pytest.param(case, id=f"{name}-{i}") for name, kind in registry.types.items() for i, case in enumerate(kind.cases())]


def spec(inputs, layers, loss, optimizer=SGD, schedule=Constant()):
    """inputs: (shape, integer) each; layers: (layer, the places it reads) each, counted from the inputs on."""
    shapes, nodes = [shape for shape, _ in inputs], []
    for i, (layer, places) in enumerate(layers):
        read = [shapes[place] for place in places]
        nodes.append(Node(f"layer{i}", layer, tuple(places), layer.output_shape(*read), layer.parameters(*read)))
        shapes.append(nodes[-1].shape)
    given = tuple(Input(f"in{i}", shape, integer, f"in{i}") for i, (shape, integer) in enumerate(inputs))
    return Spec(Graph(given, tuple(nodes)), (Head("", loss, len(nodes) - 1, "y", "", 1.0, {}),), optimizer, schedule)


class Twins:
    """The same model twice, on the same batches. `values(loss, z, y)`: each element's loss in PyTorch."""

    def __init__(self, torch, spec, batches, count=None):
        from witnesses.layers import WITNESSES, How

        self._torch, self._witnesses, self._how = torch, WITNESSES, How
        self._spec, self._batches, self._model = spec, batches, Model(spec)
        self._start = self._model.initialize(SEED)
        random = np.random.default_rng(SEED)
        for slot, array in zip(self._model.layout.slots, self._start.named().values()):
            array += 0.2 * random.standard_normal(array.shape) if slot.momentum is None else 0  # nothing starts at 0
        self.p = [{name: torch.tensor(array, requires_grad=spec.graph.nodes[i].parameters[name].momentum is None)
                   for name, array in arrays.items()} for i, arrays in enumerate(self._start.nodes)]

    @property
    def trained(self):
        return [tensor for arrays in self.p for tensor in arrays.values() if tensor.requires_grad]

    def ours(self):
        return ours(self._spec, self._start.flat, [[batch] for batch in self._batches], STEPS, EPOCH, seed=SEED)

    def output(self, step):
        values = [self._torch.tensor(self._batches[step][given.field]) for given in self._spec.graph.inputs]
        for i, node in enumerate(self._spec.graph.nodes):
            how = self._how(node.layer, True, lambda i=i: rng.stream(SEED, rng.LAYER, step, 0, i), np.float32)
            values.append(self._witnesses[row(node.layer).rpartition(".")[2]](how, *(values[place] for place in node.inputs), **self.p[i]))
        return values[-1]
    def theirs(self, values, optimizer, scheduler=None, **options):
        head, targets = self._spec.heads[0], [batch["y"] for batch in self._batches]

        def loss(step):
            z, y = self.output(step), targets[step]
            y = y.reshape(z.shape) if y.size == z.numel() else y  # one number a sample
            return values(head.loss, z, y) / head.loss.count(self._spec.output(head), y, None)

        return theirs(loss, optimizer, STEPS, scheduler, **options)


def pytorchs(torch, name):
    """`values` of Twins: the sum of PyTorch's loss of that name."""
    from witnesses.losses import WITNESSES

    def values(loss, z, y):
        labels = name in ("multi_margin", "ctc") or name == "softmax_cross_entropy" and y.dtype.kind == "i"
        return WITNESSES[name](loss, z, torch.tensor(y, dtype=torch.int64 if labels else z.dtype)).sum()

    return values


def formulas(torch, name):
    """The same by a formula, whose derivative is a complex step's."""

    def values(loss, z, y):
        numbers = z.detach().double().numpy()
        gradient = np.empty_like(numbers)
        for place in np.ndindex(numbers.shape):
            moved = numbers.astype(complex)
            moved[place] += 1e-100j
            gradient[place] = FORMULAS[name](loss, moved, y).sum().imag * 1e100
        return FORMULAS[name](loss, numbers, y).sum() + ((z - z.detach()) * torch.tensor(gradient)).sum()

    return values


def sgd(torch, twins):
    return torch.optim.SGD(twins.trained, lr=RATE)


def numbers(random, inputs, batch, integers):
    return {f"in{i}": random.integers(0, integers[i], (batch, *shape)) if i in integers
            else random.standard_normal((batch, *shape)).astype(np.float32) for i, shape in enumerate(inputs)}


def still(case):
    """A case without dropout inside another layer, which draws by a stream that is that layer's own business; and
    with six features in place of two, whose norm is a step: there rounding decides."""
    if isinstance(case.layer, TransformerBlock) and case.inputs[0][1] == 2:
        case = replace(case, inputs=((case.inputs[0][0], 6), *case.inputs[1:]))
    return replace(case, layer=replace(case.layer, dropout=0.0)) if getattr(case.layer, "dropout", 0) else case


@pytest.mark.parametrize("case", [case for case in cases(LAYERS) if not isinstance(getattr(case.values[0].layer, "layer", None), Dropout)])
def test_with_a_layer(torch, witness, note, case):
    case, random, count = still(case), np.random.default_rng(SEED), len(case.inputs)
    front = [i for i in range(count) if i not in case.integers]
    layers = [(Linear(units=case.inputs[i][-1]), [i]) for i in front]
    places = [count + front.index(i) if i in front else i for i in range(count)]
    behind = [(case.layer, places), (Flatten(), [count + len(front)]), (Linear(units=2), [count + len(front) + 1])]
    model = spec([(shape, i in case.integers) for i, shape in enumerate(case.inputs)], layers + behind, Huber())
    batches = [numbers(random, case.inputs, case.batch, case.integers) | {"y": random.standard_normal((case.batch, 2)).astype(np.float32)}
               for _ in range(STEPS)]
    twins = Twins(torch, model, batches)
    note(case.layer, "50 steps", error(twins.ours(), twins.theirs(pytorchs(torch, "huber"), sgd(torch, twins))), witness(case.layer)[1])


@pytest.mark.parametrize("case", cases(LOSSES))
def test_with_a_loss(torch, note, case):
    name, random = row(case.loss).rpartition(".")[2], np.random.default_rng(SEED)
    units = int(np.prod(case.output))
    model = spec([((5,), False)], [(Linear(units=units), [0]), (Reshape(case.output), [1])], case.loss)
    batches = [numbers(random, [(5,)], len(case.targets), {}) | {"y": case.targets} for _ in range(STEPS)]
    twins = Twins(torch, model, batches)
    values = (formulas if name in FORMULAS else pytorchs)(torch, name)
    note(case.loss, "50 steps", error(twins.ours(), twins.theirs(values, sgd(torch, twins))), "formula" if name in FORMULAS else "PyTorch")


def classifier(torch, **how):
    """Twins that learn three labels by heart: forty samples, the same in every epoch. Without biases, as what is
    fast for a weight by its trust ratio is too fast for these, which have none."""
    random = np.random.default_rng(SEED)
    epoch = [numbers(random, [(6,)], 8, {}) | {"y": random.integers(0, 3, 8)} for _ in range(EPOCH)]
    layers = [(Linear(units=8, bias=False), [0]), (Tanh(), [1]), (Linear(units=3, bias=False), [2])]
    return Twins(torch, spec([((6,), False)], layers, SoftmaxCrossEntropy(), **how), epoch * (STEPS // EPOCH))


class ByPaper:
    """An optimizer of PyTorch's kind that follows a paper (witnesses/optimizers.py)."""

    def __init__(self, torch, parameters, paper, o):
        self._torch, self._step, self._all = torch, 0, [(parameter, paper(o)) for parameter in parameters]

    def zero_grad(self):
        for parameter, _ in self._all:
            parameter.grad = None

    def step(self):
        self._step += 1
        for parameter, paper in self._all:
            parameter.data = self._torch.tensor(paper.step(self._step, parameter.detach().numpy(), parameter.grad.numpy()), dtype=parameter.dtype)


@pytest.mark.parametrize("o", cases(OPTIMIZERS))
def test_with_an_optimizer(torch, note, o):
    name, twins = row(o).rpartition(".")[2], classifier(torch, optimizer=o)
    if name in PAPERS:
        optimizer = ByPaper(torch, twins.trained, PAPERS[name], o)
    else:
        kind, arguments = TORCH[name]
        optimizer = getattr(torch.optim, kind)(twins.trained, lr=o.learning_rate, **arguments(o))
    wanted = twins.theirs(pytorchs(torch, "softmax_cross_entropy"), optimizer)
    note(o, "50 steps", error(twins.ours(), wanted), "formula" if name in PAPERS else "PyTorch")


# name → an instance, and the same in PyTorch
BY_PYTORCH = {
    "constant": (Constant(), lambda o, lr: lr.ConstantLR(o, factor=1.0)),
    "cosine": (Cosine(floor=0.1), lambda o, lr: lr.CosineAnnealingLR(o, STEPS, 0.1 * RATE)),
    "exponential": (Exponential(gamma=0.8), lambda o, lr: lr.ExponentialLR(o, 0.8)),
    "multistep": (Multistep(milestones=(3, 7), gamma=0.3), lambda o, lr: lr.MultiStepLR(o, [3, 7], 0.3)),
    "one_cycle": (OneCycle(), lambda o, lr: lr.OneCycleLR(o, RATE, STEPS, cycle_momentum=False)),
    "plateau": (Plateau(patience=0, gamma=0.5, threshold=0.1), lambda o, lr: lr.ReduceLROnPlateau(o, factor=0.5, patience=0, threshold=0.1)),
    "polynomial": (Polynomial(power=2.0), lambda o, lr: lr.PolynomialLR(o, STEPS, 2.0)),
    "step": (Step(every=2, gamma=0.5), lambda o, lr: lr.StepLR(o, 2, 0.5)),
}


@pytest.mark.parametrize("name", SCHEDULES.types)
def test_with_a_schedule(torch, note, name):
    schedule, make = BY_PYTORCH[name]
    twins = classifier(torch, optimizer=SGD, schedule=schedule)
    optimizer, by_epochs = sgd(torch, twins), name == "plateau" or getattr(schedule, "unit", "step") == "epoch"
    wanted = twins.theirs(pytorchs(torch, "softmax_cross_entropy"), optimizer, make(optimizer, torch.optim.lr_scheduler),
                          steps_per_turn=EPOCH if by_epochs else 1, watches=name == "plateau")
    note(schedule, "50 steps", error(twins.ours(), wanted))
