"""A run as it goes: drawn where there is a terminal, told in plain lines where there is none."""

import io
import re
import sys

import pytest
from rich.console import Console

from bptrain.v1.job_service_pb2 import Transition
from bptrain.v1.metric_service_pb2 import Bookmark, JobEnded
from bptrain.v1.report_pb2 import Compiling, Pace, Sample
from coordinator.jobs import states
from coordinator.terminal import display as displays
from coordinator.terminal.display import LiveDisplay, PlainDisplay, duration


@pytest.fixture
def story(script):
    """(kind, message) of a run of ten steps, seven of them done, one evaluated epoch."""
    script.started(total_steps=10, steps_per_epoch=5, batch_size=4)
    for step in range(5):
        script.points([step])
    script.points([4], "eval_loss", value=lambda step: 0.25).checkpoint(5).points([5]).points([6])
    kinds = [report.WhichOneof("event") for report in script.reports]
    told = [("transition", Transition(to=state, cause="because")) for state in (states.QUEUED, states.RUNNING)]
    return told + [(kind, getattr(report, kind)) for kind, report in zip(kinds, script.reports)] + [("bookmark", Bookmark())]


def play(display, story):
    with display:
        for kind, message in story:
            display.apply(kind, message)
    return display


def test_without_a_terminal_there_are_plain_lines(story, capsys):
    play(PlainDisplay("digits 1abc", epochs=2), story)
    title, queued, running, evaluated = capsys.readouterr().out.splitlines()
    assert (title, queued, running) == ("digits 1abc", "QUEUED: because", "RUNNING: because")
    assert evaluated == "step 5/10  epoch 1  eval_loss 0.25"  # no rate: these points are older than the display


def test_plain_lines_leave_the_end_to_whoever_watches(capsys):
    ended = [("transition", Transition(to=states.SUCCEEDED, cause="completed")), ("ended", JobEnded(state=states.SUCCEEDED))]
    play(PlainDisplay("t", epochs=1), ended)
    assert capsys.readouterr().out == "t\n"


WAITS = ("compiling", Compiling(kernel="sums.columns", done=1))
WAITING = "compiling kernel 2, sums.columns: once, this machine does not have it yet"


def test_plain_lines_say_what_the_ranks_wait_for(capsys):
    play(PlainDisplay("t", epochs=1), [WAITS])
    assert capsys.readouterr().out == f"t\n{WAITING}\n"


@pytest.fixture
def console():
    return Console(file=io.StringIO(), force_terminal=True, record=True, width=80, height=20, color_system="truecolor")


def picture(display, console):
    """The display as it is now."""
    console.export_text()  # forget what was drawn before
    console.print(display.render())
    return console.export_text().splitlines()


@pytest.fixture
def live(story, console):
    return play(LiveDisplay("digits 1abc", epochs=2, console=console), story)


def test_a_live_display_has_a_head_with_the_newest_state(live, console):
    assert picture(live, console)[0] == "digits 1abc  RUNNING: because"


def test_a_live_display_draws_the_losses(live, console):
    text = "\n".join(picture(live, console))
    assert "━ loss   ━ eval_loss" in text
    assert any(0x2801 <= ord(letter) <= 0x28FF for letter in text)


def test_a_live_display_has_a_bar_with_speed_and_time_left(live, console):
    """Four samples every tenth of a second; three of ten steps are left."""
    bar, = [line for line in picture(live, console) if "samples/s" in line]
    assert bar.startswith("━" * 20)  # 7 of 10 steps of 30 characters
    assert bar.split("  ")[1:] == ["epoch 2/2", "step 7/10", "40 samples/s", "0 s left"]


def test_a_live_display_ends_with_the_newest_values(live, console):
    assert picture(live, console)[-1] == f"loss {1 / 7:.4g}   eval_loss 0.25"


def test_a_live_display_fits_the_terminal(live, console):
    drawn = picture(live, console)
    assert len(drawn) <= 20 and max(map(len, drawn)) <= 80


def test_what_the_model_has_written_is_said_on_a_line_and_drawn_below(live, console, capsys):
    sample = ("sample", Sample(step=7, prompt="The ", text="end\n" + "of it " * 100))
    play(PlainDisplay("t", epochs=2), [sample])
    assert capsys.readouterr().out.splitlines()[1].startswith('sample of step 7: "The end\\nof it of it')
    live.apply(*sample)
    drawn = picture(live, console)
    assert drawn[-2].startswith('sample of step 7: "The end') and len(drawn) <= 20 and max(map(len, drawn)) <= 80


def test_a_run_that_has_ended_has_no_time_left_and_no_ranks(story, console):
    display = play(LiveDisplay("t", epochs=2, console=console), [*story, ("pace", Pace(step_s=4, rank_s=[1.5, 2])), ("transition", Transition(to=states.FAILED))])
    drawn = console.export_text()
    assert "rank 1" in drawn and "2 s\n" in drawn and " left" in drawn
    console.print(display.render())
    assert not re.search("rank 1| left", console.export_text())


def test_before_the_first_step_a_live_display_says_so(console):
    drawn = picture(LiveDisplay("digits", epochs=3, console=console), console)
    assert drawn[1] == "no points yet" and "not begun" in drawn[2] and "left" not in drawn[2]


def test_what_was_drawn_last_stays_on_the_screen(live, console):
    assert "step 7/10" in console.file.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_the_display_fits_standard_output(monkeypatch, terminal):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    assert isinstance(displays.display("t", 1), LiveDisplay if terminal else PlainDisplay)


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "0 s"), (3.6, "4 s"), (59.4, "59 s"), (59.6, "1:00"), (187, "3:07"), (3600, "1:00:00"), (7387, "2:03:07"), (360000, "100:00:00")])
def test_a_duration_reads_like_a_clock(seconds, text):
    assert duration(seconds) == text


def test_the_drawing_says_what_the_ranks_wait_for(console):
    display = LiveDisplay("t", 1, console=console)
    display.apply(*WAITS)
    assert picture(display, console)[0].strip() == f"t  {WAITING}"
