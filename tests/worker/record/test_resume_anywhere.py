"""From any checkpoint, at any number of ranks: the digest of the undisturbed run."""

import shutil

import pytest

from worker.record import journal


def digest(folder):
    return list(journal.read(folder / "journal"))[-1].ended.digest


KEPT = ["step-00000003", "step-00000006", "step-00000009", "step-00000010"]


@pytest.mark.slow
def test_resumed_from_any_checkpoint_at_any_number_of_ranks_the_digest_is_the_same(mpirun, tiny_file, tmp_path):
    job = tiny_file(checkpoint={"every_steps": 3, "keep": 9})
    assert mpirun(2, "-m", "worker", job, "--run-dir", "whole").returncode == 0
    assert sorted(path.name for path in (tmp_path / "whole" / "checkpoints").iterdir()) == KEPT
    for newest, ranks in [(0, 1), (0, 3), (1, 2), (2, 3), (3, 1)]:
        folder = tmp_path / f"from-{newest}-{ranks}"
        shutil.copytree(tmp_path / "whole", folder)
        (folder / "identity").unlink()
        for later in KEPT[newest + 1:]:
            shutil.rmtree(folder / "checkpoints" / later)
        done = mpirun(ranks, "-m", "worker", folder, "--resume")
        assert done.returncode == 0, done.stderr
        assert f"at step {int(KEPT[newest][5:])} from disk" in done.stdout
        assert digest(folder) == digest(tmp_path / "whole")
