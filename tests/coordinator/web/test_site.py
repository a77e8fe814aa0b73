"""The dashboard's door: what it lets in, what it refuses, and that nothing is loaded from elsewhere."""

import hashlib
import json
import re
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from bptrain.v1.admin_service_pb2 import Scope
from coordinator.app import Settings
from coordinator.client import Client
from coordinator.embedded import embedded
from coordinator.errors import CATALOGUE
from coordinator.ports import LOOPBACK, Listen
from coordinator.web.answers import HTTP
from coordinator.web.site import STATIC

FILES = sorted(path for path in STATIC.rglob("*") if path.is_file())


def fetched(url):
    with urllib.request.urlopen(url, timeout=60) as response:
        return response.read(), response.headers


def test_where_it_is_open_to_all_hosts_its_address_is_one_that_they_can_open(serving):
    with serving(listen=Listen("0.0.0.0", 0, 0, None, 0)) as (server, _):
        assert server.web_address.startswith(f"http://{socket.gethostname()}:")


def test_the_page_and_all_that_it_names_are_served(site):
    server, _, _ = site
    page, _ = fetched(f"{server.web_address}/")
    for name in re.findall(rb'(?:src|href)="([^"#]+)"', page):
        content, _ = fetched(f"{server.web_address}/{name.decode()}")
        assert content == (STATIC / name.decode()).read_bytes()


def test_a_browser_may_load_nothing_from_elsewhere(site):
    _, headers = fetched(f"{site[0].web_address}/")
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';") and "http" not in policy
    assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_names_another_site(path):
    """But for the names of XML, which nobody loads, and what a vendored file says of its authors."""
    found = re.findall(r"https?://[\w./-]+", path.read_text())
    assert [url for url in found if not url.startswith("http://www.w3.org/") and path.parent.name != "vendor"] == []


def test_vendored_files_are_the_ones_that_were_looked_at():
    for line in (STATIC / "vendor" / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest
    assert {path.name for path in FILES if path.parent.name == "vendor"} == {"LICENSE.uPlot", "SHA256SUMS", "uPlot.iife.min.js", "uPlot.min.css"}


@pytest.mark.parametrize(("method", "request_", "status", "reason"), [
    ("JobService/GetJob", {"id": "nope"}, 404, "JOB_NOT_FOUND"), ("JobService/SubmitJob", {"spec": {}}, 400, "INVALID_FIELD"),
    ("MetricService/WatchMetrics", {"job_id": "nope"}, 404, "JOB_NOT_FOUND"), ("JobService/GetJob", {"idd": 1}, 400, ""),
    ("JobService/Nothing", {}, 501, "FEATURE_OFF"), ("WorkerService/Attach", {}, 501, "FEATURE_OFF")])
def test_refusals_come_with_their_status_and_reason(post, method, request_, status, reason):
    got, answer = post(method, request_)
    assert (got, answer["reason"]) == (status, reason) and answer["message"]


def test_every_problem_of_a_refused_job_is_told(post):
    _, answer = post("JobService/SubmitJob", {"spec": {}})
    assert len(answer["problems"]) > 2 and all(problem["message"] for problem in answer["problems"])


@pytest.mark.parametrize(("headers", "status"), [
    ({"Content_Type": "text/plain"}, 415), ({"Content_Type": "application/x-www-form-urlencoded"}, 415), ({"Host": "evil.example"}, 421),
    ({"Sec_Fetch_Site": "cross-site"}, 403), ({"Sec_Fetch_Site": "same-site"}, 403), ({"Sec_Fetch_Site": "same-origin"}, 200)])
def test_a_page_of_another_site_cannot_ask(site, asked, headers, status):
    assert asked(f"{site[0].web_address}/api/JobService/ListJobs", "{}", **headers)[0] == status


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"x"', '{"id": 7}', b"\xff\xfe", "{" * 10_000])
def test_what_is_no_request_is_refused_and_the_page_lives_on(site, asked, body):
    assert asked(f"{site[0].web_address}/api/JobService/GetJob", body)[0] in (400, 404)
    assert asked(f"{site[0].web_address}/api/JobService/ListJobs")[0] == 200


def test_a_body_that_is_too_long_is_refused(site, asked):
    status, content, _ = asked(f"{site[0].web_address}/api/JobService/GetJob", " " * (5 << 20))
    assert (status, json.loads(content)["message"]) == (429, f"a request may have {4 << 20} bytes at most")


def test_an_artifact_is_saved_as_a_file(site, asked):
    server, client, job_id = site
    name = "checkpoints/step-00000008/parameters.safetensors"
    url = f"{server.web_address}/artifacts/{job_id}/"
    with urllib.request.urlopen(urllib.request.Request(url + name, b"{}", {"Content-Type": "application/json"}), timeout=60) as response:
        assert response.read() == Path(client.get(job_id).run_dir, name).read_bytes()
        assert response.headers["Content-Disposition"] == "attachment; filename*=UTF-8''parameters.safetensors"
    for wrong in ("plan.json", "..%2fplan.json", "checkpoints/..%2f..%2f..%2fstore.db", "%2fetc%2fpasswd"):
        assert asked(url + wrong)[0] == 404


@pytest.mark.parametrize("path", ["..%2f..%2fsite.py", "%2e%2e/site.py", "vendor/..%2f..%2f__init__.py", "/etc/passwd"])
def test_nothing_but_the_page_s_files_is_served(site, path):
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetched(f"{site[0].web_address}/{path}")
    with caught.value as error:
        assert error.code == 404


def test_every_status_of_the_catalogue_has_one_in_http():
    assert {entry.status for entry in CATALOGUE.values()} - HTTP.keys() <= {"INTERNAL", "DATA_LOSS"}


def test_with_tokens_the_page_needs_one_and_its_scope_counts(tmp_path, data_root, asked):
    with embedded(Settings(tmp_path, data_root, 1), Listen(LOOPBACK, 0, 0, None, 0)) as server, Client(server.address) as client:
        chief = "bearer " + client.create_token("chief", Scope.SCOPE_ADMIN, 3600).secret

        def call(method, body="{}", authorization=""):
            status, content, _ = asked(f"{server.web_address}/api/{method}", body, **({"Authorization": authorization} if authorization else {}))
            return status, json.loads(content)

        made = call("AdminService/CreateToken", '{"name": "reader", "scope": "SCOPE_READ", "lifetime_s": 3600}', chief)[1]
        reader = "bearer " + made["secret"]
        assert call("JobService/ListJobs")[1]["reason"] == "TOKEN_MISSING"
        assert call("JobService/ListJobs", authorization=reader) == (200, {})
        status, answer = call("JobService/CancelJob", '{"id": "x"}', reader)
        assert (status, answer["reason"]) == (403, "SCOPE_MISSING")
        assert call("AdminService/RevokeToken", '{"name": "reader"}', chief)[0] == 200
        assert call("JobService/ListJobs", authorization=reader)[1]["reason"] == "TOKEN_REVOKED"
        trail = [(record["who"], record["method"]) for record in call("AdminService/ListAudit", authorization=chief)[1]["records"]]
        assert trail[:2] == [("chief", "RevokeToken"), ("reader", "CancelJob")]
