"""A coordinator with its dashboard, and calls as the page makes them."""

import json
import time
import urllib.request
from urllib.error import HTTPError

import pytest

from coordinator.ports import LOOPBACK, Listen
from coordinator.runs import oracles

pytest.importorskip("starlette", reason="needs pip install 'bptrain[web]'")
pytest.importorskip("uvicorn", reason="needs pip install 'bptrain[web]'")


def asked(url, body="{}", **headers):
    """(status, content, headers) of a POST; header names with _ for -."""
    headers = {"Content-Type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body.encode() if isinstance(body, str) else body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read().decode(), response.headers
    except HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers


@pytest.fixture(scope="module")
def site(serving, small):
    """(server, client, id of a job that has ended)."""
    with serving(slots=3, listen=Listen(LOOPBACK, 0, 0, None, 0)) as (server, client):  # one beside a job that runs on and on
        job = client.submit(small(checkpoint={"every_steps": 8}))
        list(client.messages(job.id))
        while not any("parameters sha256:" in line.text for line in client.logs(job.id)):  # mpirun hands it on in its own time
            time.sleep(0.05)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(oracles, "IDLE_S", 0.5)  # others wait until no process is left
            yield server, client, job.id


@pytest.fixture
def post(site):
    """`post("Service/Method", request)`: (status, answer as plain data)."""

    def call(method, request=None, **headers):
        status, content, _ = asked(f"{site[0].web_address}/api/{method}", json.dumps(request or {}), **headers)
        return status, json.loads(content)

    return call


@pytest.fixture(name="asked", scope="session")
def asking():
    return asked
