"""wav: written by Python's own library, read by soundfile; transcripts, classes, groups of speakers."""

import os
import re

import numpy as np
import pytest

from tests.worker.datasets import files
from worker.datasets import FORMATS, DataRoot
from worker.errors import BadSample

pytest.importorskip("soundfile", reason="needs soundfile: pip install 'bptrain[audio]'")


@pytest.fixture
def opened(tmp_path):
    return lambda learned={}, **attributes: FORMATS.build(
        {"wav": {"path": "set", "seconds": 0.5, "rate": 8000} | attributes}).open_with(DataRoot(tmp_path), learned)


@pytest.fixture
def spoken(tmp_path):
    """Ten sounds of five speakers, with their transcripts."""
    for i in range(10):
        files.sound(tmp_path / "set" / f"{i}.wav", files.tone(200 + 50 * i, 0.2 + 0.02 * i))
    (tmp_path / "said.tsv").write_text("".join(f"{i}.wav\t{'ab' * (i % 3 + 1)}\tspeaker {i // 2}\n" for i in range(10)))


def test_samples_are_those_written(tmp_path, opened):
    sound = files.tone(440, 0.3)
    files.sound(tmp_path / "set" / "tone" / "a.wav", sound)
    batch = opened(features="samples").read(np.array([0]))
    assert np.allclose(batch["x"][0, :2400, 0], sound, atol=1e-4) and (batch["x"][0, 2400:] == 0).all()
    assert batch["mask"][0].tolist() == [1] * 2400 + [0] * 1600


def test_channels_are_averaged(tmp_path, opened):
    one, other = files.tone(440, 0.3), files.tone(600, 0.3)
    files.sound(tmp_path / "set" / "tone" / "a.wav", np.stack([one, other], axis=1))
    assert np.allclose(opened(features="samples").read(np.array([0]))["x"][0, :2400, 0], (one + other) / 2, atol=1e-4)


@pytest.mark.parametrize(("features", "width"), [("log_mel", 40), ("mfcc", 13)])
def test_features_come_by_frame_and_the_mask_says_where(spoken, opened, features, width):
    data = opened(features=features, transcripts="said.tsv")
    batch = data.read(np.arange(10))
    frames = [1 + (round(8000 * (0.2 + 0.02 * i)) - 200) // 80 for i in range(10)]
    assert batch["x"].shape == (10, 48, width) and batch["mask"].sum(axis=1).tolist() == frames
    assert abs(batch["x"][0, :frames[0]].mean()) < 1e-3


def test_transcripts_are_labels_from_1_on_as_ctc_takes_them(spoken, opened):
    data = opened(transcripts="said.tsv")
    assert data.read(np.arange(3))["y"].tolist() == [[1, 2, -1, -1, -1, -1], [1, 2, 1, 2, -1, -1], [1, 2, 1, 2, 1, 2]]
    assert data.learned == {"characters": ["a", "b"]} and data.fields["y"].classes == 3


def test_a_speaker_is_on_one_side(spoken, opened):
    train, test = (opened(transcripts="said.tsv", split=split, test_fraction=0.4, features="samples") for split in ("train", "test"))
    lengths = [set(data.read(np.arange(len(data)))["mask"].sum(axis=1) // 320) for data in (train, test)]
    assert (len(train), len(test)) == (6, 4) and not lengths[0] & lengths[1]


@pytest.mark.parametrize(("write", "text"), [
    (lambda folder: files.sound(folder / "low" / "a.wav", files.tone(300, 0.2, 16000), 16000),
     "path: set/low/a.wav: expected 8000 samples a second, got 16000; convert it, or give another rate to all"),
    (lambda folder: files.sound(folder / "low" / "a.wav", files.tone(300, 0.7)),
     "path: set/low/a.wav: expected at most 0.5 s, got 0.70 s; give more seconds"),
    (lambda folder: files.sound(folder / "low" / "a.wav", np.zeros(0)), "path: set/low/a.wav: expected a sound, but it is empty"),
    (lambda folder: (folder / "low" / "a.wav").write_text("no sound"), "path: set/low/a.wav: expected a sound that can be read, but it is none"),
    (lambda folder: os.truncate(files.sound(folder / "low" / "a.wav", files.tone(300, 0.2)), 1000),
     "path: set/low/a.wav: expected a whole sound, but 2244 bytes of it are missing"),
], ids=["another rate", "too long", "empty", "no sound", "cut"])
def test_a_sound_that_does_not_fit_is_named_at_submit(tmp_path, opened, refused, write, text):
    files.sound(tmp_path / "set" / "low" / "b.wav", files.tone(300, 0.2))
    write(tmp_path / "set")
    assert refused(opened) == [text]
    skipping = opened(on_bad="skip")
    assert len(skipping.read(np.arange(2))["y"]) == skipping.skipped == 1
    with pytest.raises(BadSample, match=re.escape(text.removeprefix("path: "))):
        opened({"classes": ["low"]}, on_bad="skip")._make(0)


def test_a_sound_of_a_pipe_is_as_long_as_its_file(tmp_path, opened):
    """Who writes to a pipe cannot go back to say how long it has become."""
    path = files.sound(tmp_path / "set" / "low" / "a.wav", files.tone(300, 0.2))
    content = bytearray(path.read_bytes())
    content[4:8] = b"\xff" * 4
    path.write_bytes(content)
    assert opened().read(np.arange(1))["mask"].sum() > 0


def test_a_sound_that_is_cut_while_it_is_trained_on_is_named(spoken, tmp_path, opened):
    data = opened(transcripts="said.tsv")
    path = tmp_path / "set" / "4.wav"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BadSample, match="^set/4.wav: expected a file that stays as it is"):
        data.read(np.arange(10))
    skipping = opened(transcripts="said.tsv", on_bad="skip")
    assert len(skipping.read(np.arange(10))["y"]) == 9


@pytest.mark.parametrize(("lines", "text"), [
    ("0.wav\ta\n1.wav\n", 'transcripts: said.tsv, line 2: expected a sound, a tab, what is said [, a tab, a group], got "1.wav"'),
    ("0.wav\ta\tx\n1.wav\tb\n", 'transcripts: said.tsv, line 2: expected a sound, a tab, what is said [, a tab, a group], got "1.wav\\tb"'),
    ("", 'transcripts: said.tsv, line 1: expected a sound, a tab, what is said [, a tab, a group], got ""'),
    ("none.wav\ta\n", 'path: expected a file inside the data root, got "set/none.wav"; there is none of that name'),
])
def test_a_list_that_does_not_fit(spoken, tmp_path, opened, refused, lines, text):
    (tmp_path / "said.tsv").write_text(lines)
    assert refused(lambda: opened(transcripts="said.tsv")) == [text]


def test_a_character_that_the_training_data_lacks_is_named(spoken, opened, refused):
    assert refused(lambda: opened({"characters": ["a"]}, transcripts="said.tsv")) == [
        'transcripts: set/0.wav: expected characters that the training data has, got "b"']
