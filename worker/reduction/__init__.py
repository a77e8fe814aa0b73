"""What sums of gradients are made of: order, parts and messages; worker/exchange says how a step puts them together."""
