"""Blocks of a batch that stay in the cache while several passes go over them.

Where they are cut depends on sizes alone, so the same batch gives the same bits everywhere.
"""


def planes(count: int, rows: int, fixed: int, each: int, limit: int) -> tuple[int, int]:
    """How many of `count` images at a time, and how many of their rows: several whole images, or of one as many rows
    as fit, at least 1. An image needs `fixed` numbers and `each` a row."""
    high = max(1, min(rows, (limit - fixed) // each))
    return (max(1, min(count, limit // (fixed + rows * each))) if high == rows else 1), high
