"""Combining: of several threads that ask at once, one answers for all of them.

The threads of one interpreter share one processor. Where four of them compute beside each other, each takes the
interpreter from the others at every statement to the store, some fifty times a decision, and a decision costs twice
what it costs alone. So a caller that asks while none works takes along what waits by then, computes it together, which
costs less than one after the other, and hands on to the first who came meanwhile. No caller waits to let a batch grow:
who is alone answers at once.

Source: D. Hendler, I. Incze, N. Shavit, M. Tzafrir, "Flat combining and the synchronization-parallelism tradeoff",
SPAA 2010.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
A = TypeVar("A")

MOST = 16
"""Questions answered together: more make the first wait for the last."""

_PATIENCE = 30.0
"""For how many seconds somebody waits for another to answer. Only one who was interrupted at the worst moment never
does."""


class _Job(Generic[T, A]):
    """One question; ``settled`` is held until it is answered, or is to be worked on by its caller."""

    __slots__ = ("answers", "by", "leads", "settled", "thing")

    def __init__(self, thing: T, *, by: str) -> None:
        self.thing = thing
        self.by = by
        self.answers: list[A] = []
        self.leads = False
        self.settled = threading.Lock()
        self.settled.acquire()


class Combiner(Generic[T, A]):
    """Answers questions that threads of one process ask at once.

    Examples
    --------
    >>> Combiner[int, int]().ask(2, work=lambda things: [thing * 10 for thing in things])
    20
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[_Job[T, A]] = deque()
        self._is_led = False
        self._leader = 0  # its thread: who leads and asks again cannot wait for themselves

    def ask(self, thing: T, *, work: Callable[[Sequence[T]], Sequence[A]], by: str = "") -> A:
        """Give the answer to a question. ``work`` answers several; those asked ``by`` another are not taken along.

        ``work`` must allow to be repeated: where it fails for several together, each is worked on alone and meets its
        own error. A caller that asks while it answers others, from within ``work``, is answered alone and at once.
        """
        if self._leader == threading.get_ident():
            return work([thing])[0]
        job = _Job[T, A](thing, by=by)
        try:
            with self._lock:
                self._waiting.append(job)
                job.leads, self._is_led = not self._is_led, True
            if not job.leads and not job.settled.acquire(timeout=_PATIENCE):
                self._give_up(job)
            if job.leads:
                self._lead(job, work)
        except BaseException:  # also who is interrupted while waiting: no caller must wait for them
            self._leave(job)
            raise
        return (job.answers or work([thing]))[0]

    def _lead(self, own: _Job[T, A], work: Callable[[Sequence[T]], Sequence[A]]) -> None:
        """Answer one's own question and those that wait, and hand on."""
        jobs = [own]
        try:
            self._leader = threading.get_ident()
            jobs = self._taken(own)
            if len(jobs) > 1:
                answers = _answers(work, [job.thing for job in jobs])
                for job, answer in zip(jobs, answers, strict=False):  # no answers where it failed
                    job.answers.append(answer)
            else:
                own.answers.extend(work([own.thing]))
        finally:
            self._hand_on(own, jobs)

    def _taken(self, own: _Job[T, A]) -> list[_Job[T, A]]:
        with self._lock:
            others = [job for job in self._waiting if job is not own and job.by == own.by][: MOST - 1]
            jobs = [own, *others]
            self._waiting = deque(job for job in self._waiting if job not in jobs)
        return jobs

    def _hand_on(self, own: _Job[T, A], jobs: Sequence[_Job[T, A]]) -> None:
        with self._lock:
            own.leads = False
            if self._leader == threading.get_ident():  # who was given up may end while another leads
                self._leader = 0
            following = self._waiting.popleft() if self._waiting else None
            self._is_led = following is not None
            if following is not None:
                following.leads = True
        for job in jobs:
            if job is not own:
                job.settled.release()
        if following is not None:
            following.settled.release()

    def _give_up(self, job: _Job[T, A]) -> None:
        """Wait no longer for the caller that leads: it was interrupted, or is stuck."""
        with self._lock:
            self._is_led = job.leads
            if job in self._waiting:
                self._waiting.remove(job)

    def _leave(self, job: _Job[T, A]) -> None:
        """Wait and lead no longer."""
        with self._lock:
            if job in self._waiting:
                self._waiting.remove(job)
            leads = job.leads
        if leads:
            self._hand_on(job, [])


def _answers(work: Callable[[Sequence[T]], Sequence[A]], things: Sequence[T]) -> Sequence[A]:
    try:
        return work(things)
    except Exception:  # noqa: BLE001 - whatever it is, each will meet it alone, with what belongs to it
        return []
