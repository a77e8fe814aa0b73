"""The constants of Winograd's convolution, in exact fractions of their definition."""

import numpy as np
import pytest

from bpcore.kernels.interpolation import REACH, a, b, g


@pytest.mark.parametrize("window", [2, 3, 4, 5])
def test_six_products_make_a_convolution(window):
    """yᵢ = Σⱼ xᵢ₊ⱼ wⱼ, by its definition."""
    random = np.random.default_rng(window)
    x, kernel = random.standard_normal(REACH), random.standard_normal(window)
    wanted = [x[i:i + window] @ kernel for i in range(REACH + 1 - window)]
    products = (np.array(g(window)) @ kernel) * (np.transpose(b()) @ x)
    np.testing.assert_allclose(np.transpose(a(REACH + 1 - window)) @ products, wanted, atol=1e-14)
