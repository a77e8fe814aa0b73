"""Curves in a notebook's cell."""

import math
import subprocess
import sys
import xml.etree.ElementTree as xml

import pytest

from coordinator.jobs import states
from coordinator.notebook import HEIGHT, WIDTH, Picture, picture


def lines(shown):
    """The points of each line of a picture."""
    return [[tuple(map(float, place.split(","))) for place in line.get("points").split()] for line in xml.fromstring(shown._repr_html_()).iter("polyline")]


def test_a_line_goes_through_all_points_inside_the_picture_higher_values_above():
    (first, second, third), = lines(Picture("a", {"loss": ([0, 5, 10], [1.0, 3.0, 2.0])}))
    assert first[0] < second[0] < third[0] and second[1] < third[1] < first[1]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in (first, second, third))


def test_numbers_that_are_not_finite_are_left_out():
    (drawn,) = lines(Picture("a", {"loss": ([0, 1, 2], [1.0, math.nan, math.inf])}))
    assert len(drawn) == 1


def test_without_points_it_says_so():
    assert "no points yet" in Picture("a", {})._repr_html_()


def test_names_of_users_are_no_markup():
    assert "<script>" not in Picture("<script>", {"<script>": ([0], [1.0])})._repr_html_()


def test_a_job_is_shown_with_each_of_its_losses(shared):
    _, client, job_id = shared
    shown = picture(client, client.get(job_id))
    assert sorted(map(len, lines(shown))) == [2, 16]  # two evaluations, sixteen steps
    assert f"small {job_id}: SUCCEEDED, step 16/16" in shown._repr_html_()


def test_a_cell_shows_the_job_to_its_end(shared, small):
    """IPython without a browser prints what a notebook would draw: once, and again each time it is replaced."""
    pytest.importorskip("IPython", reason="needs IPython, as notebooks have it")
    server, client, _ = shared
    job = client.submit(small(ranks=1, epochs=200))
    program = f"""
from coordinator import Client
from coordinator.jobs import states
from coordinator.notebook import follow
job = follow(Client({server.address!r}), {job.id!r})
print("ended", job.state)
"""
    done = subprocess.run([sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "-c", program], capture_output=True, text=True, timeout=120)
    assert f"ended {states.SUCCEEDED}\n" in done.stdout, done.stdout + done.stderr
    assert done.stdout.count("<coordinator.notebook.Picture") >= 2
