"""What compare.py makes of the figures."""

import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("compare.py")


@pytest.fixture(scope="module")
def compare():
    found = importlib.util.spec_from_file_location("compare", FILE)
    loaded = importlib.util.module_from_spec(found)
    found.loader.exec_module(loaded)
    return loaded


def runs(**rates):
    return {rival: [{"samples_s": rate, "rss_bytes": rate * 1e6, "pss_bytes": rate * 5e5, "version": "2.13.0"} for rate in of]
            for rival, of in rates.items()}


def test_a_ratio_is_taken_within_a_round_against_the_best(compare):
    """Rounds: 10 / 5, 30 / 10, 20 / 8; the machine was slow in the first."""
    found = runs(ours=[10, 30, 20], ddp=[5, 4, 8], torch=[2, 10, 6])
    assert compare.ratio(found, ("ddp", "torch")) == 2.5
    assert compare.ratio(found, ("ddp",)) == 2.5  # 2, 7.5, 2.5


def test_the_table_has_a_row_for_each_workload_and_the_geometric_mean(compare):
    found = {"lenet": runs(ours=[4000], ddp=[2000], torch=[1000]), "gpt": runs(ours=[800], ddp=[100], torch=[200])}
    assert compare.speed_table(found) == [
        "| workload | ours, 2 ranks | PyTorch DDP, 2 ranks | PyTorch, 1 process, 2 threads | ours ÷ best of PyTorch's two | ours ÷ PyTorch DDP |",
        "| --- | --- | --- | --- | --- | --- |",
        "| lenet | 4,000 | 2,000 | 1,000 | 2.00 | 2.00 |",
        "| gpt | 800 | 100 | 200 | 4.00 | 8.00 |",
        "| geometric mean |  |  |  | 2.83 | 4.00 |",
    ]


def test_who_has_not_run_a_workload_is_left_out_of_its_row_and_of_the_mean(compare):
    found = {"lenet": runs(ours=[4000], ddp=[2000], torch=[1000], jax=[1000]), "gpt": runs(ours=[800], ddp=[100], torch=[200])}
    assert [row.split(" | ")[4:] for row in compare.speed_table(found)[2:]] == [
        ["1,000", "2.00", "2.00", "4.00 |"], ["–", "4.00", "8.00", "– |"], ["", "2.83", "4.00", "4.00 |"]]


def test_a_contender_that_dies_once_is_run_again(compare, tmp_path, capsys):
    script = f"[ -e {tmp_path}/tried ] && echo '{{\"samples_s\": 5}}' && exit; touch {tmp_path}/tried; echo why >&2; exit 1"
    assert compare.run_again(["sh", "-c", script], 10) == {"samples_s": 5}
    assert "why\n" in capsys.readouterr().err


def test_the_table_of_memory_counts_in_megabytes(compare):
    found = {"gpt": runs(ours=[100], ddp=[400], torch=[500])}
    assert compare.memory_table(found)[-1] == "| gpt | 100 | 50 | 400 | 500 | 0.25 |"


def test_the_last_line_of_json_is_what_a_run_found(compare):
    assert compare.run(["sh", "-c", "echo warming up; echo '{\"samples_s\": 5}'"], 10) == {"samples_s": 5}


@pytest.mark.parametrize("script", ["echo why >&2; exit 1", "echo why >&2"])
def test_a_run_that_fails_says_its_last_words(compare, script):
    with pytest.raises(RuntimeError, match="why"):
        compare.run(["sh", "-c", script], 10)
