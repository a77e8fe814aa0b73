"""Fields of a spec replaced by a mask."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from bpcore.errors import InvalidInput
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.jobs.patch import FORKABLE, MUTABLE, patched

OLD = JobSpec(name="old", labels={"a": "1", "b": "2"}, priority=7, epochs=3)


def test_named_fields_are_replaced_as_a_whole_and_others_stay():
    new = JobSpec(name="new", labels={"c": "3"}, priority=9, epochs=9)
    assert patched(OLD, new, FieldMask(paths=["labels"]), MUTABLE) == JobSpec(name="old", labels={"c": "3"}, priority=7, epochs=3)


def test_what_is_named_and_not_given_goes_back_to_its_default():
    assert patched(OLD, JobSpec(), FieldMask(paths=["priority", "labels"]), MUTABLE) == JobSpec(name="old", epochs=3)


def test_neither_spec_is_changed():
    before, new = JobSpec.FromString(OLD.SerializeToString()), JobSpec(name="new", priority=1)
    patched(OLD, new, FieldMask(paths=["priority"]), MUTABLE)
    assert (OLD, new) == (before, JobSpec(name="new", priority=1))


@pytest.mark.parametrize(("paths", "allowed", "problem"), [
    (["model"], FORKABLE, 'update_mask: unknown field "model"'), (["epochs"], MUTABLE, 'unknown field "epochs"; known: deadline, labels, priority, time_limit_s'),
    ([], MUTABLE, "update_mask: expected at least one of labels, priority, time_limit_s, deadline")])
def test_what_may_not_change_is_refused(paths, allowed, problem):
    with pytest.raises(InvalidInput) as refused:
        patched(OLD, JobSpec(), FieldMask(paths=paths), allowed)
    assert problem in str(refused.value)
