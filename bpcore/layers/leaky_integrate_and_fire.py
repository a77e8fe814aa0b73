"""leaky_integrate_and_fire: spiking neurons that leak, add up their input, and fire above a threshold.

u_t = decay · v_{t−1} + x_t, s_t = 1 if u_t > threshold else 0, v_t = u_t − threshold · s_t, v_{−1} = 0

x, s: (time, features); y = s. A step has no gradient, so in the way back ds/du at z = u − threshold is
replaced by a surrogate with value 1 at 0, also where v reads s:

fast_sigmoid: 1 / (1 + slope |z|)²      the derivative of 1/2 + z / (1 + slope |z|)
arctan:       1 / (1 + (slope z)²)      the derivative of 1/2 + arctan(slope z) / slope

`smooth: true` fires those functions in place of the step, so that all is differentiable: what the
gradient is exact for. Sources: Zenke & Ganguli, "SuperSpike", Neural Computation 30 (2018), section 3.2;
Fang et al., "Incorporating learnable membrane time constant", ICCV 2021, section 3.4, for arctan.
"""

from dataclasses import dataclass

import numpy as np

from bpcore.attributes import choice, flag, number
from bpcore.layers import Case, Layer, Operators
from bpcore.shapes import require_axes


@dataclass(frozen=True)
class LeakyIntegrateAndFire(Layer):
    decay: float = number(0.9, minimum=0, below=1)
    threshold: float = number(1.0, above=0)
    surrogate: str = choice("fast_sigmoid", "arctan")
    slope: float = number(10.0, above=0)
    smooth: bool = flag(False)

    def output_shape(self, x):
        require_axes(x, "time", "features")
        return x

    def forward(self, w):
        z, v = w.scratch("above", w.y.shape), w.temporary("membrane", w.y[:, 0].shape)
        v.fill(0)
        for t in range(w.y.shape[1]):
            v *= self.decay
            v += w.x[:, t]
            np.subtract(v, self.threshold, out=z[:, t])
            self._fire(z[:, t], out=w.y[:, t])
            v -= self.threshold * w.y[:, t]

    def backward(self, w):
        if w.dx is None:
            return
        dv = w.temporary("membrane", w.y[:, 0].shape)
        dv.fill(0)
        slopes = self._derivative(w.scratch("above", w.y.shape))
        for t in reversed(range(w.y.shape[1])):
            dv += (w.dy[:, t] - self.threshold * dv) * slopes[:, t]
            w.dx[:, t] = dv
            dv *= self.decay

    def _fire(self, z: np.ndarray, out: np.ndarray) -> None:
        if not self.smooth:
            np.greater(z, 0, out=out)
        elif self.surrogate == "fast_sigmoid":
            np.add(z / (1 + self.slope * np.abs(z)), 0.5, out=out)
        else:
            np.add(np.arctan(self.slope * z) / self.slope, 0.5, out=out)

    def _derivative(self, z: np.ndarray) -> np.ndarray:
        root = 1 + self.slope * np.abs(z) if self.surrogate == "fast_sigmoid" else np.hypot(1, self.slope * z)
        return 1 / np.square(root)

    def onnx(self, g, inputs, p, shapes):
        """Step after step, written out: its reset reads what fired, so it is none of ONNX's recurrent operators."""
        decay, threshold = (g.op("CastLike", g.constant(np.float64(value)), inputs[0]) for value in (self.decay, self.threshold))
        v, spikes = None, []
        for t in range(shapes[0][0]):
            u = g.op("Gather", inputs[0], g.constant([t]), axis=1)
            u = u if v is None else g.op("Add", g.op("Mul", v, decay), u)
            s = self._fired(g, g.op("Sub", u, threshold))
            v = g.op("Sub", u, g.op("Mul", s, threshold))
            spikes.append(s)
        return g.op("Concat", *spikes, axis=1)

    def _fired(self, g: Operators, z: str) -> str:
        """`_fire` in ONNX operators."""
        none, half, one, slope = (g.op("CastLike", g.constant(np.float64(value)), z) for value in (0, 0.5, 1, self.slope))
        if not self.smooth:
            return g.op("CastLike", g.op("Greater", z, none), z)
        if self.surrogate == "fast_sigmoid":
            return g.op("Add", g.op("Div", z, g.op("Add", g.op("Mul", g.op("Abs", z), slope), one)), half)
        return g.op("Add", g.op("Div", g.op("Atan", g.op("Mul", z, slope)), slope), half)

    @classmethod
    def cases(cls):
        """Only smooth: the step's own derivative is not what backward gives."""
        yield Case(cls(smooth=True), [(6, 3)])
        yield Case(cls(smooth=True, surrogate="arctan", slope=3.0, decay=0.5, threshold=0.4), [(5, 2)])
        yield Case(cls(smooth=True, slope=2.0, decay=0.0), [(1, 1)], batch=1)
