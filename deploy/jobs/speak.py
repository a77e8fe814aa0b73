"""Speaks the words that speech.yaml learns from, with espeak-ng in several voices.

    apt install espeak-ng && python deploy/jobs/speak.py FOLDER

FOLDER/words gets the sounds; FOLDER/words-train.tsv and FOLDER/words-test.tsv say what is said in each, and by which voice.
Nobody who speaks in the one speaks in the other. An utterance is a command and a number, `open seven`.
"""

import argparse
import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np

COMMANDS = "open close start stop left right up down red blue".split()
NUMBERS = "zero one two three four five six seven eight nine".split()
ACCENTS = ["en-us", "en-gb", "en-gb-scotland"]
VOICES = {"train": [f"{accent}+{who}" for accent in ACCENTS for who in ("m1", "m2", "m3", "m5", "m6", "f1", "f2", "f5")],
          "test": ["en-us+f3", "en-gb+m4"]}


def main() -> int:
    parser = argparse.ArgumentParser(description="Speaks words into a folder, with espeak-ng.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--each", type=int, default=50, metavar="N", help="utterances of each voice, at most 100 (default: 50)")
    chosen = parser.parse_args()
    (chosen.folder / "words").mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    for part, voices in VOICES.items():
        lines = [spoken(chosen.folder / "words", voice, text, int(random.integers(140, 200)), int(random.integers(35, 65)))
                 for voice in voices for text in utterances(random, chosen.each)]
        (chosen.folder / f"words-{part}.tsv").write_text("".join(lines))
    return 0


def utterances(random: np.random.Generator, count: int) -> list[str]:
    every = [" ".join(pair) for pair in itertools.product(COMMANDS, NUMBERS)]
    return [every[i] for i in random.permutation(len(every))[:count]]


def spoken(folder: Path, voice: str, text: str, speed: int, pitch: int) -> str:
    """Writes the sound, at 22,050 samples a second; its line: file, text, voice."""
    name = f"{voice}-{text}.wav".replace(" ", "-")
    subprocess.run(["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "-w", folder / name, text], check=True)
    return f"{name}\t{text}\t{voice}\n"


if __name__ == "__main__":
    sys.exit(main())
