"""softmax_cross_entropy and its gradient, row by row: a row stays in the cache while it is looked at.

Labels are looked at before they are used: the loss of one that is none of the classes is not a number.
"""

import numpy as np
from numba import types

from bpcore.kernels.blocks import address
from bpcore.kernels.compiled import kernel, read
from bpcore.kernels.softmax import exponentials, scale
from bpcore.kernels.walk import SUM, walk


def _shared(code, z, wanted, highest):
    """t and t (z − max z)."""
    return [wanted, code.builder.fmul(wanted, code.builder.fsub(z, highest))]


shares = walk(_shared, 2, folds=[SUM, SUM])
scale_and_subtract = walk(lambda code, x, t, factor: [code.builder.fsub(code.builder.fmul(x, factor), t)], 2, 1)


@kernel(lambda real: (read(real, 2, "C"), read(types.int64, 1, "C"), real[:, ::1], real[::1]))
def of_labels(z, labels, gradient, losses):
    """losses: −log softmax(z)[label] of each row; gradient: softmax(z) less 1 at the label, unless it is empty."""
    classes, one, out = z.shape[1], z.dtype.type(1), 0
    for i in range(len(z)):
        if gradient.size:
            out = address(gradient) + i * gradient.strides[0]
        highest, total = exponentials(z, address(z) + i * z.strides[0], out, classes)
        known = 0 <= labels[i] < classes
        losses[i] = np.log(total) - (z[i, labels[i]] - highest) if known else np.nan
        if out:
            scale(z, (out, out), classes, (one / total,))
            if known:
                gradient[i, labels[i]] -= one


@kernel(lambda real: (read(real, 2, "C"), read(real, 2, "C"), real[:, ::1], real[::1]))
def of_distributions(z, wanted, gradient, losses):
    """losses: −Σ t log softmax(z) of each row; gradient: softmax(z) Σt − t, unless it is empty."""
    classes, out = z.shape[1], 0
    for i in range(len(z)):
        if gradient.size:
            out = address(gradient) + i * gradient.strides[0]
        row, target = address(z) + i * z.strides[0], address(wanted) + i * wanted.strides[0]
        highest, total = exponentials(z, row, out, classes)
        whole, share = shares(z, (row, target), classes, (highest,))
        losses[i] = whole * np.log(total) - share
        if out:
            scale_and_subtract(z, (out, target, out), classes, (whole / total,))
