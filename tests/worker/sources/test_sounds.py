"""Features of sound against formulas written out, and SciPy's transforms."""

import numpy as np
import pytest

from tests.worker.datasets.files import tone
from worker.sources.sounds import Features, normalised

LOG_MEL = Features(rate=8000, window=200, hop=80, bands=24)


def test_a_tone_is_loudest_in_the_band_around_it():
    """Corners of the bands, from the scale's formula: m = 2595 log10(1 + f / 700)."""
    corners = 700 * (10**(np.linspace(0, 2595 * np.log10(1 + 4000 / 700), 26) / 2595) - 1)
    for hertz in (500, 1000, 2500):
        loudest = LOG_MEL.of(tone(hertz, 0.5)).mean(axis=0).argmax()
        assert corners[loudest] < hertz < corners[loudest + 2]


def test_log_mel_is_its_formula():
    """The third frame by hand: a discrete Fourier transform as a sum, triangles by interpolation."""
    sound = np.random.default_rng(0).normal(size=600).astype(np.float32)
    frame = sound[160:360] * (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(200) / 200))
    frequencies = np.arange(129) * 8000 / 256
    power = [abs(np.sum(frame * np.exp(-2j * np.pi * hertz * np.arange(200) / 8000)))**2 for hertz in frequencies]
    corners = 700 * (10**(np.linspace(0, 2595 * np.log10(1 + 4000 / 700), 26) / 2595) - 1)
    bands = [np.dot(power, np.interp(frequencies, corners[i:i + 3], [0, 1, 0])) for i in range(24)]
    assert np.allclose(LOG_MEL.of(sound)[2], np.log(np.array(bands) + 1e-6), atol=1e-4)


def test_mfcc_is_the_cosine_transform_of_log_mel():
    fft = pytest.importorskip("scipy.fft", reason="needs SciPy")
    sound = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    found = Features(8000, 200, 80, 24, coefficients=13).of(sound)
    assert np.allclose(found, fft.dct(LOG_MEL.of(sound), norm="ortho")[:, :13], atol=1e-4)


@pytest.mark.parametrize(("samples", "frames"), [(1, 1), (200, 1), (279, 1), (280, 2), (1000, 11)])
def test_as_many_frames_as_are_whole_and_one_at_least(samples, frames):
    assert LOG_MEL.frames(samples) == len(LOG_MEL.of(np.ones(samples, np.float32))) == frames


def test_silence_is_finite():
    assert np.isfinite(normalised(LOG_MEL.of(np.zeros(1000, np.float32)))).all()


def test_loudness_does_not_matter_when_normalised():
    sound = np.random.default_rng(0).normal(size=2400)
    one, other = (normalised(LOG_MEL.of(sound * scale)) for scale in (1, 0.5))
    assert np.allclose(one, other, atol=1e-3) and abs(one.mean()) < 1e-3 and abs(one.std() - 1) < 0.01
