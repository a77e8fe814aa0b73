"""Convolutions and what enlarges images. PyTorch's channels are axis 1, ours are the last."""

from torch.nn import functional as F


def margins(layer, sizes, kernel, stride, dilation):
    """(before, behind) of each axis, by hand: what is missing to the last window, the odd place behind."""
    if layer.padding != "same":
        return [(0, 0)] * len(sizes) if layer.padding == "valid" else [(margin, margin) for margin in layer.padding]
    missing = [max(0, (-(-size // step) - 1) * step + (length - 1) * gap + 1 - size)
               for size, length, step, gap in zip(sizes, kernel, stride, dilation)]
    return [(zeros // 2, zeros - zeros // 2) for zeros in missing]


def conv2d(how, x, weight, bias=None):
    layer = how.layer
    (top, bottom), (left, right) = margins(layer, x.shape[1:3], layer.kernel, layer.stride, layer.dilation)
    x = F.pad(x.movedim(-1, 1), (left, right, top, bottom))
    return F.conv2d(x, weight.permute(3, 2, 0, 1), bias, layer.stride, 0, layer.dilation, layer.groups).movedim(1, -1)


def conv1d(how, x, weight, bias=None):
    layer = how.layer
    both, = margins(layer, x.shape[1:2], [layer.kernel], [layer.stride], [layer.dilation])
    x = F.pad(x.movedim(-1, 1), both)
    return F.conv1d(x, weight.permute(2, 1, 0), bias, layer.stride, 0, layer.dilation, layer.groups).movedim(1, -1)


def conv_transpose2d(how, x, weight, bias=None):
    layer = how.layer
    return F.conv_transpose2d(x.movedim(-1, 1), weight.permute(2, 3, 0, 1).contiguous(), bias, layer.stride, layer.padding,
                              layer.output_padding).movedim(1, -1)


def upsample2d(how, x):
    corners = {} if how.layer.mode == "nearest" else {"align_corners": False}
    size = [length * factor for length, factor in zip(x.shape[1:], how.layer.factor)]
    return F.interpolate(x.movedim(-1, 1), size, mode=how.layer.mode, **corners).movedim(1, -1)


WITNESSES = {"conv1d": conv1d, "conv2d": conv2d, "conv_transpose2d": conv_transpose2d, "upsample2d": upsample2d}
