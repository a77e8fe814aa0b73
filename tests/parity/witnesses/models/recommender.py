"""deploy/jobs/recommender.yaml in PyTorch."""

from torch import nn, optim
from torch.nn.functional import mse_loss

NAMES = {"embedding_0.*": "users.*", "embedding_2.*": "items.*", "linear_5.*": "rating.*"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.users, self.items = nn.Embedding(50, 16), nn.Embedding(50, 16)
        self.taste, self.traits, self.rating = nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 1)

    def forward(self, user, item):
        return self.rating(self.taste(self.users(user)) * self.traits(self.items(item)))

    def loss(self, batch):
        """(sum, count) over one shard."""
        return mse_loss(self(batch["user"], batch["item"]), batch["y"], reduction="sum"), len(batch["y"])


def optimizer(net, steps):
    """The penalty l2 is Adam's weight_decay here, and not for biases."""
    biases = [p for name, p in net.named_parameters() if name.endswith("bias")]
    weights = [p for name, p in net.named_parameters() if name.endswith("weight")]
    return optim.Adam([{"params": weights, "weight_decay": 1e-5}, {"params": biases}], lr=0.005), None
