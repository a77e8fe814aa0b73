"""Small files of every kind, each written by another library than the one that reads them, where there is one."""

import gzip
import json
import wave
from pathlib import Path

import numpy as np

IDX_CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}
WORDS = {"birds": ["the crow sings", "an owl is awake", "crow and owl"], "fish": ["a trout swims", "the trout and an eel", "eels swim"]}


def idx(path: Path, array: np.ndarray) -> Path:
    """As http://yann.lecun.com/exdb/mnist says; gzipped where the name ends in gz."""
    head = bytes([0, 0, IDX_CODES[array.dtype.name], array.ndim]) + np.array(array.shape, ">u4").tobytes()
    content = head + array.astype(array.dtype.newbyteorder(">")).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def pixels(count: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def picture(path: Path, array: np.ndarray) -> Path:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)
    return path


def sound(path: Path, samples: np.ndarray, rate: int = 8000) -> Path:
    """By Python's own library; 16 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def tone(hertz: float, seconds: float, rate: int = 8000) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def write_all(folder: Path) -> None:
    """What the contract's cases read."""
    idx(folder / "idx" / "images.gz", pixels(12, 5, 4))
    idx(folder / "idx" / "labels", np.arange(12, dtype=np.uint8) % 3)
    for name, lines in WORDS.items():
        (folder / "text" / name).mkdir(parents=True)
        (folder / "text" / name / "some.txt").write_text("\n".join(lines * 2) + "\n")
    (folder / "pairs.tsv").write_text("".join(f"{i} and {i}\t{2 * i}\n" for i in range(12)))
    try:
        for i, array in enumerate(pixels(10, 6, 5)):
            picture(folder / "images" / ("cat" if i % 2 else "dog") / f"{i}.png", array)
            picture(folder / "pictures" / f"{i}.png", array)
            picture(folder / "masks" / f"{i}.png", (array > 127).astype(np.uint8) * 255)
    except ImportError:
        pass  # those cases are skipped
    for i in range(9):
        sound(folder / "wav" / ("high" if i % 2 else "low") / f"{i}.wav", tone(900 if i % 2 else 300, 0.2 + 0.03 * i))
    (folder / "boxes.tsv").write_text("".join(f"{i}.png\t{'ab'[i % 2]}\t{i % 3}\t1\t2\t3\n" for i in range(9)))
    (folder / "table.csv").write_text("a,b,c,y\n" + "".join(f"{i},{i / 4},{'uvw'[i % 3]},{i % 2}\n" for i in range(15)))
    (folder / "ratings.csv").write_text("user,item,rating\n" + "".join(f"u{i % 4},{i % 5},{i % 3 + 0.5}\n" for i in range(15)))
    (folder / "some.jsonl").write_text("".join(json.dumps({"x": [i, 2.5], "y": "ab"[i % 2], "n": i % 4}) + "\n" for i in range(15)))
    try:
        from pyarrow import Table, parquet

        parquet.write_table(Table.from_pydict({"a": list(range(14)), "b": [i / 2 for i in range(14)], "y": [i / 3 for i in range(14)]}),
                            folder / "table.parquet", row_group_size=4)
    except ImportError:
        pass  # those cases are skipped
    (folder / "wav.tsv").write_text("".join(f"{'high' if i % 2 else 'low'}/{i}.wav\t{'ab'[i % 2] * (1 + i % 3)}\t{i // 2}\n" for i in range(9)))
