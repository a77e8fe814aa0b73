"""From any checkpoint, at any number of ranks: the digest of the undisturbed run."""

import shutil

import pytest

from worker import journal


def digest(folder):
    return list(journal.read(folder / "journal"))[-1].ended.digest


@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_resumed_from_any_checkpoint_the_digest_is_the_same(mpirun, tiny_file, tmp_path, ranks):
    job = tiny_file(checkpoint={"every_steps": 3, "keep": 9})
    assert mpirun(2, "-m", "worker", job, "--run-dir", "whole").returncode == 0
    kept = sorted(path.name for path in (tmp_path / "whole" / "checkpoints").iterdir())
    assert kept == ["step-00000003", "step-00000006", "step-00000009", "step-00000010"]
    for newest in range(len(kept)):
        folder = tmp_path / f"from-{newest}"
        shutil.copytree(tmp_path / "whole", folder)
        (folder / "identity").unlink()
        for later in kept[newest + 1:]:
            shutil.rmtree(folder / "checkpoints" / later)
        done = mpirun(ranks, "-m", "worker", folder, "--resume")
        assert done.returncode == 0, done.stderr
        assert f"at step {int(kept[newest][5:])} from disk" in done.stdout
        assert digest(folder) == digest(tmp_path / "whole")
