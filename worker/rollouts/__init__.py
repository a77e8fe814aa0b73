"""Samples that a policy makes by playing: what a job with `data: {environment: …}` trains on.

1. An epoch is a rollout and `passes` over it. The rollout of a logical shard is a pure function of (the parameters that the
   epoch began with, seed, epoch, shard): so many games, so many steps of each. A shard's batches come of its own rollout
   alone, so whoever computes the shard plays it, and nothing is sent.
2. These parameters are one more vector of the replica and of the checkpoint (`epoch_start`, bpcore/optimization/update.py). So whoever takes
   a shard over in the middle of an epoch (after a death, a resize, a resume, for balance) plays it again, to the same bits.
3. Games begin anew with every rollout: what a game is in the middle of is nowhere kept.
"""
