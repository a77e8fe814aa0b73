"""Every application of deploy/jobs at full size on two ranks: what it must reach on held-out data, and what it reaches.

    python tests/bench/applications.py              all of them; writes the table of deploy/jobs/README.md
    python tests/bench/applications.py --only lanes …      these jobs' rows alone; the others stay as they are

1. A row is an Application of `APPLICATIONS` below; a goal (goals.py) says what is to be reached and looks at the run.
2. What must be there before it trains, `prepare` makes: another job's model, sounds.
3. It ends with status 1 where a goal is missed, or a job does not train, and the table says so.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # where pytest is

from tests.bench.goals import AddsUp, AtLeast, AtMost, BeatsRidge, Bits, Goal, HalfTheSteps, MeanAtLeast, NeverLoses, Run  # noqa: E402

JOBS = Path(__file__).resolve().parents[2] / "deploy" / "jobs"
README = JOBS / "README.md"
BPTRAIN = Path(sys.executable).with_name("bptrain")
START, END = "<!-- applications: written by python tests/bench/applications.py -->\n", "<!-- end of applications -->\n"
HEAD = ["field", "job", "data", "must reach", "reached", "time"]


@dataclass(frozen=True)
class Application:
    field: str
    job: str
    data: str
    goals: tuple[Goal, ...]
    prepare: Callable[[Path], None] = lambda folder: None


def know_the_first_digits(folder: Path) -> None:
    """digits_0_to_4.safetensors, which transfer.yaml starts from."""
    trained(JOBS / "digits_0_to_4.yaml", folder)
    subprocess.run([BPTRAIN, "export", folder / "digits_0_to_4", folder / "digits_0_to_4.safetensors"], check=True, stdout=2)


def speak(folder: Path) -> None:
    """The sounds of speech.yaml. Needs espeak-ng."""
    subprocess.run([sys.executable, JOBS / "speak.py", folder], check=True)


APPLICATIONS = [
    Application("image recognition", "digits_residual", "scikit-learn's digits", (AtLeast("accuracy", 0.985),)),
    Application("object detection", "detection", "scenes composed of real digits",
                (AtLeast("box_box_iou", 0.7), AtLeast("object_recall", 0.9), AtLeast("object_precision", 0.75))),
    Application("lane detection", "lanes", "generated roads", (AtLeast("iou", 0.85),)),
    Application("trajectory prediction", "trajectories", "simulated drives", (AtMost("relative_rmse", 0.5),)),
    Application("text classification", "text_classification", "sources of Python's library", (AtLeast("accuracy", 0.9),)),
    Application("text classification", "text_classification_transformer", "sources of Python's library", (AtLeast("accuracy", 0.9),)),
    Application("text generation", "text_generation", "Python's documentation strings", (Bits(2.2),)),
    Application("translation", "translation", "generated numbers and dates", (AtLeast("exact_match", 0.97),)),
    Application("speech recognition", "speech", "words spoken by espeak-ng in 26 voices", (AtMost("word_error_rate", 0.1),), speak),
    Application("medical diagnosis", "diagnosis", "scikit-learn's breast_cancer", (MeanAtLeast("auc", 0.98),)),
    Application("regression", "regression", "scikit-learn's diabetes", (BeatsRidge(),)),
    Application("recommendation", "recommender", "ratings of a known model, noise 0.3", (AtMost("rmse", 0.33),)),
    Application("transfer learning", "transfer", "scikit-learn's digits, 0–4 → 5–9", (HalfTheSteps(0.9),), know_the_first_digits),
    Application("explanation", "digits", "scikit-learn's digits", (AtLeast("accuracy", 0.985), AddsUp(0.01))),
    Application("reinforcement learning", "cartpole", "Gymnasium's CartPole-v1", (AtLeast("policy_episode_return", 450),)),
    Application("game playing", "tic_tac_toe", "games against itself", (NeverLoses(200),)),
    Application("neuromorphic", "spiking", "scikit-learn's digits", (AtLeast("accuracy", 0.93),)),
]

KNOWN = [application.job for application in APPLICATIONS]


def main() -> int:
    parser = argparse.ArgumentParser(description="Trains every application at full size and writes what it reaches.")
    parser.add_argument("--only", nargs="+", metavar="JOB", default=KNOWN, choices=KNOWN, help="these rows alone; the others stay as they are")
    chosen = parser.parse_args().only
    rows, missed = written(), []
    with tempfile.TemporaryDirectory(prefix="bptrain-applications-") as folder:
        for application in APPLICATIONS:
            if application.job in chosen:
                cells, is_met = row(application, Path(folder))
                rows[application.job], missed = cells, missed + [application.job] * (not is_met)
                print(line(cells), flush=True)
                write(rows)
    return 1 if missed else 0


def row(application: Application, folder: Path) -> tuple[list[str], bool]:
    """The cells of an application, trained below `folder`; whether all goals are met."""
    try:
        application.prepare(folder)
        run = trained(JOBS / f"{application.job}.yaml", folder)
        found = [goal.look(run, lambda file: trained(file, folder)) for goal in application.goals]
    except (subprocess.CalledProcessError, OSError) as error:  # the others are trained all the same
        print(f"{application.job}: {error}", file=sys.stderr)
        return [*promised(application), "**missed: it did not train**", "–"], False
    reached = "; ".join(text if is_met else f"**missed: {text}**" for text, is_met in found)
    return [*promised(application), reached, f"{run.seconds:.0f} s"], all(is_met for _, is_met in found)


def trained(job: Path, folder: Path) -> Run:
    """Trains on two ranks, into a folder of the job's name. Raises CalledProcessError."""
    began = time.monotonic()
    command = [BPTRAIN, "run", job, "--ranks", "2", "--run-dir", folder / job.stem, "--data-root", folder]
    subprocess.run(list(map(str, command)), check=True, stdout=2)
    return Run(job, folder / job.stem, time.monotonic() - began)


def promised(application: Application) -> list[str]:
    """The cells that need no training."""
    wanted = ", ".join(goal.wanted for goal in application.goals)
    return [application.field, f"[{application.job}]({application.job}.yaml)", application.data, wanted]


def written(readme: Path = README) -> dict[str, list[str]]:
    """Job → cells, of the table as it stands."""
    lines = readme.read_text().partition(START)[2].partition(END)[0].splitlines()[2:]
    rows = [[cell.strip() for cell in text.strip("|").split("|")] for text in lines]
    return {cells[1].partition("]")[0].removeprefix("["): cells for cells in rows}


def write(rows: dict[str, list[str]]) -> None:
    before, _, rest = README.read_text().partition(START)
    kept = [rows[application.job] for application in APPLICATIONS if application.job in rows]
    table = "\n".join([line(HEAD), "|---" * len(HEAD) + "|", *map(line, kept)]) + "\n"
    README.write_text(before + START + table + END + rest.partition(END)[2])


def line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
