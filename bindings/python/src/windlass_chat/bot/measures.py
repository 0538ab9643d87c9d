"""What a bot counts of itself: how much, how long, how many wait. Nothing of what anybody says, and no address."""

from __future__ import annotations

import bisect
import time
from collections.abc import Iterator
from dataclasses import dataclass

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
"""Seconds up to which the parts of the histogram go."""


class Histogram:
    """How long things took."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        """Something took so long."""
        self.counts[bisect.bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds


@dataclass(frozen=True)
class Measure:
    """One of the measures, under its name in OpenTelemetry."""

    name: str
    unit: str
    about: str
    value: int | float | Histogram
    grows: bool = True
    """Whether it only grows, as a sum does; a gauge does not."""


class Measures:
    """The counts of a bot since its program began."""

    def __init__(self) -> None:
        self.since = time.time()
        self.handled = Histogram()
        self.answers = 0
        self.failures = 0

    def all(self, waiting: int, leaving: int, jobs_waiting: int, jobs_done: int) -> Iterator[Measure]:
        """The counts, and what waits now: for handlers, for the transport, for its time."""
        yield Measure("windlass.bot.process.duration", "s", "From the call of a message's handlers until its answers are durable.", self.handled)
        yield Measure("windlass.bot.answers", "{message}", "Answers that were written.", self.answers)
        yield Measure("windlass.bot.failures", "{failure}", "Handlers that failed, and answers that could not be sent.", self.failures)
        yield Measure("windlass.bot.jobs", "{job}", "Jobs that were done.", jobs_done)
        yield Measure("windlass.bot.messages.waiting", "{message}", "Messages that wait for handlers.", waiting, grows=False)
        yield Measure("windlass.bot.envelopes.waiting", "{envelope}", "Envelopes that the transport has not taken yet.", leaving, grows=False)
        yield Measure("windlass.bot.jobs.waiting", "{job}", "Jobs that wait for their time.", jobs_waiting, grows=False)
        yield Measure("windlass.bot.uptime", "s", "Since the program began.", time.time() - self.since, grows=False)


def as_text(measures: Iterator[Measure]) -> str:
    """As Prometheus and OpenTelemetry's collector scrape it: OpenMetrics."""
    lines: list[str] = []
    for one in measures:
        name = one.name.replace(".", "_") + ("_seconds" if one.unit == "s" else "")
        kind = "histogram" if isinstance(one.value, Histogram) else "counter" if one.grows else "gauge"
        lines += [f"# TYPE {name} {kind}", f"# HELP {name} {one.about}"]
        if isinstance(one.value, Histogram):
            total = 0
            for bound, count in zip((*map(str, BOUNDS), "+Inf"), one.value.counts, strict=True):
                total += count
                lines.append(f'{name}_bucket{{le="{bound}"}} {total}')
            lines += [f"{name}_count {total}", f"{name}_sum {one.value.sum:.6f}"]
        else:
            lines.append(f"{name}{'_total' if one.grows else ''} {one.value}")
    return "\n".join([*lines, "# EOF", ""])


def as_otlp(measures: Iterator[Measure], since: float) -> dict[str, object]:
    """As OTLP has it in JSON: what `/v1/metrics` of a collector takes."""
    now, begin = str(time.time_ns()), str(int(since * 1e9))
    metrics: list[dict[str, object]] = []
    for one in measures:
        point: dict[str, object] = {"timeUnixNano": now}
        if one.grows:
            point["startTimeUnixNano"] = begin
        if isinstance(one.value, Histogram):
            counts = one.value.counts
            point |= {"count": str(sum(counts)), "sum": one.value.sum}
            point |= {"bucketCounts": [str(count) for count in counts], "explicitBounds": list(BOUNDS)}
        else:
            point |= {"asInt": str(one.value)} if isinstance(one.value, int) else {"asDouble": one.value}
        data: dict[str, object] = {"dataPoints": [point]}
        if one.grows:
            data["aggregationTemporality"] = 2  # since the beginning
        if one.grows and not isinstance(one.value, Histogram):
            data["isMonotonic"] = True
        kind = "histogram" if isinstance(one.value, Histogram) else "sum" if one.grows else "gauge"
        metrics.append({"name": one.name, "description": one.about, "unit": one.unit, kind: data})
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "windlass-bot"}}]}
    return {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": {"name": "windlass_chat"}, "metrics": metrics}]}]}
