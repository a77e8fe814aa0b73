"""What layers, losses, metrics and optimizers are made of: the arithmetic that several of them share."""
