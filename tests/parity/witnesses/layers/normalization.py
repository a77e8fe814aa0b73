"""Norms. PyTorch's channels are axis 1, ours are the last."""

from torch.nn import functional as F


def batch_norm(how, x, gamma, beta, running_mean, running_var):
    """A single value a channel, which PyTorch refuses, has the variance 0."""
    if how.training and x.numel() == x.shape[-1]:
        return 0 * (x - x.detach()) * gamma + beta
    mean, variance = (None, None) if how.training else (running_mean.detach(), running_var.detach())
    return F.batch_norm(x.movedim(-1, 1), mean, variance, gamma, beta, how.training, 0.0, how.layer.epsilon).movedim(1, -1)


def group_norm(how, x, gamma, beta):
    """The same of a single value a group, when there is one sample."""
    if x.numel() == how.layer.groups:
        return 0 * (x - x.detach()) * gamma + beta
    return F.group_norm(x.movedim(-1, 1), how.layer.groups, gamma, beta, how.layer.epsilon).movedim(1, -1)


def layer_norm(how, x, gamma, beta):
    return F.layer_norm(x, x.shape[-how.layer.axes:], gamma, beta, how.layer.epsilon)


def rms_norm(how, x, gamma):
    return F.rms_norm(x, x.shape[-how.layer.axes:], gamma, how.layer.epsilon)


WITNESSES = {"batch_norm": batch_norm, "group_norm": group_norm, "layer_norm": layer_norm, "rms_norm": rms_norm}
