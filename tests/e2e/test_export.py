"""bptrain export: a finished run's model for other programs."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

BPTRAIN = Path(sys.executable).with_name("bptrain")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a finished run."""
    folder = tmp_path_factory.mktemp("export")
    job = Path(__file__).parent.parent.parent / "deploy" / "jobs" / "digits.yaml"
    (folder / "job.yaml").write_text(job.read_text().replace("epochs: 30", "epochs: 1"))
    subprocess.run([sys.executable, "-m", "worker", "job.yaml", "--run-dir", "run"], cwd=folder, check=True, capture_output=True, timeout=120)
    return folder / "run"


def export(run, output):
    return subprocess.run([BPTRAIN, "export", run, output], cwd=run.parent, capture_output=True, text=True, timeout=60)


def test_safetensors_hold_the_parameters_of_the_newest_checkpoint(run):
    done = export(run, "model.safetensors")
    assert (done.returncode, done.stdout) == (0, "model.safetensors: 30,634 parameters of step 23\n")
    kept = load_file(run / "checkpoints" / "step-00000023" / "parameters.safetensors")
    written = load_file(run.parent / "model.safetensors")
    assert {name: array.tobytes() for name, array in written.items()} == {name: array.tobytes() for name, array in kept.items()}


def test_onnx_gives_the_shape_of_the_job(run):
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnx and onnxruntime: pip install 'bptrain[parity]'")
    assert export(run, "model.onnx").returncode == 0
    session = onnxruntime.InferenceSession(run.parent / "model.onnx", providers=["CPUExecutionProvider"])
    (scores,) = session.run(["output"], {"input": np.zeros((5, 8, 8, 1), np.float32)})
    assert scores.shape == (5, 10) and np.isfinite(scores).all()


def test_an_unknown_suffix_is_refused(run):
    done = export(run, "model.h5")
    assert (done.returncode, done.stderr) == (2, 'bptrain: output: expected a file that ends in .onnx or .safetensors, got ".h5"\n')
