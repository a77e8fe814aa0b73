"""The contract: the checked-in code is what protoc makes of the .proto files, and these read like a manual."""

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

PROTOS = Path(__file__).resolve().parents[2] / "protos"
SOURCES = sorted(str(path.relative_to(PROTOS)) for path in PROTOS.rglob("*.proto"))
WELL_KNOWN = Path(protoc.__file__).with_name("_proto")

# Lists in a FileDescriptorProto and in what it holds; their field numbers make the paths of comments.
PARTS = ("message_type", "enum_type", "service", "field", "nested_type", "value", "method")


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("protos")
    subprocess.run([sys.executable, PROTOS / "generate.py", folder], check=True, timeout=120)
    return folder


def files(folder):
    """Path below `folder` → content, of what protoc writes."""
    found = [path for pattern in ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py") for path in folder.rglob(pattern)]
    return {str(path.relative_to(folder)): path.read_text() for path in found}


def test_generated_code_is_up_to_date(regenerated):
    """If not: python protos/generate.py"""
    assert files(PROTOS) == files(regenerated)


def test_every_proto_file_has_code_and_stubs(regenerated):
    stems = {source.removesuffix(".proto") for source in SOURCES}
    assert {f"{stem}{end}" for stem in stems for end in ("_pb2.py", "_pb2.pyi")} <= files(PROTOS).keys()


@pytest.fixture(scope="module")
def descriptors(tmp_path_factory):
    """File name → its descriptor, comments included."""
    out = tmp_path_factory.mktemp("descriptors") / "set"
    flags = ["--include_source_info", f"--descriptor_set_out={out}", f"-I{PROTOS}", f"-I{WELL_KNOWN}"]
    assert protoc.main(["protoc", *flags, *SOURCES]) == 0
    return {file.name: file for file in FileDescriptorSet.FromString(out.read_bytes()).file}


def things(message, path=(), name=""):
    """(path, name) of every message, field, enum, value, service and rpc below `message`."""
    for part in PARTS:
        field = message.DESCRIPTOR.fields_by_name.get(part)
        for i, thing in enumerate(getattr(message, part) if field else ()):
            if part == "nested_type" and thing.options.map_entry:
                continue  # made by the compiler
            inside = (*path, field.number, i), f"{name}.{thing.name}".strip(".")
            yield inside
            yield from things(thing, *inside)


def uncommented(file):
    """Names of all that has no comment of its own."""
    commented = {tuple(at.path) for at in file.source_code_info.location if (at.leading_comments + at.trailing_comments).strip()}
    return [name for path, name in things(file) if path not in commented]


@pytest.mark.parametrize("source", SOURCES)
def test_everything_in_the_contract_has_a_comment(descriptors, source):
    assert uncommented(descriptors[source]) == []


def test_a_missing_comment_would_be_found(tmp_path):
    text = 'syntax = "proto3";\n// Said.\nmessage A {\n  uint32 bare = 1;\n  // Said.\n  uint32 good = 2;\n}\nenum B {\n  B_ZERO = 0;\n}\n'
    (tmp_path / "a.proto").write_text(text)
    assert protoc.main(["protoc", "--include_source_info", f"--descriptor_set_out={tmp_path / 'set'}", f"-I{tmp_path}", "a.proto"]) == 0
    file, = FileDescriptorSet.FromString((tmp_path / "set").read_bytes()).file
    assert uncommented(file) == ["A.bare", "B", "B.B_ZERO"]


@pytest.mark.parametrize("source", SOURCES)
def test_a_package_is_named_like_its_folder(descriptors, source):
    assert descriptors[source].package == ".".join(Path(source).parent.parts)


@pytest.mark.parametrize("source", SOURCES)
def test_every_file_opens_with_what_it_is_for(source):
    assert (PROTOS / source).read_text().startswith("// ")
