"""Counters and latencies by route, as Prometheus text. Labels are route templates: no personal data can enter."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator

BOUNDS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """What was answered, how often and how fast. Used from the event loop only, so it needs no lock.

    Examples
    --------
    >>> metrics = Metrics()
    >>> metrics.record(route="/health", method="GET", status=200, seconds=0.002)
    >>> 'marketofone_http_requests_total{route="/health",method="GET",status="200"} 1' in metrics.text()
    True
    """

    def __init__(self) -> None:
        self._requests: defaultdict[tuple[str, str, int], int] = defaultdict(int)
        self._buckets: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BOUNDS_SECONDS) + 1))
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def record(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests[route, method, status] += 1
        self._buckets[route][bisect_left(BOUNDS_SECONDS, seconds)] += 1
        self._seconds[route] += seconds

    def text(self) -> str:
        """Give everything in the exposition format."""
        return "\n".join([*self._counters(), *self._histograms(), ""])

    def _counters(self) -> Iterator[str]:
        name = "marketofone_http_requests_total"
        yield f"# HELP {name} Requests answered."
        yield f"# TYPE {name} counter"
        for (route, method, status), count in sorted(self._requests.items()):
            yield f'{name}{{route="{route}",method="{method}",status="{status}"}} {count}'

    def _histograms(self) -> Iterator[str]:
        name = "marketofone_http_request_duration_seconds"
        yield f"# HELP {name} Time from request to answer."
        yield f"# TYPE {name} histogram"
        for route, buckets in sorted(self._buckets.items()):
            total = 0
            for bound, count in zip((*BOUNDS_SECONDS, "+Inf"), buckets, strict=True):
                total += count
                yield f'{name}_bucket{{route="{route}",le="{bound}"}} {total}'
            yield f'{name}_sum{{route="{route}"}} {self._seconds[route]:.6f}'
            yield f'{name}_count{{route="{route}"}} {total}'
