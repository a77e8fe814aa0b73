"""Several hosts, as a hand-typed mpirun with a hostfile reaches them."""

import subprocess
import sys

from worker.record.journal import read


def test_three_hosts_give_the_bits_of_one_process(hosts, job_file, tmp_path):
    job = job_file(logical_shards=4, epochs=1)
    across = hosts.mpirun("-m", "worker", job, "--run-dir", tmp_path / "across", cwd=tmp_path)
    assert across.returncode == 0, across.stderr
    alone = subprocess.run([sys.executable, "-m", "worker", job, "--run-dir", tmp_path / "alone"], cwd=tmp_path,
                           capture_output=True, text=True, timeout=120)
    assert across.stdout.splitlines()[-1] == alone.stdout.splitlines()[-1]
    assert "parameters sha256:" in alone.stdout
    started = next(report.started for report in read(tmp_path / "across" / "journal") if report.HasField("started"))
    assert [rank.host for rank in started.ranks] == ["host1", "host2", "host3"]
