"""Processes that compile the same kernel do it one after the other."""

import subprocess
import sys

PROGRAM = """
import sys, time
from worker.node.turns import taking_turns
with taking_turns(sys.argv[1]):
    began = time.monotonic()
    time.sleep(0.2)
    print(began, time.monotonic())
"""


def test_nobody_is_inside_beside_another(tmp_path):
    running = [subprocess.Popen([sys.executable, "-c", PROGRAM, tmp_path], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    spans = sorted(tuple(map(float, process.communicate(timeout=60)[0].split())) for process in running)
    assert all(first[1] <= second[0] for first, second in zip(spans, spans[1:]))
