"""A job file's text: YAML without its surprises, or JSON, and a sentence for what is neither."""

import json
import re

import pytest
import yaml

from bpcore.errors import InvalidInput
from bptrain.v1.spec_pb2 import JobSpec
from worker.jobs import jobfile


@pytest.fixture
def read(tmp_path):
    def call(content):
        path = tmp_path / "job.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return jobfile.read(path)

    return call


@pytest.fixture
def refusal(read, tmp_path):
    """The one sentence that a text is refused with, without the file's name."""

    def call(content):
        with pytest.raises(InvalidInput) as error:
            read(content)
        (problem,) = error.value.problems
        assert problem.field == str(tmp_path / "job.yaml")
        return problem.message

    return call


def test_yaml_and_json_say_the_same(read, job):
    assert read(json.dumps(job())) == read(yaml.safe_dump(job())) == jobfile.parse(job())


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "+1e-3", "1.e-3", "1.0e-3", "0.001"])
def test_a_number_with_an_exponent_is_a_number(read, text):
    """Plain YAML 1.1 takes 1e-3 for a text."""
    spec, problems = read(f"optimizer: {{sgd: {{learning_rate: {text}}}}}")
    assert (spec.optimizer.attributes["learning_rate"], problems) == (0.001, [])


@pytest.mark.parametrize("text", ["1e", "e3", "1e-3x", "'1e-3'"])
def test_what_only_looks_like_one_stays_text(read, text):
    assert isinstance(read(f"loss: {{mse: {{a: {text}}}}}")[0].loss.attributes["a"], str)


@pytest.mark.parametrize(("text", "line", "key"), [
    ("name: a\nname: b\n", 1, "name"),
    ("seed: 1\nmodel:\n  input: [1]\n  input: [2]\n", 3, "input"),
    ('{"seed": 1,\n "loss": {"mse": {"a": 1, "a": 2}}}', 2, "a"),
])
def test_a_key_given_twice_is_an_error(refusal, text, line, key):
    """Plain YAML keeps the last one and says nothing."""
    assert refusal(text) == f"expected YAML or JSON, but in line {line} the key {key} stands twice"


def test_a_merged_key_may_be_overridden(read):
    spec, problems = read("data:\n  train: {npz: &file {path: a.npz, inputs: x}}\n  eval: {npz: {<<: *file, path: b.npz}}\n")
    assert (spec.data.eval.attributes["path"], problems) == ("b.npz", [])


@pytest.mark.parametrize(("text", "line", "reason"), [
    ("name: a\nmodel: [1, 2\n", 3, "expected ',' or ']', but got '<stream end>'"),
    ("name: a\n\tseed: 1\n", 2, "found character '\\t' that cannot start any token"),
    ("name: *nowhere\n", 1, "found undefined alias 'nowhere'"),
    ("name: a\n---\nname: b\n", 2, "but found another document"),
    ("name: !!python/object:os.system x\n", 1, "could not determine a constructor for the tag 'tag:yaml.org,2002:python/object:os.system'"),
    ("seed: 1\n? [a, b]\n: 1\n", 2, "found unhashable key"),
    ("loss: &a {mse: *a}\n", 1, "found unconstructable recursive node"),
])
def test_a_syntax_error_names_its_line(refusal, text, line, reason):
    assert refusal(text) == f"expected YAML or JSON, but in line {line} {reason}"


def test_a_control_character_is_no_text(refusal):
    assert refusal("name: \x01") == "expected YAML or JSON, but it cannot be parsed"


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "~"])
def test_an_empty_file_is_a_job_without_anything(read, text):
    spec, (problem,) = read(text)
    assert (spec, str(problem)) == (JobSpec(), "job: expected keys with values, got null")


def test_a_byte_order_mark_is_no_part_of_the_first_key(read):
    assert read("\ufeffname: marked\n") == (JobSpec(name="marked"), [])


def test_a_file_that_is_not_utf_8_is_refused(refusal):
    assert refusal("name: größe".encode("latin-1")) == "expected a job file in UTF-8"


def test_a_file_may_have_a_mebibyte_and_no_more(read, refusal):
    assert read("name: small\n" + "#" * (jobfile.LIMIT_BYTES - 12))[0].name == "small"
    assert refusal("#" * (jobfile.LIMIT_BYTES + 1)) == "expected a job file of at most 1048576 bytes, got 1048577"


def test_a_missing_file_is_named(tmp_path):
    text = f"{tmp_path / 'none.yaml'}: expected a readable job file: No such file or directory"
    with pytest.raises(InvalidInput, match=re.escape(text)):
        jobfile.read(tmp_path / "none.yaml")


def test_a_folder_is_no_job_file(tmp_path):
    with pytest.raises(InvalidInput, match="expected a readable job file: Is a directory"):
        jobfile.read(tmp_path)


@pytest.mark.parametrize("text", [
    "name: 2001-99-99", "seed: !!int many", "seed: !!float many", "seed: !!bool many", "name: !!timestamp x",
    pytest.param("seed: " + "9" * 5000, id="5000 digits"), pytest.param("[" * 3000 + "]" * 3000, id="3000 brackets"),
])
def test_a_value_that_yaml_cannot_build_is_a_syntax_error(refusal, text):
    assert refusal(text).startswith("expected YAML or JSON, but ")


def test_a_lone_surrogate_is_no_text(read):
    _, (problem,) = read('name: "\\ud800"')
    assert problem.field == "name"
