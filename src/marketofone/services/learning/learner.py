"""When what was heard becomes part of a version: when it is recorded, on demand, or in a thread beside the way.

The thread understands movements that left a question open, looks ahead again for those whose money moved, learns from
outcomes soon after they are recorded, finishes erasures that broke off, pays debts of learning, and seals what waits.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from marketofone.domain.moment import Instant
from marketofone.services.decisions.opens import hear_opens
from marketofone.services.foresight.look_again import look_again
from marketofone.services.intake.understanding import understand_waiting
from marketofone.services.learning.debts import may_owe, pay
from marketofone.services.learning.early_signs import read_signs
from marketofone.services.learning.learn import learn
from marketofone.services.learning.owing import Owing
from marketofone.services.learning.train import train_again
from marketofone.services.runtime.app_context import AppContext
from marketofone.store.ports import Head

GATHER_SECONDS = 0.2  # outcomes that come one after the other make one version
RETRY_SECONDS = 1.0
SEAL_SECONDS = 30.0  # entries wait no longer to become leaves of the log
_LOG = logging.getLogger(__name__)


class Before(Protocol):
    """What is done before anything is learned."""

    def __call__(self, context: AppContext, *, now: Instant) -> object:
        """Do it."""


class Learning:
    """When what was heard becomes part of a version.

    ``by_itself`` says whether that is when it is recorded, or whether it waits for :meth:`now`. ``before`` is done
    first each time: what must not teach any more is to be gone.
    """

    def __init__(self, context: AppContext, *, clock: Callable[[], Instant], before: Before) -> None:
        self._context = context
        self._clock = clock
        self._before = before
        self._learner: Learner | None = None
        self._owing = Owing()
        self.by_itself = True

    def now(self, now: Instant) -> int:
        """Learn from every outcome that waits; gives how many lessons became part of a version."""
        self._before(self._context, now=now)
        understand_waiting(self._context, now=now)
        _pay(self._context, self._owing, now=now)
        read_signs(self._context, now=now)
        return learn(self._context, now=now)

    def soon(self, now: Instant) -> None:
        """Say that an outcome was recorded."""
        learner = self._learner
        if learner is not None:
            learner.wake()
        elif self.by_itself:
            learn(self._context, now=now)

    def understand(self, *, now: Instant) -> None:
        """Say that movements may have been kept of which only all together can say what they are."""
        learner = self._learner
        if learner is not None and self._context.left_open:
            learner.wake()
        elif self.by_itself:
            understand_waiting(self._context, now=now)

    def follow_arrivals(self, entries: Iterable[Head], *, now: Instant) -> None:
        """Say that events were kept in some entries: movements may be understood by them, and opens were outcomes."""
        self.understand(now=now)
        if hear_opens(self._context, entries, now=now):
            self.soon(now)

    def owe(self, subjects: Collection[int], *, now: Instant) -> None:
        """Say that customers may have taken back that outcomes teach: theirs, and those of all ids of their person."""
        owing = may_owe(self._context, subjects) if subjects else set()
        if not owing:
            return
        learner = self._learner
        if learner is not None:
            learner.owe(owing)
        elif self.by_itself:
            pay(self._context, now=now, subjects=owing)
        else:
            self._owing.add(owing)

    def follow_links(self, *, now: Instant) -> None:
        """Ask what links teach no more: another id may object, and a decision may rest on one that is gone."""
        regrouped: set[int] = set()
        with suppress(KeyError):  # another thread may take some
            while True:
                regrouped.add(self._context.regrouped.pop())
        self.owe(regrouped, now=now)

    def owe_everything(self, *, now: Instant) -> None:
        """Say that another version is active, which may hold what anybody took back since it was made."""
        learner = self._learner
        if learner is not None:
            learner.owe_everything()
        elif self.by_itself:
            pay(self._context, now=now)
        else:
            self._owing.add_everybody()

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Learn in a thread of its own while the block runs."""
        before, self.by_itself = self.by_itself, False
        self._learner = learner = Learner(self._context, clock=self._clock, before=self._before)
        self._context.looks_ahead = learner.wake
        try:
            yield
        finally:
            self._learner, self.by_itself, self._context.looks_ahead = None, before, None
            learner.close()


class Learner:
    """Learns in a thread of its own: what waits already, then whatever it is woken for."""

    def __init__(self, context: AppContext, *, clock: Callable[[], Instant], before: Before) -> None:
        self._context = context
        self._clock = clock
        self._before = before
        self._owing = Owing()
        self._waiting = threading.Event()
        self._ended = threading.Event()
        self._waiting.set()  # lessons may have waited since an earlier process ended
        self._thread = threading.Thread(target=self._run, name="learner", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that an outcome waits, or that money moved."""
        self._waiting.set()

    def owe(self, subjects: Collection[int]) -> None:
        """Say that customers may have taken back that their outcomes teach."""
        self._owing.add(subjects)
        self._waiting.set()

    def owe_everything(self) -> None:
        """Say that anybody may have."""
        self._owing.add_everybody()
        self._waiting.set()

    def close(self) -> None:
        """Learn what waits, then end."""
        self._ended.set()
        self._waiting.set()
        self._thread.join()

    def _run(self) -> None:
        last = False
        while not last:
            self._waiting.wait(SEAL_SECONDS)
            self._ended.wait(GATHER_SECONDS)
            self._waiting.clear()
            last = self._ended.is_set()  # asked after the clearing, which may take away what the end had set
            try:
                self._before(self._context, now=self._clock())
                understand_waiting(self._context, now=self._clock())
                look_again(self._context, now=self._clock())
                _pay(self._context, self._owing, now=self._clock())  # first: a new version should not carry a debt on
                read_signs(self._context, now=self._clock())
                learn(self._context, now=self._clock())
                self._context.store.seal()
            except Exception as error:  # noqa: BLE001 - one fault must not end learning; a message may name people
                _LOG.warning("learning waits: %s", type(error).__name__)
                self._waiting.set()
                last = last or self._ended.wait(RETRY_SECONDS)


def _pay(context: AppContext, owing: Owing, *, now: Instant) -> None:
    """Learn again without what is owed; where anybody may owe, also what was destroyed for somebody who is gone."""
    with owing.taken(context.config.policy) as subjects:
        if subjects is None or subjects:
            pay(context, now=now, subjects=subjects)
        if subjects is None:
            train_again(context, now=now)
