"""A spec with some of its fields replaced, as a field mask says."""

from collections.abc import Collection

from google.protobuf.field_mask_pb2 import FieldMask

from bpcore.attributes import unknown
from bpcore.errors import InvalidInput, Problem
from bptrain.v1.spec_pb2 import JobSpec

MUTABLE = ("labels", "priority", "time_limit_s", "deadline")  # of a job, whatever its state
FIXED = ("model", "data", "batch_size", "seed")  # what a checkpoint depends on
FORKABLE = tuple(field.name for field in JobSpec.DESCRIPTOR.fields if field.name not in FIXED)


def patched(spec: JobSpec, new: JobSpec, mask: FieldMask, allowed: Collection[str]) -> JobSpec:
    """A copy. Raises InvalidInput for each name in the mask that is not allowed."""
    problems = [Problem("update_mask", unknown(path, allowed, "field")) for path in mask.paths if path not in allowed]
    if not mask.paths and allowed is MUTABLE:
        problems.append(Problem("update_mask", f"expected at least one of {', '.join(allowed)}"))
    if problems:
        raise InvalidInput(problems)
    made = JobSpec.FromString(spec.SerializeToString())
    for path in mask.paths:
        made.ClearField(path)
    picked = JobSpec.FromString(new.SerializeToString())
    for field, _ in new.ListFields():
        if field.name not in mask.paths:
            picked.ClearField(field.name)
    made.MergeFrom(picked)
    return made
