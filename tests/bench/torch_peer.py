"""PyTorch on the workloads of this folder: what a user would pick instead.

    torchrun --nproc-per-node 2 torch_peer.py lenet       DistributedDataParallel over gloo, a thread a rank
    python torch_peer.py lenet --threads 2                one process

Trains on random data held in memory, the way PyTorch's own examples do, and prints one line of JSON with the
keys of worker/bench.py: samples_s is the median of seven windows, rss_bytes the most that a rank has held.
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import distributed, nn

VOCABULARY = 96
WINDOWS = 7
WARM_STEPS = 5


class Residual(nn.Module):
    """Two convolutions beside a shortcut, with a convolution in it where the shape changes."""

    def __init__(self, channels, filters, stride):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False), nn.BatchNorm2d(filters)
        self.conv2, self.norm2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False), nn.BatchNorm2d(filters)
        self.shortcut = nn.Identity() if stride == 1 else nn.Sequential(
            nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))

    def forward(self, x):
        inside = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(inside + self.shortcut(x))


class CharLstm(nn.Module):
    def __init__(self, features=128, units=256):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, features)
        self.lstm = nn.LSTM(features, units, batch_first=True)
        self.out = nn.Linear(units, VOCABULARY)

    def forward(self, x):
        return self.out(self.lstm(self.embedding(x))[0]).flatten(0, 1)


class Block(nn.Module):
    """Attention and a perceptron, each behind a norm and beside a shortcut."""

    def __init__(self, features, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(features), nn.LayerNorm(features)
        self.project, self.out = nn.Linear(features, 3 * features), nn.Linear(features, features)
        self.perceptron = nn.Sequential(nn.Linear(features, 4 * features), nn.GELU(), nn.Linear(4 * features, features))

    def forward(self, x):
        n, length, features = x.shape
        q, k, v = self.project(self.norm1(x)).view(n, length, 3, self.heads, features // self.heads).permute(2, 0, 3, 1, 4)
        heads = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(heads.transpose(1, 2).reshape(n, length, features))
        return x + self.perceptron(self.norm2(x))


class Gpt(nn.Module):
    def __init__(self, features=128, heads=4, blocks=4, length=128):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(VOCABULARY, features), nn.Embedding(length, features)
        self.blocks = nn.Sequential(*(Block(features, heads) for _ in range(blocks)))
        self.norm, self.out = nn.LayerNorm(features), nn.Linear(features, VOCABULARY)

    def forward(self, x):
        x = self.embedding(x) + self.positions(torch.arange(x.shape[1]))
        return self.out(self.norm(self.blocks(x))).flatten(0, 1)


def mlp(*sizes):
    layers = [layer for pair in zip(sizes, sizes[1:]) for layer in (nn.Linear(*pair), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def lenet():
    return nn.Sequential(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))


def resnet20():
    stem = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
    blocks = [Residual(16, 16, 1) for _ in range(3)]
    blocks += [Residual(16, 32, 2), Residual(32, 32, 1), Residual(32, 32, 1)]
    blocks += [Residual(32, 64, 2), Residual(64, 64, 1), Residual(64, 64, 1)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def numbers(*shape, classes=10):
    return lambda n: (torch.randn(n, *shape), torch.randint(0, classes, (n,)))


def yes_no(features):
    return lambda n: (torch.randn(n, features), torch.randint(0, 2, (n, 1)).float())


def text(length):
    def draw(n):
        symbols = torch.randint(0, VOCABULARY, (n, length + 1))
        return symbols[:, :-1].contiguous(), symbols[:, 1:].flatten()
    return draw


# Name: (model, data(samples), global batch, loss).
WORKLOADS = {
    "keras_mlp": (lambda: mlp(10, 64, 32, 1), yes_no(10), 32, F.binary_cross_entropy_with_logits),
    "mnist_mlp": (lambda: mlp(784, 512, 256, 10), numbers(784), 128, F.cross_entropy),
    "wide_mlp": (lambda: mlp(1024, 4096, 4096, 1000), numbers(1024, classes=1000), 256, F.cross_entropy),
    "lenet": (lenet, numbers(1, 28, 28), 128, F.cross_entropy),
    "resnet20": (resnet20, numbers(3, 32, 32), 128, F.cross_entropy),
    "char_lstm": (CharLstm, text(64), 64, F.cross_entropy),
    "gpt": (Gpt, text(128), 32, F.cross_entropy),
}


class Trainer:
    """One rank, on eight batches of its own in turn."""

    def __init__(self, workload, world):
        make, data, batch, self.loss = WORKLOADS[workload]
        model = make()
        self.model = nn.parallel.DistributedDataParallel(model) if world > 1 else model
        self.optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
        self.batches = [data(batch // world) for _ in range(8)]

    def seconds(self, steps):
        began = time.perf_counter()
        for i in range(steps):
            x, y = self.batches[i % 8]
            self.optimizer.zero_grad(set_to_none=True)
            loss = self.loss(self.model(x), y)
            loss.backward()
            self.optimizer.step()
        loss.item()
        return time.perf_counter() - began


def agreed(steps):
    """Rank 0's number, on all ranks."""
    told = torch.tensor([steps])
    if distributed.is_initialized():
        distributed.broadcast(told, 0)
    return int(told)


def peak_rss_bytes():
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) * 1024


def main():
    parser = argparse.ArgumentParser(description="PyTorch's throughput on a workload of this folder.")
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of each process (default: 1)")
    parser.add_argument("--seconds", type=float, default=6, metavar="S", help="how long to measure (default: 6)")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(0)
    world = int(os.environ.get("WORLD_SIZE", 1))
    if world > 1:
        distributed.init_process_group("gloo")
    trainer, batch = Trainer(chosen.workload, world), WORKLOADS[chosen.workload][2]
    trainer.seconds(WARM_STEPS)
    steps = agreed(max(1, int(chosen.seconds / WINDOWS / trainer.seconds(1))))
    rates = [steps * batch / trainer.seconds(steps) for _ in range(WINDOWS)]
    if int(os.environ.get("RANK", 0)) == 0:
        print(json.dumps({"workload": chosen.workload, "world": world, "threads": chosen.threads, "global_batch": batch,
                          "samples_s": round(statistics.median(rates), 1), "min": round(min(rates), 1), "max": round(max(rates), 1),
                          "rss_bytes": peak_rss_bytes(), "version": torch.__version__}), flush=True)
    if world > 1:
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
