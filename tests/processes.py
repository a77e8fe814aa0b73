"""Who does what where the suite runs in several processes (`pytest -n 2`): one the core's tests, of which the last looks at
what the others have found; and a file of all others, whose tests share what is started for them, is never divided.
"""

import pytest

CORE = ("tests/bpcore/", "tests/parity/")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return "core" if nodeid.startswith(CORE) else nodeid.partition("::")[0]

    return Scheduling(config, log)
