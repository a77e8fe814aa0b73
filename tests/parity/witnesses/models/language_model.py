"""deploy/jobs/language_model.yaml in PyTorch."""

from torch import nn, ones, optim
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

LENGTH, CHARACTERS, WIDTH, HEADS, WARMUP = 9, 14, 48, 4, 50
NAMES = {"embedding_0.*": "characters.*", "positional_embedding_1.*": "positions.*", "layer_norm_4.gamma": "norm.weight",
         "layer_norm_4.beta": "norm.bias", "linear_5.*": "scores.*",
         **{f"transformer_block_{2 + i}.{ours}": f"blocks.{i}.{theirs}" for i in (0, 1)
            for ours, theirs in (("norm*.gamma", "norm*.weight"), ("norm*.beta", "norm*.bias"), ("*", "*"))}}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.characters, self.positions = nn.Embedding(CHARACTERS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, 0.0, "gelu", batch_first=True, norm_first=True)
                                    for _ in range(2))
        self.norm, self.scores = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, CHARACTERS)
        self.register_buffer("later", ones(LENGTH, LENGTH).triu(1).bool(), persistent=False)

    def forward(self, characters):
        x = self.characters(characters) + self.positions.weight
        for block in self.blocks:
            x = block(x, src_mask=self.later)
        return self.scores(self.norm(x))

    def loss(self, batch):
        """(sum, count) over one shard: of all characters."""
        return cross_entropy(self(batch["x"]).flatten(0, 1), batch["y"].flatten(), reduction="sum"), batch["y"].numel()


def optimizer(net, steps):
    """No decay for what the job's pattern *bias matches, which is not a norm's shift: that is β there."""
    spared = {name for name, _ in net.named_parameters() if name.endswith("bias") and "norm" not in name}
    groups = [{"params": [p for name, p in net.named_parameters() if (name in spared) == bias], "weight_decay": 0.0 if bias else 0.01}
              for bias in (False, True)]
    adamw = optim.AdamW(groups, lr=0.003)
    warmup = LinearLR(adamw, 1 / WARMUP, total_iters=WARMUP - 1)
    return adamw, SequentialLR(adamw, [warmup, CosineAnnealingLR(adamw, steps - WARMUP)], [WARMUP])
