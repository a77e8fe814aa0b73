"""deploy/jobs/digits_residual.yaml in PyTorch."""

from torch import nn, optim
from torch.nn.functional import cross_entropy, silu

# Ours → PyTorch's, as a job's start.names; γ and β of a norm are its weight and bias.
LAYERS = {"conv2d_0": "stem.0", "batch_norm_1": "stem.1",
          "conv2d_3": "body.0", "batch_norm_4": "body.1", "conv2d_6": "body.3", "body": "body.4",
          "conv2d_10": "wide.0", "batch_norm_11": "wide.1", "conv2d_13": "wide.3", "wide": "wide.4",
          "conv2d_15": "shortcut.0", "shortcut": "shortcut.1", "linear_20": "classes"}
NAMES = {f"{ours}.{own}": f"{theirs}.{its}" for ours, theirs in LAYERS.items()
         for own, its in (("gamma", "weight"), ("beta", "bias"), ("*", "*"))}


def conv(channels, filters, kernel, stride=1):
    return [nn.Conv2d(channels, filters, kernel, stride, padding=kernel // 2, bias=False), nn.BatchNorm2d(filters)]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(*conv(1, 16, 3))
        self.body = nn.Sequential(*conv(16, 16, 3), nn.SiLU(), *conv(16, 16, 3))
        self.wide = nn.Sequential(*conv(16, 32, 3, stride=2), nn.SiLU(), *conv(32, 32, 3))
        self.shortcut = nn.Sequential(*conv(16, 32, 1, stride=2))
        self.classes = nn.Linear(32, 10)

    def forward(self, x):
        stem = silu(self.stem(x.movedim(3, 1)))
        narrow = silu(stem + self.body(stem))
        features = silu(self.wide(narrow) + self.shortcut(narrow))
        return self.classes(features.mean((2, 3)))

    def loss(self, batch):
        """(sum, count) over one shard, whose statistics its norms take."""
        return cross_entropy(self(batch["x"]), batch["y"], reduction="sum"), len(batch["y"])


def optimizer(net, steps):
    return optim.Adam(net.parameters(), lr=0.003), None
