"""deploy/jobs/encoder_decoder.yaml in PyTorch."""

from torch import nn, ones, optim, zeros
from torch.nn.functional import cross_entropy, linear, scaled_dot_product_attention
from torch.optim.lr_scheduler import LinearLR

LENGTH, WORDS, WIDTH, HEADS, WARMUP = 8, 20, 32, 4, 50
NAMES = {"words.*": "words.*", "positional_embedding_1.*": "source_positions.*", "positional_embedding_4.*": "said_positions.*",
         **{f"{ours}.{own}": f"{theirs}.{its}" for ours, theirs in (("memory", "encoder"), ("state", "decoder"))
            for own, its in (("norm*.gamma", "norm*.weight"), ("norm*.beta", "norm*.bias"), ("*", "*"))},
         "query.gamma": "query.weight", "query.beta": "query.bias", "read.*": "read.*",
         "layer_norm_9.gamma": "norm.weight", "layer_norm_9.beta": "norm.bias", "linear_10.*": "scores.*"}


class CrossAttention(nn.Module):
    """nn.MultiheadAttention has its weights for keys and values apart, ours in one; so by hand."""

    def __init__(self):
        super().__init__()
        self.q_proj_weight = nn.Parameter(zeros(WIDTH, WIDTH))
        self.kv_proj_weight = nn.Parameter(zeros(WIDTH, 2 * WIDTH))  # (in, out)
        self.in_proj_bias = nn.Parameter(zeros(3 * WIDTH))
        self.out_proj = nn.Linear(WIDTH, WIDTH)

    def forward(self, x, memory):
        q = linear(x, self.q_proj_weight, self.in_proj_bias[:WIDTH])
        k, v = linear(memory, self.kv_proj_weight.T, self.in_proj_bias[WIDTH:]).chunk(2, dim=-1)
        heads = [part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (q, k, v)]
        return self.out_proj(scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2))


def block():
    return nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, 0.0, "gelu", batch_first=True, norm_first=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)  # both languages'
        self.source_positions, self.said_positions = nn.Embedding(LENGTH, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.encoder, self.decoder, self.read = block(), block(), CrossAttention()
        self.query, self.norm, self.scores = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WORDS)
        self.register_buffer("later", ones(LENGTH, LENGTH).triu(1).bool(), persistent=False)

    def forward(self, source, said):
        memory = self.encoder(self.words(source) + self.source_positions.weight)
        state = self.decoder(self.words(said) + self.said_positions.weight, src_mask=self.later)
        return self.scores(self.norm(state + self.read(self.query(state), memory)))

    def loss(self, batch):
        """(sum, count) over one shard: of all words."""
        scores = self(batch["source"], batch["x"])
        return cross_entropy(scores.flatten(0, 1), batch["y"].flatten(), reduction="sum"), batch["y"].numel()


def optimizer(net, steps):
    adam = optim.Adam(net.parameters(), lr=0.003)
    return adam, LinearLR(adam, 1 / WARMUP, total_iters=WARMUP - 1)
