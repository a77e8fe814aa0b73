"""Generates bptrain/v1/*_pb2.py, *_pb2.pyi and *_pb2_grpc.py beside the .proto files.

Run it after editing a .proto file: python protos/generate.py [FOLDER]. The suite generates into a
temporary FOLDER and compares.
"""

import sys
from pathlib import Path

from grpc_tools import protoc

HERE = Path(__file__).resolve().parent


def generate(out: Path) -> None:
    well_known = Path(protoc.__file__).with_name("_proto")
    sources = sorted(str(path.relative_to(HERE)) for path in HERE.glob("bptrain/v1/*.proto"))
    outputs = [f"--python_out={out}", f"--pyi_out={out}", f"--grpc_python_out={out}"]
    if protoc.main(["protoc", f"-I{HERE}", f"-I{well_known}", *outputs, *sources]) != 0:
        raise SystemExit("protoc failed; its messages are above")
    for source in sources:
        if "service " not in (HERE / source).read_text():
            (out / source.replace(".proto", "_pb2_grpc.py")).unlink()


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
