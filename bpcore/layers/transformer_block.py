"""transformer_block: attention and a two-layer perceptron, each behind a norm and beside a shortcut.

h = x + dropout(self_attn(norm1(x))), y = h + dropout(linear2(φ(linear1(norm2(h)))))

x, y: (time, features); linear1 has round(mlp_ratio · features) units, φ is the `activation`. An optional
second input, (time,) of 0 and 1, says which steps may be attended to. `causal`, `rotary` and `dropout`
(also of the attention's weights) as in multi_head_attention. Parameters: norm1.gamma,
self_attn.in_proj_weight, linear1.weight … as in PyTorch's TransformerEncoderLayer with norm_first=True, but
for gamma and beta, which are its norms' weight and bias.
Sources: Vaswani et al., "Attention is all you need", NeurIPS 2017, section 3; Xiong et al., "On layer
normalization in the transformer architecture", ICML 2020, for the norm in front.
"""

from dataclasses import dataclass

from bpcore.attributes import choice, flag, integer, number
from bpcore.compose import Chain
from bpcore.errors import ShapeError, expected
from bpcore.layers import LAYERS, Case, Layer
from bpcore.layers.dropout import Dropout
from bpcore.layers.linear import Linear
from bpcore.layers.multi_head_attention import MultiHeadAttention
from bpcore.shapes import describe, require_axes


@dataclass(frozen=True)
class TransformerBlock(Layer):
    arity = (1, 2)
    integer_inputs = (1,)

    heads: int = integer(minimum=1)
    mlp_ratio: float = number(4.0, above=0)
    activation: str = choice("gelu", "relu", "silu")
    norm: str = choice("layer_norm", "rms_norm")
    causal: bool = flag(False)
    rotary: bool = flag(False)
    dropout: float = number(0.0, minimum=0, below=1)
    bias: bool = flag(True)

    def output_shape(self, x, mask=None):
        require_axes(x, "time", "features")
        if mask is not None and mask != x[:1]:
            raise ShapeError(expected(f"a mask of {describe(x[:1])}, a 0 or 1 for each step", describe(mask)))
        sides = () if mask is None else (mask,)
        self._attention(bool(sides)).shapes(x, *sides)
        return x

    def parameters(self, x, *mask):
        return self._attention(bool(mask)).parameters(x, *mask) | self._perceptron(x[1]).parameters(x)

    @property
    def torch_axes(self):
        return self._attention(False).torch_axes() | self._perceptron(1).torch_axes()

    def forward(self, w):
        x, *mask = w.inputs
        h = w.scratch("h", x.shape)
        self._attention(bool(mask)).forward(w, x, h, *mask)
        h += x
        self._perceptron(x.shape[2]).forward(w, h, w.y)
        w.y += h

    def backward(self, w):
        x, *mask = w.inputs
        h, dh = w.scratch("h", x.shape), w.temporary("transformer_block", x.shape)
        self._perceptron(x.shape[2]).backward(w, h, w.y, w.dy, dh)
        dh += w.dy
        self._attention(bool(mask)).backward(w, x, h, dh, w.dx, *mask)
        if w.dx is not None:
            w.dx += dh

    def onnx(self, g, inputs, p, shapes):
        sides = list(zip(inputs, shapes))[1:]
        inside = self._attention(bool(sides)).onnx(g, inputs[0], p, shapes[0], *sides)
        h = inside and g.op("Add", inside, inputs[0])
        behind = h and self._perceptron(shapes[0][1]).onnx(g, h, p, shapes[0])
        return behind and g.op("Add", behind, h)

    # The shortcut is added to a chain's output in place, and a chain's output gradient is read again after its
    # backward. So its last layer must be one that does without the one and spares the other: linear, dropout, attention.

    def _attention(self, masked: bool) -> Chain:
        attention = MultiHeadAttention(heads=self.heads, causal=self.causal, key_mask=masked, rotary=self.rotary,
                                       dropout=self.dropout, bias=self.bias)
        return Chain({"norm1": LAYERS.build(self.norm), "self_attn": attention} | self._dropout("dropout1"))

    def _perceptron(self, features: int) -> Chain:
        wide = Linear(units=max(1, round(self.mlp_ratio * features)), bias=self.bias)
        return Chain({"norm2": LAYERS.build(self.norm), "linear1": wide, "activation": LAYERS.build(self.activation),
                      "linear2": Linear(units=features, bias=self.bias)} | self._dropout("dropout2"))

    def _dropout(self, name: str) -> dict[str, Layer]:
        return {name: Dropout(rate=self.dropout)} if self.dropout else {}

    @classmethod
    def cases(cls):
        yield Case(cls(heads=2), [(3, 4)])
        yield Case(cls(heads=1, mlp_ratio=1.5, activation="relu", causal=True, dropout=0.3), [(4, 2), (4,)], integers={1: 2})
        yield Case(cls(heads=2, norm="rms_norm", activation="silu", rotary=True, bias=False), [(3, 4)])
        yield Case(cls(heads=1, mlp_ratio=0.1), [(1, 2)], batch=1)
