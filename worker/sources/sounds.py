"""Sound, read by soundfile, and its features by frame, in NumPy.

A frame is `window` samples under a Hann window, `hop` behind the one before. P: power of its Fourier transform.

    log_mel    log(P · M + 1e-6), with M triangles spaced evenly on the mel scale m = 2595 log₁₀(1 + f / 700)
    mfcc       the first coefficients of the orthonormal cosine transform (type II) of log_mel

Source: Davis & Mermelstein, "Comparison of parametric representations for monosyllabic word recognition", IEEE Trans.
ASSP 28(4), 1980; O'Shaughnessy, "Speech communication", 1987, for the scale.
"""

from functools import cached_property
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bpcore.errors import InvalidInput, Problem
from worker.errors import BadSample
from worker.sources.lazy import Files

SUFFIXES = {".wav", ".flac", ".ogg"}
FLOOR = 1e-6
UNKNOWN_BYTES, PADDING_BYTES = 0x7FFFF000, 1  # of a WAV file: a length from which on it is none; what some leave out at the end
STEADY = 1e-3  # a deviation that is rounding only stays as small as it is


@dataclass(frozen=True)
class Features:
    """`window`, `hop` in samples; `coefficients`: 0: log_mel."""

    rate: int
    window: int
    hop: int
    bands: int
    coefficients: int = 0

    @property
    def width(self) -> int:
        """Numbers in a frame."""
        return self.coefficients or self.bands

    def frames(self, samples: int) -> int:
        """Whole ones; one at least, since short sounds get silence behind."""
        return 1 + max(0, samples - self.window) // self.hop

    def of(self, sound: np.ndarray) -> np.ndarray:
        """float32 (samples,) → float32 (frames, width)."""
        sound = np.pad(sound, (0, max(0, self.window - len(sound))))
        frames = np.lib.stride_tricks.sliding_window_view(sound, self.window)[::self.hop]
        power = np.abs(np.fft.rfft(frames * self._hann, self._points))**2
        found = np.log(power @ self._triangles + FLOOR)
        return (found @ self._cosines if self.coefficients else found).astype(np.float32)

    @cached_property
    def _points(self) -> int:
        """Of the Fourier transform: the next power of two."""
        return 1 << (self.window - 1).bit_length()

    @cached_property
    def _hann(self) -> np.ndarray:
        return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.window) / self.window)

    @cached_property
    def _triangles(self) -> np.ndarray:
        """(frequencies, bands)."""
        top = 2595 * np.log10(1 + self.rate / 2 / 700)
        corners = 700 * (10**(np.linspace(0, top, self.bands + 2) / 2595) - 1)
        low, middle, high = corners[:-2], corners[1:-1], corners[2:]
        frequencies = np.linspace(0, self.rate / 2, self._points // 2 + 1)[:, None]
        return np.maximum(0, np.minimum((frequencies - low) / (middle - low), (high - frequencies) / (high - middle)))

    @cached_property
    def _cosines(self) -> np.ndarray:
        """(bands, coefficients)."""
        places, orders = np.arange(self.bands)[:, None], np.arange(self.coefficients)
        scales = np.where(orders == 0, np.sqrt(1 / self.bands), np.sqrt(2 / self.bands))
        return np.cos(np.pi * (places + 0.5) * orders / self.bands) * scales


def normalised(features: np.ndarray) -> np.ndarray:
    """Each column with mean 0 and deviation 1 over this sound, so that loudness and microphone matter less."""
    exact = features.astype(np.float64)
    return ((exact - exact.mean(axis=0)) / (exact.std(axis=0) + STEADY)).astype(np.float32)


def problems(files: Files, rate: int, most_samples: int) -> list[Problem]:
    """What can be seen in the heads of files: one problem a file, the first ten of them."""
    found = []
    for path, name in zip(files.paths, files.names):
        if problem := _problem(path, name, rate, most_samples):
            found.append(Problem("path", problem))
        if len(found) == 10:
            break
    return found


def _problem(path: Path, name: str, rate: int, most_samples: int) -> str:
    library = _library()
    try:
        head = library.info(str(path))
    except (library.SoundFileError, OSError):
        return f"{name}: expected a sound that can be read, but it is none"
    if lacking := _lacking_bytes(path):
        return f"{name}: expected a whole sound, but {lacking} bytes of it are missing"
    if head.samplerate != rate:
        return f"{name}: expected {rate} samples a second, got {head.samplerate}; convert it, or give another rate to all"
    if head.frames > most_samples:
        return f"{name}: expected at most {most_samples / rate:g} s, got {head.frames / rate:.2f} s; give more seconds"
    return "" if head.frames else f"{name}: expected a sound, but it is empty"


def _lacking_bytes(path: Path) -> int:
    """Of a WAV file, by what its head says; who writes to a pipe says 0, or as much as can be said."""
    with open(path, "rb") as file:
        mark, length = file.read(4), int.from_bytes(file.read(4), "little")
    lacking = length + 8 - path.stat().st_size
    return lacking if mark == b"RIFF" and length < UNKNOWN_BYTES and lacking > PADDING_BYTES else 0


def decoded(files: Files, index: int, rate: int, most_samples: int) -> np.ndarray:
    """float32 (samples,), the mean of its channels. Raises BadSample."""
    library, path, name = _library(), files.unchanged(index), files.names[index]
    if problem := _problem(path, name, rate, most_samples):
        raise BadSample(problem)
    try:
        expected = library.info(str(path)).frames
        sound, _ = library.read(str(path), dtype="float32", always_2d=True)
    except (library.SoundFileError, OSError):
        raise BadSample(f"{name}: expected a sound that can be read, but it is none") from None
    if len(sound) != expected:
        raise BadSample(f"{name}: expected {expected} samples, but it ends behind {len(sound)}")
    return sound.mean(axis=1)


def _library():
    try:
        import soundfile
    except (ImportError, OSError):  # the wheel of another platform has no libsndfile in it
        raise InvalidInput([Problem("", "expected soundfile to be installed: pip install 'bptrain[audio]'")]) from None
    return soundfile
