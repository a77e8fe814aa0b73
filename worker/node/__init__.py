"""What the ranks of a node have in common: the memory that they share, and the process that holds it while they are away."""
