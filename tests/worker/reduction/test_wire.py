"""How numbers are written between nodes: against other implementations of the same formats."""

import numpy as np
import pytest

from worker.reduction.wire import GROUP, WIRES, BFloat16, Float16

LENGTHS = (0, 1, GROUP - 1, GROUP, GROUP + 1, 16384, 16385, 40000)


def numbers(n):
    """Of very different sizes, zeros of both signs among them."""
    draw = np.random.default_rng(n)
    values = (draw.normal(size=n) * 10.0 ** draw.integers(-12, 12, n)).astype(np.float32)
    values[::7] *= 0
    return values


def through(wire, values):
    message = wire.encode(values)
    assert message.shape == (wire.length(len(values)),) and message.dtype == wire.dtype
    return wire.decode(message, len(values))


@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize("n", LENGTHS)
def test_any_number_of_numbers_arrives(name, n):
    came = through(WIRES[name](), numbers(n))
    assert came.shape == (n,) and came.dtype == np.float32


def test_float32_changes_no_bit():
    odd = np.array([0x7FC00001, 0x80000000, 0x00000001, 0x7F800000], np.uint32).view(np.float32)
    assert through(WIRES["float32"](), odd).tobytes() == odd.tobytes()


@pytest.mark.parametrize("n", LENGTHS)
def test_bfloat16_is_pytorchs(n):
    torch = pytest.importorskip("torch", reason="needs PyTorch: pip install torch==2.13.0")
    assert through(BFloat16(), numbers(n)).tobytes() == torch.from_numpy(numbers(n)).bfloat16().float().numpy().tobytes()


@pytest.mark.parametrize(("bits", "rounded"), [
    (0x3F800000, 0x3F80),  # 1
    (0x3F808000, 0x3F80),  # halfway, to the even one below
    (0x3F818000, 0x3F82),  # halfway, to the even one above
    (0x3F808001, 0x3F81), (0x3F807FFF, 0x3F80), (0xBF808001, 0xBF81),
    (0x7F7FFFFF, 0x7F80),  # the largest float32 is beyond the largest bfloat16
    (0x7FFFFFFF, 0x7FC0), (0xFFFFFFFF, 0x7FC0), (0x7F800001, 0x7FC0), (0xFF800000, 0xFF80)])
def test_bfloat16_rounds_to_nearest_even(bits, rounded):
    assert BFloat16().encode(np.array([bits], np.uint32).view(np.float32)).tolist() == [rounded]


def test_float16_is_numpys_where_nothing_is_scaled():
    """The largest number of the group is just below 2¹⁵: then the scale is 1."""
    values = np.clip(numbers(GROUP), -30000, 30000)
    values[3] = 32767
    assert through(Float16(), values).tobytes() == values.astype(np.float16).astype(np.float32).tobytes()


@pytest.mark.parametrize("n", LENGTHS)
def test_float16_keeps_eleven_bits_of_what_is_not_tiny_in_its_group(n):
    values = numbers(n)
    largest = np.array([np.abs(values[i - i % GROUP:][:GROUP]).max() for i in range(n)])
    assert (np.abs(through(Float16(), values) - values) <= np.maximum(np.abs(values) * 2.0**-11, largest * 2.0**-39)).all()


@pytest.mark.parametrize("scale", [1e-30, 1e-8, 1e8, 1e30])
def test_float16_has_the_range_of_float32(scale):
    values = np.float32(scale) * np.linspace(0.5, 1, GROUP, dtype=np.float32)
    assert np.allclose(through(Float16(), values), values, rtol=2.0**-11, atol=0)


@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_arrives_as_not_finite(name, odd):
    values = np.ones(2 * GROUP, np.float32)
    values[7] = odd
    came = through(WIRES[name](), values)
    assert not np.isfinite(came[7])
    assert (came[GROUP:] == 1).all()
