"""/metrics, read by Prometheus's own parser."""

import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bptrain.v1.admin_service_pb2 import Scope
from bptrain.v1.job_service_pb2 import Job, Progress
from bptrain.v1.spec_pb2 import JobSpec
from coordinator.app import Settings
from coordinator.client import Client
from coordinator.embedded import embedded
from coordinator.ports import LOOPBACK, Listen
from coordinator.views.figures import Figures
from coordinator.web.prometheus import exposition


def samples(text):
    return {(sample.name, *sample.labels.values()): sample.value for family in text_string_to_metric_families(text) for sample in family.samples}


def fetched(server, **headers):
    with urllib.request.urlopen(urllib.request.Request(f"{server.web_address}/metrics", headers=headers), timeout=60) as response:
        return response.read().decode()


def test_jobs_are_counted_by_state(site):
    found = samples(fetched(site[0]))
    assert (found["bptrain_jobs", "succeeded"], found["bptrain_jobs", "failed"], found["bptrain_slots",]) == (1, 0, 3)
    assert found["process_resident_memory_bytes",] > 1e6


def test_a_job_with_ranks_is_told_with_its_progress_and_newest_values():
    job = Job(id="j1", spec=JobSpec(name="digits", ranks=2), progress=Progress(step=7, total_steps=9, samples_s=100.5), latest={"loss": 0.25})
    found = samples(exposition(Figures({"RUNNING": 1}, [job]), 4).decode())
    assert (found["bptrain_job_step", "j1", "digits"], found["bptrain_job_steps", "j1", "digits"]) == (7, 9)
    assert found["bptrain_job_samples_per_second", "j1", "digits"] == 100.5
    assert (found["bptrain_job_latest", "j1", "digits", "loss"], found["bptrain_slots_in_use",]) == (0.25, 2)


def test_where_tokens_are_wanted_they_are_wanted_here(tmp_path, data_root):
    with embedded(Settings(tmp_path, data_root, 1), Listen(LOOPBACK, 0, 0, None, 0)) as server, Client(server.address) as client:
        secret = client.create_token("chief", Scope.SCOPE_ADMIN, 3600).secret
        with pytest.raises(urllib.error.HTTPError) as caught:
            fetched(server)
        with caught.value as error:
            assert error.code == 401
        assert samples(fetched(server, Authorization=f"bearer {secret}"))["bptrain_slots",] == 1
