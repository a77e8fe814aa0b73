"""Text from a model of what comes next: a small one that has learned `abcabc…`."""

import subprocess
import sys

import numpy as np
import pytest
import yaml

from worker.inference.generating import Alphabet, Writer, pieces
from worker.inference.predicting import Predictor
from worker.record.rundir import RunDir
from worker.sources.vocabulary import FIRST

LENGTH, UNITS = 8, 7  # 4 that are no text, and a, b, c


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """`learned(layers)`: a predictor of that model, trained."""

    def train(layers, **replaced):
        folder = tmp_path_factory.mktemp("text")
        (folder / "abc.txt").write_text("abc" * 600)
        data = {"text": {"path": "abc.txt", "task": "next", "length": LENGTH, "split": "all"}}
        job = {"name": "abc", "data": {"train": data}, "model": {"inputs": {"text": {"shape": [LENGTH], "integer": True, "field": "x"}}, "layers": layers},
               "loss": "softmax_cross_entropy", "optimizer": {"adam": {"learning_rate": 0.05}}, "batch_size": 16, "epochs": 10, "seed": 1,
               "ranks": 1, "recovery": {"keep_s": 1}} | replaced
        (folder / "job.yaml").write_text(yaml.safe_dump(job))
        command = [sys.executable, "-m", "worker", "job.yaml", "--run-dir", "run"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return Predictor.of(RunDir(folder / "run"))

    return train


@pytest.fixture(scope="module")
def writer(learned):
    return Writer.tried(learned([{"embedding": {"vocabulary": UNITS, "units": 8}}, {"linear": {"units": UNITS}}]))


def text(writer, prompt, count, temperature=0.0, seed=0):
    return writer.alphabet.decoded(list(writer.units(prompt, count, temperature, seed)))


@pytest.mark.parametrize(("prompt", "wanted"), [("a", "bcabcabcabcabc"), ("abcabcabcabcab", "cabcabcabcabca")], ids=["short", "longer than the input"])
def test_what_was_learned_goes_on(writer, prompt, wanted):
    assert text(writer, prompt, 14) == wanted


def test_the_seed_decides_and_heat_spreads(writer):
    assert text(writer, "a", 40, 50.0, seed=1) == text(writer, "a", 40, 50.0, seed=1) != text(writer, "a", 40, 50.0, seed=2)
    hot, cold = (text(writer, "a", 200, temperature) for temperature in (50.0, 0.05))
    assert cold == text(writer, "a", 200) and set(hot) == set("abc")  # never what is no text
    assert sum("abc".find(pair[1]) != ("abc".find(pair[0]) + 1) % 3 for pair in zip(hot, hot[1:])) > 50


@pytest.mark.parametrize("prompt", ["", "abd"])
def test_a_prompt_that_is_not_known_is_refused(writer, refused, prompt):
    assert refused(lambda: text(writer, prompt, 1)) == [f'prompt: expected text of units that are in the training data, got "{prompt}"']


def test_a_model_that_looks_ahead_is_refused(learned, refused):
    seeing = [{"embedding": {"vocabulary": UNITS, "units": 8}}, {"multi_head_attention": {"heads": 2}}, {"linear": {"units": UNITS}}]
    predictor = learned(seeing, epochs=1)
    assert refused(lambda: Writer.tried(predictor)) == [
        "model: expected outputs that come of what is before them alone (causal: true), but others' change them, too"]


def test_what_is_no_text_is_refused(refused):
    assert refused(lambda: Alphabet.of({"classes": ["a"]})) == [
        "job: expected a job whose training data is text, with what it has learned of it in its checkpoint"]


@pytest.mark.parametrize(("units", "wanted"), [("aé€𝄞b".encode(), ["a", "é", "€", "𝄞", "b"]), (b"a\xffb\xe2\x82", ["a", "�b", "�"])], ids=["whole", "broken"])
def test_a_character_of_several_units_comes_whole(units, wanted):
    decoded = Alphabet.of({"vocabulary": {"unit": "bytes"}}).decoded
    assert list(pieces([unit + FIRST for unit in units], decoded)) == wanted


def test_characters_are_read_by_their_places():
    alphabet = Alphabet.of({"characters": ["x", "y"]})
    assert (alphabet.encoded("yxz"), alphabet.decoded(np.array([1, 0])), alphabet.first) == ([1, 0, -1], "yx", 0)
