"""The gradient of rows that were looked up in a table."""

from numba import types

from bpcore.kernels.compiled import kernel, read


@kernel(lambda real: (real[:, ::1], read(types.int64, 1, "C"), read(real, 2, "C")))
def add_rows(table, indices, rows):
    """table[indices[i]] += rows[i], in order, so that equal indices always give equal bits."""
    for i in range(len(indices)):
        to, row = table[indices[i]], rows[i]
        for j in range(len(row)):
            to[j] += row[j]
