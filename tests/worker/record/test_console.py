"""Plain lines: what a log or a pipe can hold."""

import re
import time

import pytest

from bpcore.errors import InvalidInput, Problem
from worker.errors import Unavailable
from worker.record import console


def test_one_problem_is_one_line_on_standard_error(capsys):
    console.complain(Unavailable("no disk"))
    assert tuple(capsys.readouterr()) == ("", "bptrain: no disk\n")


def test_several_problems_are_a_list(capsys):
    console.complain(InvalidInput([Problem("a", "wrong"), Problem("b", "too")]))
    assert capsys.readouterr().err == "bptrain: 2 problems\n  a: wrong\n  b: too\n"


@pytest.fixture
def lines(monkeypatch):
    """Lines of an attempt from step 10 of 40, batches of 8, five a epoch, at most one in so many seconds."""

    def make(interval_s):
        monkeypatch.setattr(console, "INTERVAL_S", interval_s)
        return console.Lines(first_step=10, total_steps=40, steps_per_epoch=5, batch_size=8)

    return make


def test_a_line_says_step_epoch_values_and_rate(lines, capsys):
    lines(0).say(11, {"loss": 1.23456, "accuracy": 0.5})
    assert re.fullmatch(r"step 12/40  epoch 3  loss 1\.235  accuracy 0\.5  [\d,]+ samples/s\n", capsys.readouterr().out)


def test_between_two_lines_there_is_time(lines, capsys):
    said = lines(3600)
    for step in range(10, 20):
        said.say(step, {"loss": 1})
    assert capsys.readouterr().out == ""


def test_some_lines_come_at_once(lines, capsys):
    lines(3600).say(14, {"eval_loss": 2.0}, now=True)
    assert capsys.readouterr().out.startswith("step 15/40  epoch 3  eval_loss 2  ")


def test_the_rate_counts_the_time_of_training_however_late_it_is_read(lines, capsys):
    """Two epochs of five steps took two seconds each; both are read from the journal at once."""
    said, began = lines(3600), time.time()
    for epoch in (1, 2):
        said.say(9 + 5 * epoch, {"eval_loss": 2.0}, began + 2 * epoch, now=True)
    rates = re.findall(r"([\d,]+) samples/s", capsys.readouterr().out)
    assert rates == ["20", "20"]


def test_no_steps_have_no_rate(lines, capsys):
    lines(3600).say(9, {"eval_loss": 2.0}, now=True)
    assert capsys.readouterr().out == "step 10/40  epoch 2  eval_loss 2\n"
