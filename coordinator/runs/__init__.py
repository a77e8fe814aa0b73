"""Running jobs: starting and ending ranks, taking in what they report."""
