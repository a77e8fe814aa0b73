"""The audit trail is as long as it is meant to be."""

import pytest

from bptrain.v1.admin_service_pb2 import AuditRecord
from coordinator.store import audit


@pytest.mark.parametrize(("before", "most", "left"), [(0, 100, [5, 4, 3, 2, 1]), (3, 100, [5, 4, 3]), (0, 2, [5, 4]), (4, 4, [5, 4]), (100, 100, [])])
def test_what_is_too_old_or_too_much_goes_oldest_first(connection, before, most, left):
    for time in range(1, 6):
        audit.add(connection, AuditRecord(time=time, who="alice", method="SubmitJob"))
    assert audit.trim(connection, before, most) == 5 - len(left)
    assert [record.time for record in audit.page(connection, 10, 0)] == left


def test_numbers_are_never_given_twice(connection):
    """Or a page token would mean another record."""
    first = audit.add(connection, AuditRecord(time=1))
    audit.trim(connection, 2, 0)
    assert audit.add(connection, AuditRecord(time=3)) > first
