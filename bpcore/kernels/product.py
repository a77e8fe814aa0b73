"""c = start + a · b for matrices with any strides, in blocks that stay in the caches.

Rows of a and strips of b meet in tiles.py. What tiles would read across the grain, or in steps that crowd into a few
sets of the cache, is laid side by side first. Each sum goes in blocks of TERMS, whatever the other sizes: a row of c
has the same bits in any batch.
"""

from numba import types

from bpcore.kernels.blocks import address, lanes, rounded
from bpcore.kernels.compiled import helper, kernel, read
from bpcore.kernels.rectification import rectified
from bpcore.kernels.tiles import HEIGHT, lay, short_narrow, short_wide, tall_narrow, tall_wide, turn
from bpcore.kernels.vectors import BYTES, clear, copy
from bpcore.kernels.walk import walk

# Of a block: terms, so that two strips stay in the first cache; rows and columns, so that a's and b's stay in the second.
TERMS, ROWS, COLUMNS = 256, 256, 512
FEW_ROWS, FEW_COLUMNS = 2 * HEIGHT, 8 * HEIGHT  # of c, for which b and a are not worth copying
FAR = 4096  # bytes from row to row, from where on rows crowd

rectify_row = walk(rectified, 1, outputs=1)


def room(m: int, n: int, k: int, itemsize: int) -> int:
    """Numbers of scratch that a product of these sizes may take."""
    each = BYTES // itemsize
    terms, rows, columns = (-(-min(size, most) // each) * each for size, most in ((k, TERMS), (m, ROWS), (n, COLUMNS)))
    return -(-n // each) * each + columns * (terms + 1) + rows * (terms + each)


@kernel(lambda real: (read(real, 2), read(real, 2), read(real, 2), real[:, :], real[::1], types.boolean))
def multiply(a, b, start, c, scratch, to_rectify):
    """a: (m, k), b: (k, n), c: (m, n), each of at least 1; the numbers of a row of c lie side by side, and those of start:
    (m, n), which may be c, or (1, n) for all rows, or (0, n) for zero. scratch: as many numbers as `room` says.
    to_rectify: c = max(start + a · b, 0).
    """
    (m, k), n, size = a.shape, b.shape[1], c.itemsize
    zero, begin, begin_row = address(scratch), address(start), start.strides[0] if len(start) > 1 else 0
    strips = zero + rounded(n, lanes(c)) * size
    aside = strips + (rounded(min(k, TERMS), lanes(c)) + 1) * rounded(min(n, COLUMNS), lanes(c)) * size
    if len(start) == 0:
        clear(zero, n * size)
        begin = zero
    for column in range(0, n, COLUMNS):
        across = min(COLUMNS, n - column)
        first, first_row = begin + column * size, begin_row
        for term in range(0, k, TERMS):
            terms = min(TERMS, k - term)
            part, b_term, b_strip = address(b) + term * b.strides[0] + column * b.strides[1], b.strides[0], BYTES
            if m > FEW_ROWS or b.strides[1] != size:
                lay_out(c, part, b_term, b.strides[1], terms, across, strips)
                part, b_term, b_strip = strips, BYTES, strip_bytes(c, terms)
            for row in range(0, m, ROWS):
                some, place = min(ROWS, m - row), address(a) + row * a.strides[0] + term * a.strides[1]
                place, a_row, a_term, a_strip = _rows(c, place, a.strides[0], a.strides[1], some, terms, across, aside)
                tiles(c, some, across, terms, place, a_row, a_term, a_strip, part, b_term, b_strip,
                      first + row * first_row, first_row, address(c) + row * c.strides[0] + column * size, c.strides[0])
                if to_rectify and term + TERMS >= k:
                    _rectify(c, address(c) + row * c.strides[0] + column * size, some, across)
            first, first_row = address(c) + column * size, c.strides[0]


def laid_room(n: int, k: int, itemsize: int) -> int:
    """Numbers of a b of these sizes in strips, with zeros to start from."""
    each = BYTES // itemsize
    n, k = (-(-size // each) * each for size in (n, k))
    return n * (k + 2)


@kernel(lambda real: (read(real, 2), real[::1]))
def lay_all(b, laid):
    """laid = b (k, n) as `multiply_laid` reads it; as many numbers as `laid_room` says."""
    (k, n), size = b.shape, b.itemsize
    clear(address(laid), n * size)
    lay_out(laid, address(b), b.strides[0], b.strides[1], k, n, address(laid) + rounded(n, lanes(b)) * size)


@kernel(lambda real: (read(real, 2), read(real, 1), read(real, 2), real[:, :]))
def multiply_laid(a, laid, start, c):
    """The same as `multiply`, of a b that was laid out before; the rows of a without gaps."""
    (m, k), n = a.shape, c.shape[1]
    first, first_row = address(start), start.strides[0] if len(start) > 1 else 0
    if len(start) == 0:
        first = address(laid)
    strips = address(laid) + rounded(n, lanes(c)) * c.itemsize
    through(c, m, n, k, address(a), a.strides[0], strips, strip_bytes(c, k), first, first_row, address(c), c.strides[0])


@helper
def through(like, m, n, k, a, a_row, strips, strip, start, start_row, c, c_row):
    """c = start + a · b, of a b in strips; the rows of a without gaps."""
    for term in range(0, k, TERMS):
        tiles(like, m, n, min(TERMS, k - term), a + term * like.itemsize, a_row, like.itemsize, 0, strips + term * BYTES, BYTES, strip,
              start, start_row, c, c_row)
        start, start_row = c, c_row


@helper
def strip_bytes(like, terms):
    """How far strips lie apart: an odd number of vectors, or they would crowd."""
    return (rounded(terms, lanes(like)) + 1) * BYTES


@helper
def lay_out(like, b, b_term, b_column, terms, columns, strips):
    """b in strips."""
    each, size, apart = lanes(like), like.itemsize, strip_bytes(like, terms)
    if b_column == size:
        lay(like, b, b_term, terms, columns, strips, apart)
        return
    for first in range(0, columns, each):
        turn(like, b + first * b_column, b_column, min(each, columns - first), terms, strips + first // each * apart)


@helper
def _rectify(c, place, rows, columns):
    """c = max(c, 0) of a block, which is in the cache."""
    for i in range(rows):
        row = place + i * c.strides[0]
        rectify_row(c, (row, row), columns, ())


@helper
def _rows(like, a, a_row, a_term, rows, terms, columns, aside):
    """A block of a as tiles can read it: where it is, steps to the next row and term, and between strips of rows."""
    size = like.itemsize
    if a_term != size:
        lay(like, a, a_term, terms, rows, aside, strip_bytes(like, terms))
        return aside, size, BYTES, strip_bytes(like, terms)
    if a_row < FAR or columns < FEW_COLUMNS:
        return a, a_row, a_term, 0
    for i in range(rows):
        copy(aside + i * (terms * size + BYTES), a + i * a_row, terms * size)
    return aside, terms * size + BYTES, a_term, 0


@helper
def tiles(like, m, n, terms, a, a_row, a_term, a_strip, b, b_term, b_strip, start, start_row, c, c_row):
    """A block of c. `a_strip`: from one strip of a's rows to the next, or 0 where the rows are whole."""
    each, size = lanes(like), like.itemsize
    for column in range(0, n, 2 * each):
        columns, part = min(2 * each, n - column), b + column // each * b_strip
        for row in range(0, m, HEIGHT):
            rows, line = min(HEIGHT, m - row), a + (row // each * a_strip + row % each * a_row if a_strip else row * a_row)
            begin, place = start + row * start_row + column * size, c + row * c_row + column * size
            if columns > each:
                if rows > HEIGHT // 2:
                    tall_wide(like, rows, columns, terms, line, a_row, a_term, part, b_term, b_strip, begin, start_row, place, c_row)
                else:
                    short_wide(like, rows, columns, terms, line, a_row, a_term, part, b_term, b_strip, begin, start_row, place, c_row)
            elif rows > HEIGHT // 2:
                tall_narrow(like, rows, columns, terms, line, a_row, a_term, part, b_term, b_strip, begin, start_row, place, c_row)
            else:
                short_narrow(like, rows, columns, terms, line, a_row, a_term, part, b_term, b_strip, begin, start_row, place, c_row)
