"""bpcore/README.md: its example runs as it stands, and what it names is there."""

import re
from pathlib import Path

BPCORE = Path(__file__).parents[2] / "bpcore"
README = (BPCORE / "README.md").read_text()


def test_the_example_runs_as_it_stands(capsys):
    code, = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(code, {})
    loss, *gradient = map(float, re.findall(r"-?\d+\.\d+(?:e-\d+)?", capsys.readouterr().out))
    assert 0.5 < loss < 2 and len(gradient) == 3


def test_every_file_it_names_is_there():
    table = README.partition("## Where to look")[2].partition("##")[0]
    named = re.findall(r"`([\w/]+(?:\.py|/))`", table)
    assert len(named) > 10 and [name for name in named if not (BPCORE / name).exists()] == []
