"""From a sum of gradients to new parameters: whose rule, how far, and in which parts."""
