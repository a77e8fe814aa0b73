"""Convolutions and what enlarges images: against PyTorch, over drawn shapes and options."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpcore import attributes
from bpcore.errors import InvalidInput, ShapeError
from bpcore.gradcheck import workspace
from bpcore.layers import Case
from bpcore.layers.conv1d import Conv1d
from bpcore.layers.conv2d import Conv2d
from bpcore.layers.conv_transpose2d import ConvTranspose2d
from bpcore.layers.upsample2d import Upsample2d
from bpcore.numerics import planar

DRAWN = settings(max_examples=80, derandomize=True, deadline=None, database=None)
BATCHES = st.integers(1, 3)


@st.composite
def axes(draw, padding):
    """(size, kernel, stride, dilation, margin) of one axis: at least one window fits."""
    kernel, stride, dilation, margin = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(0, 4))
    reach = (kernel - 1) * dilation + 1
    least = {"valid": reach, "same": 1, "numbers": reach - 2 * margin}[padding]
    return draw(st.integers(max(1, least), max(1, least) + 5)), kernel, stride, dilation, margin


@st.composite
def convolutions(draw, kind, count):
    """A layer over `count` axes, and the shape of its input. A third of the groups are depthwise."""
    padding = draw(st.sampled_from(["valid", "same", "numbers"]))
    sizes, kernel, stride, dilation, margin = zip(*(draw(axes(padding)) for _ in range(count)))
    groups, inner, outer = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    several = {"kernel": kernel, "stride": stride, "dilation": dilation}
    options = {name: value if count == 2 else value[0] for name, value in several.items()}
    layer = kind(filters=groups * outer, padding=margin if padding == "numbers" else padding, groups=groups,
                 bias=draw(st.booleans()), **options)
    return layer, (*sizes, groups * inner)


@given(convolutions(Conv2d, 2), BATCHES)
@DRAWN
def test_conv2d_is_pytorchs(agrees, drawn, batch):
    layer, shape = drawn
    agrees(layer, shape, batch=batch)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("kernel", "size", "channels", "filters"), [(3, 14, 40, 24), (3, 32, 16, 16), (5, 11, 16, 33)])
def test_images_that_go_through_winograds_products_are_pytorchs(agrees, monkeypatch, kernel, size, channels, filters, padding):
    """Which are too large to be drawn."""
    pays, answers = planar.winograd_pays, []
    monkeypatch.setattr(planar, "winograd_pays", lambda *sizes: answers.append(pays(*sizes)) or answers[-1])
    agrees(Conv2d(filters, (kernel, kernel), padding=padding), (size, size, channels))
    assert any(answers)


@given(convolutions(Conv1d, 1), BATCHES)
@DRAWN
def test_conv1d_is_pytorchs(agrees, drawn, batch):
    layer, shape = drawn
    agrees(layer, shape, batch=batch)


@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("kernel", [1, 3, 5])
def test_same_is_pytorchs_same(agree, torch, kernel, dilation):
    """PyTorch has it for a stride of 1 only."""
    layer = Conv2d(filters=2, kernel=(kernel, 3), padding="same", dilation=(dilation, 1))
    w = workspace(Case(layer, [(5, 4, 2)]), np.random.default_rng(0))
    layer.forward(w)
    x, weight, bias = (torch.tensor(array) for array in (w.x, w.p["weight"], w.p["bias"]))
    y = torch.nn.functional.conv2d(x.movedim(-1, 1), weight.permute(3, 2, 0, 1), bias, 1, "same", layer.dilation)
    agree(layer, w.y, y.movedim(1, -1))


@st.composite
def transposed(draw):
    """Every axis of the output is at least one long."""
    rows = []
    for _ in range(2):
        size, kernel, stride = draw(st.integers(1, 5)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
        extra = draw(st.integers(0, stride - 1))
        rows.append((size, kernel, stride, draw(st.integers(0, min(3, ((size - 1) * stride + kernel + extra - 1) // 2))), extra))
    sizes, kernel, stride, padding, extra = zip(*rows)
    layer = ConvTranspose2d(draw(st.integers(1, 3)), kernel, stride, padding, extra, draw(st.booleans()))
    return layer, (*sizes, draw(st.integers(1, 3)))


@given(transposed(), BATCHES)
@DRAWN
def test_conv_transpose2d_is_pytorchs(agrees, drawn, batch):
    layer, shape = drawn
    agrees(layer, shape, batch=batch)


@given(st.builds(Upsample2d, st.tuples(st.integers(1, 4), st.integers(1, 4)), st.sampled_from(["nearest", "bilinear"])),
       st.tuples(*[st.integers(1, 5)] * 3), BATCHES)
@DRAWN
def test_upsample2d_is_pytorchs(agrees, layer, shape, batch):
    agrees(layer, shape, batch=batch)


@pytest.mark.parametrize(("layer", "shape"), [
    (Conv2d(3, (3, 3), padding="same"), (4, 5, 2)), (Conv2d(4, (2, 2), groups=2, stride=(2, 1)), (4, 5, 2)),
    (Conv2d(6, (3, 3), groups=3, padding="same"), (4, 4, 3)), (Conv1d(2, 3, padding=(2,), dilation=2), (6, 2)),
    (ConvTranspose2d(2, (3, 2), (2, 2), (1, 0)), (3, 2, 2))], ids=lambda x: type(x).__name__)
def test_blocks_of_samples_change_nothing(monkeypatch, layer, shape):
    """One sample at a time, and all 5 at once."""
    found = []
    for numbers in (1, 1 << 16):
        monkeypatch.setattr("bpcore.numerics.planar.DIRECT", numbers)
        w = workspace(Case(layer, [shape], 5), np.random.default_rng(1))
        layer.forward(w)
        w.dy[...] = np.random.default_rng(2).standard_normal(w.dy.shape)
        layer.backward(w)
        found.append([w.y, w.dx, *w.g.values()])
    for alone, together in zip(*found):
        np.testing.assert_allclose(alone, together, rtol=1e-12, atol=1e-12)


def test_a_depthwise_convolution_keeps_channels_apart():
    """By hand: filters 0 and 1 see channel 0 alone, 2 and 3 channel 1."""
    layer = Conv1d(filters=4, kernel=1, groups=2, bias=False)
    w = workspace(Case(layer, [(1, 2)], 1), np.random.default_rng(0))
    w.x[...], w.p["weight"][...] = [[10, 100]], [[[1, 2, 3, 4]]]
    layer.forward(w)
    assert w.y.tolist() == [[[10, 20, 300, 400]]]


@pytest.mark.parametrize(("given", "kept"), [("same", "same"), ("valid", "valid"), (1, (1, 1)), ([0, 2], (0, 2)), (2.0, (2, 2))], ids=str)
def test_padding_is_a_word_or_numbers(given, kept):
    assert attributes.build(Conv2d, {"filters": 1, "kernel": 3, "padding": given}).padding == kept


@pytest.mark.parametrize("given", ["full", -1, [1, 2, 3], 0.5, True, None], ids=str)
def test_another_padding_is_refused(given):
    with pytest.raises(InvalidInput, match="padding: expected valid, same, or an integer ≥ 0, or two of them \\(height, width\\), got"):
        attributes.build(Conv2d, {"filters": 1, "kernel": 3, "padding": given})
    with pytest.raises(InvalidInput, match="padding: expected valid, same, or an integer ≥ 0, got"):
        attributes.build(Conv1d, {"filters": 1, "kernel": 3, "padding": given})


@pytest.mark.parametrize(("layer", "shape", "says"), [
    (Conv2d(1, (3, 3)), (4, 2, 1), "expected a window of at most the input's width 2, got 3; use padding: same, or a smaller kernel"),
    (Conv2d(1, (3, 3), dilation=(3, 1)), (6, 3, 1), "expected a window of at most the input's height 6, got 7; use padding: same"),
    (Conv1d(1, 6, padding=(1,)), (3, 1), "expected a window of at most the input's padded length 5, got 6; "),
    (Conv2d(1, (1, 1)), (4, 4), r"expected \(height, width, channels\), got \(4, 4\); give images a channel axis"),
    (Conv1d(1, 1), (4,), r"expected \(length, channels\), got \(4,\); give sequences a channel axis"),
    (Conv2d(4, (1, 1), groups=2), (4, 4, 3), "expected a number of channels of the input that 2 groups divide, got 3; change groups"),
    (Conv1d(3, 1, groups=2), (4, 4), "expected a number of filters that 2 groups divide, got 3; change groups or filters"),
    (ConvTranspose2d(1, (2, 2), output_padding=(0, 1)), (2, 2, 1), "expected output_padding smaller than the stride 1 of the width, got 1"),
    (ConvTranspose2d(1, (2, 2), padding=(1, 0)), (1, 1, 1), "expected padding that leaves something of the height 2, got 1; use a smaller"),
    (Upsample2d(), (4, 4), r"expected \(height, width, channels\), got \(4, 4\)"),
], ids=lambda x: type(x).__name__)
def test_a_shape_that_does_not_fit_is_refused_in_words(layer, shape, says):
    with pytest.raises(ShapeError, match=says):
        layer.output_shape(shape)
