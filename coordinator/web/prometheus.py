"""`/metrics`: the coordinator and its jobs in Prometheus's words. Whoever may look at jobs may look at them here."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from coordinator.views.figures import Figures

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LABELS = ("job", "name")
# Metric → (what it says, value of a Job that has ranks).
OF_JOBS = {
    "bptrain_job_step": ("Steps done.", lambda job: job.progress.step),
    "bptrain_job_steps": ("Steps of the whole job.", lambda job: job.progress.total_steps),
    "bptrain_job_samples_per_second": ("Samples a second, of all ranks together.", lambda job: job.progress.samples_s),
    "bptrain_job_left_seconds": ("Estimated seconds to the end.", lambda job: job.progress.left_s),
    "bptrain_job_ranks": ("MPI ranks.", lambda job: job.spec.ranks),
}


def exposition(figures: Figures, slots: int) -> bytes:
    """The text that Prometheus reads. `slots`: ranks that may run at once."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Jobs(figures, slots))
    return generate_latest(registry)


class _Jobs(Collector):
    def __init__(self, figures: Figures, slots: int):
        self._figures, self._slots = figures, slots

    def collect(self) -> Iterator[GaugeMetricFamily]:
        counted = GaugeMetricFamily("bptrain_jobs", "Jobs in each state.", labels=["state"])
        for state, count in self._figures.jobs.items():
            counted.add_metric([state.lower()], count)
        yield counted
        yield GaugeMetricFamily("bptrain_slots", "Ranks that may run at once.", self._slots)
        yield GaugeMetricFamily("bptrain_slots_in_use", "Ranks that run.", sum(job.spec.ranks for job in self._figures.active))
        for name, (said, value) in OF_JOBS.items():
            family = GaugeMetricFamily(name, said, labels=LABELS)
            for job in self._figures.active:
                family.add_metric([job.id, job.spec.name], value(job))
            yield family
        latest = GaugeMetricFamily("bptrain_job_latest", "Newest value of each series.", labels=[*LABELS, "series"])
        for job in self._figures.active:
            for series, value in job.latest.items():
                latest.add_metric([job.id, job.spec.name, series], value)
        yield latest
