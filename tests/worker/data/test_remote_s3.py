"""Data in S3, read over a socket from a server that speaks it, written there by another library than the one that reads."""

import numpy as np
import pytest
import yaml

from worker.data import remote
from worker.datasets import FORMATS, DataRoot

boto3 = pytest.importorskip("boto3", reason="needs moto: pip install 'bptrain[dev]'")
s3fs = pytest.importorskip("s3fs", reason="needs pip install 'bptrain[s3]'")
moto = pytest.importorskip("moto.server", reason="needs moto and flask: pip install 'bptrain[dev]'")
KEYS = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "something", "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture(scope="module")
def server():
    """Its address."""
    serving = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    serving.start()
    yield "http://{}:{}".format(*serving.get_host_and_port())
    serving.stop()


@pytest.fixture
def bucket(server, monkeypatch):
    """`bucket(name, content)` writes an object; the surroundings are those of a user whose store this is."""
    for name, value in (KEYS | {"AWS_ENDPOINT_URL": server}).items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    store = boto3.client("s3")
    store.create_bucket(Bucket="sets")
    yield lambda name, content: store.put_object(Bucket="sets", Key=name, Body=content)
    for found in store.list_objects_v2(Bucket="sets").get("Contents", []):
        store.delete_object(Bucket="sets", Key=found["Key"])
    store.close()
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("BPTRAIN_CACHE", str(tmp_path / "cache"))
    (tmp_path / remote.ALLOWED).write_text("s3://sets/\n")
    return lambda: DataRoot(tmp_path)


def table(first, count=5):
    return ("a,y\n" + "".join(f"{i},{i % 2}\n" for i in range(first, first + count))).encode()


def values(root, url):
    data = FORMATS.build({"csv": {"path": url, "target": "y"}}).open(root)
    return data.read(np.arange(len(data)))["x"].ravel().tolist()


def test_an_object_and_all_below_a_prefix_are_read(bucket, root, refused):
    bucket("some.csv", table(0))
    bucket("deep/a/one.csv", table(10))
    bucket("deep/b/two.csv", table(20))
    assert values(root(), "s3://sets/some.csv") == [0, 1, 2, 3, 4]
    assert values(root(), "s3://sets/deep/") == [*range(10, 15), *range(20, 25)]
    bucket("deep/b/two.csv", b"a,y\n1,2,3\n")
    assert refused(lambda: values(root(), "s3://sets/deep/")) == ["path: s3://sets/deep/b/two.csv, row 1: expected 2 columns, got 3"]


def test_what_has_changed_is_another_version(bucket, root):
    bucket("some.csv", table(0))
    before, same = root(), root()
    assert values(before, "s3://sets/some.csv") == values(same, "s3://sets/some.csv") and before.remote.versions == same.remote.versions
    bucket("some.csv", table(7))
    after = root()
    assert values(after, "s3://sets/some.csv") == [7, 8, 9, 10, 11] and after.remote.versions != before.remote.versions
    assert values(before, "s3://sets/some.csv") == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("url", ["s3://sets/none.csv", "s3://sets/none/"])
def test_what_is_not_there_is_named(bucket, root, refused, url):
    assert refused(lambda: values(root(), url)) == [
        f'path: expected a file or folder of a remote store, got "{url}"; there is none, or the store does not answer']


def test_a_bucket_that_is_not_listed_is_not_asked(bucket, root, refused):
    assert "remote.txt says which" in refused(lambda: values(root(), "s3://others/some.csv"))[0]


@pytest.mark.slow
def test_a_job_trains_on_it_with_the_bits_of_a_file(bucket, root, tmp_path, worker, tiny):
    bucket("train.csv", table(0, 40))
    (tmp_path / "train.csv").write_bytes(table(0, 40))
    model, digests = {"input": [1], "layers": [{"linear": {"units": 2}}]}, []
    for run, path in (("remote", "s3://sets/train.csv"), ("here", "train.csv")):
        (tmp_path / "job.yaml").write_text(yaml.safe_dump(tiny(data={"train": {"csv": {"path": path, "target": "y"}}}, model=model)))
        done = worker("job.yaml", "--run-dir", run)
        assert done.returncode == 0, done.stderr
        digests += [line for line in done.stdout.splitlines() if line.startswith("parameters sha256:")]
    assert len(digests) == 2 and digests[0] == digests[1]
