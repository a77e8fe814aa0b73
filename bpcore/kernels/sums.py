"""Sums that a call of NumPy's takes longer for than they take: over a few rows, as NumPy makes them, and over a few numbers."""

from bpcore.kernels.compiled import helper, kernel, read


@kernel(lambda real: (real[::1], read(real, 1, "C")))
def add(total, part):
    """total += part. Both: (n,)."""
    for i in range(len(total)):
        total[i] += part[i]


@kernel(lambda real: (read(real, 2, "C"), real[::1]))
def columns(rows, total):
    """total = the sum of all rows. rows: (m, n), of which n is at least 2; total: (n,)."""
    for j in range(len(total)):
        total[j] = 0
    for i in range(len(rows)):
        for j in range(len(total)):
            total[j] += rows[i, j]


@kernel(lambda real: (real[:, ::1], read(real, 2, "C"), real[::1]))
def rectified_columns(rows, y, total):
    """rows = rows where y > 0, else 0; and total = the sum of all rows. rows, y: (m, n), total: (n,)."""
    for j in range(len(total)):
        total[j] = 0
    for i in range(len(rows)):
        for j in range(len(total)):
            rows[i, j] = rows[i, j] if y[i, j] > 0 else 0
            total[j] += rows[i, j]


@helper
def total(numbers):
    """Their sum in float64: four sums side by side, as one would wait for itself."""
    a = b = c = d = 0.0
    whole = len(numbers) // 4 * 4
    for i in range(0, whole, 4):
        a += numbers[i]
        b += numbers[i + 1]
        c += numbers[i + 2]
        d += numbers[i + 3]
    for i in range(whole, len(numbers)):
        a += numbers[i]
    return (a + b) + (c + d)
