"""Compiled once a machine: what is on disk is found again, stale code never is, and many may start at once."""

import os
import subprocess
import sys

import numpy as np
import pytest

from bpcore import kernels, needs

KERNEL = """
import numpy as np
from bpcore.kernels.compiled import helper, kernel

@kernel(lambda real: (real[::1],))
def twice(x):
    for i in range(len(x)):
        x[i] *= FACTOR

FACTOR = 2

if __name__ == "__main__":
    x = np.arange(4.0).astype(KIND)
    twice(x)
    print(*x)
"""


def start(folder, kind="np.float32", source=KERNEL, **environment):
    """A process that runs the kernel; its module lies in `folder`, and so does what it compiles."""
    (folder / "module.py").write_text(source)
    program = f"import builtins, numpy as np, runpy; builtins.KIND = {kind}; runpy.run_path(r'{folder / 'main.py'}', run_name='__main__')"
    (folder / "main.py").write_text("import sys\nsys.path.insert(0, __file__.rpartition('/')[0])\nimport numpy as np\nfrom module import twice\n"
                                    "x = np.arange(4.0).astype(KIND)\ntwice(x)\nprint(*x)\n")
    return subprocess.Popen([sys.executable, "-c", program], env=os.environ | environment, stdout=subprocess.PIPE, text=True)


def output(process):
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    return text.strip()


def compiled(folder):
    return sorted(path.name for path in folder.glob("__pycache__/*.nb*"))


def test_the_second_process_finds_what_the_first_compiled(tmp_path):
    assert output(start(tmp_path)) == "0.0 2.0 4.0 6.0"
    files = compiled(tmp_path)
    times = [(tmp_path / "__pycache__" / name).stat().st_mtime_ns for name in files]
    assert len(files) == 2 and output(start(tmp_path)) == "0.0 2.0 4.0 6.0"
    assert times == [(tmp_path / "__pycache__" / name).stat().st_mtime_ns for name in compiled(tmp_path)]


def test_many_processes_may_start_at_once_and_compile_for_several_kinds(tmp_path):
    processes = [start(tmp_path, kind) for kind in ("np.float32", "np.float64") * 3]
    assert [output(process) for process in processes] == ["0.0 2.0 4.0 6.0"] * 6
    assert len(compiled(tmp_path)) == 4, "an index and its code for each kind"
    assert not list(tmp_path.glob("__pycache__/*.tmp*"))


MADE = """
import sys
import numpy as np
from bpcore.kernels.compiled import Kernel, helper
from bpcore.kernels.program import fused

def double(number):
    return 2 * number

def square(number):
    return number * number

def over(function):
    apply = helper(function)
    def run(x):
        for i in range(len(x)):
            x[i] = apply(x[i])
    return Kernel(run, lambda real: (real[::1],), uses=(function,))

made = [over(globals()[name]) for name in sys.argv[1:]]
for kernel in made:
    kernel(np.arange(4.0))
for kernel in made:
    called, as_program = np.arange(4.0), np.arange(4.0)
    kernel(called)
    for call in fused([kernel.bound(as_program.dtype, as_program)]):
        call()
    print(*called, *as_program)
"""


def test_what_one_process_compiled_is_not_taken_for_what_another_did(tmp_path):
    """Both made by one function, of the same types, each the first that its process has made: so gelu was relu once."""
    (tmp_path / "made.py").write_text(MADE)

    def run(*names):
        return subprocess.run([sys.executable, tmp_path / "made.py", *names], capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()

    doubled, squared = " ".join(["0.0 2.0 4.0 6.0"] * 2), " ".join(["0.0 1.0 4.0 9.0"] * 2)
    assert (run("double"), run("square")) == ([doubled], [squared])
    assert run("double", "square") == [doubled, squared]


def test_no_two_kernels_have_one_name():
    """Neither on disk nor in memory, where the types that they take may be the same."""
    names = [(kernel.function.__module__, kernel.function.__qualname__, dtype) for kernel, dtype in needs.everything()]
    assert len(set(names)) == len(names) > 80


def test_without_a_place_to_write_it_is_compiled_in_memory(tmp_path):
    (tmp_path / "__pycache__").write_text("no folder")
    assert output(start(tmp_path, HOME="/proc/none", XDG_CACHE_HOME="/proc/none")) == "0.0 2.0 4.0 6.0"


def test_what_is_on_disk_is_stale_when_any_file_beside_it_has_changed(monkeypatch):
    from bpcore.kernels import compiled
    compiled._sources.cache_clear()
    before = compiled._sources()
    monkeypatch.setattr(compiled.pkgutil, "get_data", lambda package, name: b"changed" if name == "vectors.py" else b"")
    compiled._sources.cache_clear()
    assert compiled._sources() != before
    compiled._sources.cache_clear()


def test_the_compiler_is_not_loaded_before_a_kernel_is_needed():
    program = "import bpcore, bpcore.layers.conv2d, sys; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0


def test_a_kernel_that_is_none_is_an_attribute_that_is_none():
    with pytest.raises(AttributeError, match="no attribute fft"):
        kernels.fft


def test_a_bound_call_does_what_a_call_does():
    rows, by_call, bound = np.arange(6.0).reshape(3, 2), np.empty(2), np.empty(2)
    kernels.sums.columns(rows, by_call)
    kernels.sums.columns.bound(rows.dtype, rows, bound)()
    assert bound.tolist() == by_call.tolist() == [6, 9]


@pytest.mark.parametrize(("rows", "total"), [
    (np.zeros((2, 3)).T, np.zeros(2)), (np.zeros((3, 2), np.float32), np.zeros(2)), (np.zeros((3, 2)), np.zeros(4)[::2]), (np.zeros(3), np.zeros(2)),
], ids=["another order", "another kind", "gaps", "too few axes"])
def test_what_machine_code_would_misread_is_refused(rows, total):
    with pytest.raises(TypeError, match="columns takes"):
        kernels.sums.columns.bound(total.dtype, rows, total)
