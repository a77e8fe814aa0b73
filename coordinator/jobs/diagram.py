"""The life of a job, drawn from its table: python -m coordinator.jobs.diagram > coordinator/jobs/README.md"""

from coordinator.jobs import states
from coordinator.jobs.states import TABLE

HEAD = """# The life of a job

Drawn from the table in [states.py](states.py) by `python -m coordinator.jobs.diagram`; a test holds that it is up to date.
SUCCEEDED, FAILED and CANCELLED are final: only `bptrain retry` leads out of the last two. Ranks are found where the store
was put back to a copy that is older than they are.
"""


def page() -> str:
    """The whole README, with the diagram in Mermaid."""
    lines: dict[tuple[str, str], list[str]] = {}
    for (source, event), (target, _) in TABLE.items():
        lines.setdefault((states.label(source), states.label(target)), []).append(event.value)
    arrows = [f"    {source} --> {target}: {', '.join(events)}" for (source, target), events in lines.items()]
    return "\n".join([HEAD, "```mermaid", "stateDiagram-v2", "    [*] --> QUEUED", *arrows, "```", ""])


if __name__ == "__main__":
    print(page(), end="")
