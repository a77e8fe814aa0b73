"""Who does what where the suite runs in several processes (`pytest -n 2`): one the core's tests, of which the last looks at
what the others have found; and a file of all others, whose tests share what is started for them, is never divided. What
takes long comes first, so that both end at the same time.
"""

import pytest

CORE = ("tests/bpcore/", "tests/parity/")
LONG = (*CORE, "tests/e2e/", "tests/faults/", "tests/test_", "tests/mpi/", "tests/bench/")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: next((i for i, folder in enumerate(LONG) if item.nodeid.startswith(folder)), len(LONG)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return "core" if nodeid.startswith(CORE) else nodeid.partition("::")[0]

    config.option.loadscopereorder = False  # it would put files of many tests first
    return Scheduling(config, log)
