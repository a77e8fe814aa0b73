"""One rank: its share of every batch, the exchange of gradients, checkpoints, the journal, the link."""
