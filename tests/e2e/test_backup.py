"""A damaged store and the way back, as an administrator types it."""

import pytest


@pytest.mark.slow
def test_a_damaged_store_is_refused_and_the_newest_copy_brings_the_jobs_back(coordinator):
    job = coordinator.submit(ranks=1)
    coordinator.wait(job, "SUCCEEDED")
    made = coordinator.bptrain("backup", "create").stdout.split()[0]
    checked = coordinator.bptrain("backup", "check")
    assert checked.stdout.startswith("the store is whole\n") and made in checked.stdout and checked.returncode == 0
    assert "in use by another coordinator" in coordinator.bptrain("backup", "restore", "--state", coordinator.state).stderr
    coordinator.end()
    store = coordinator.state / "store.db"
    store.write_bytes(store.read_bytes()[:8192] + bytes(4096) + store.read_bytes()[12288:])
    refused = coordinator.bptrain("serve", "--port", 0, "--worker-port", 0, "--state", coordinator.state)
    assert refused.returncode == 3 and refused.stderr.startswith(f"bptrain: the store {store} cannot be opened: ")
    assert refused.stderr.endswith(f"; the newest backup is {made}: bptrain backup restore --state {coordinator.state}\n")
    restored = coordinator.bptrain("backup", "restore", "--state", coordinator.state)
    assert restored.stdout.startswith(f"{made} is the store now; the one before is store.db.damaged-")
    assert restored.stdout.endswith("tokens that were revoked meanwhile are good again (bptrain token list)\n")
    coordinator.start()
    assert [found.id for found in coordinator.client.list()] == [job.id]
