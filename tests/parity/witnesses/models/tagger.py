"""deploy/jobs/tagger.yaml in PyTorch: sentences are packed, so the LSTM sees no padding."""

from torch import nn, optim
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

NAMES = {"embedded.*": "words.*", "lstm_1.*": "lstm.*", "linear_2.*": "tags.*"}
CLIP = 5.0


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(40, 16)
        self.lstm = nn.LSTM(16, 32, bidirectional=True, batch_first=True)
        self.tags = nn.Linear(64, 2)

    def forward(self, words, mask):
        packed = pack_padded_sequence(self.words(words), mask.sum(1), batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=words.shape[1])
        return self.tags(states)

    def loss(self, batch):
        """(sum, count) over one shard: of the words that are there."""
        there = batch["mask"] == 1
        return cross_entropy(self(batch["x"], batch["mask"])[there], batch["y"][there], reduction="sum"), int(there.sum())


def optimizer(net, steps):
    return optim.Adam(net.parameters(), lr=0.005), None
