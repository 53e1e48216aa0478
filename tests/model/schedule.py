"""Tasks of which exactly one runs at a time, and a seeded scheduler that says which: a race that can be run again.

Each task is a thread that waits for the *baton*. At a *point* (before and after each thing that touches what others can
see) it may hand the baton on; between two points nobody else does anything. So which threads run in which order is
drawn from a seed, and nothing else decides it. Locks made here are points, too: who waits for one hands the baton on.

Two ways of drawing, half of the races each. *At random*: at every point the baton goes on with some chance. *By
priorities*: each task has one, the highest runs, and at some few points drawn before, whoever runs falls to the last
place; that finds with a known chance what needs few changes at the right places (PCT).

Source: S. Burckhardt, P. Kothari, M. Musuvathi, S. Nagarakatte, "A randomized scheduler with probabilistic guarantees
of finding bugs", ASPLOS 2010; the idea of a whole system under one seed is FoundationDB's and TigerBeetle's.
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

POINTS = 120
"""Among how many points those lie at which priorities change."""
ENDLESS = 20_000
"""After so many points a race ends: its tasks wait for each other for ever."""


class Stuck(BaseException):
    """Every task waits for another, or they do so without end."""


class _Task:
    """One thread, and what it is to do next."""

    def __init__(self, place: int, schedule: Schedule) -> None:
        self.place = place
        self.go = threading.Lock()
        self.go.acquire()
        self.work: Callable[[], None] | None = None
        self.priority = 0.0
        self.waits_for: Lock | None = None
        self.patient = True
        self.thread = threading.Thread(target=schedule._serve, args=(self,), daemon=True)
        self.thread.start()


class Schedule:
    """Runs races, one after the other, on threads that stay."""

    def __init__(self, *, tasks: int) -> None:
        self._tasks = [_Task(place, self) for place in range(tasks)]
        self._ended = threading.Lock()
        self._ended.acquire()
        self._rng = random.Random()
        self._runnable: list[_Task] = []
        self._running: _Task | None = None
        self._chance, self._changes = 0.0, list[int]()
        self._by_priority = False
        self._due = 0  # the point at which the baton may go on next
        self._wrong: BaseException | None = None
        self.points = 0
        self.switches = 0
        self.tell: Callable[[str, int], None] | None = None
        """Called at each point, before the baton may go on."""

    @property
    def task(self) -> int:
        """The place of the task that runs, -1 outside of a race."""
        return -1 if self._running is None else self._running.place

    def run(self, works: Sequence[Callable[[], None]], *, seed: int) -> None:
        """Run a race; raises what a task raised, or ``Stuck``."""
        rng = self._rng = random.Random(seed)
        self._by_priority = rng.random() < 0.5
        self._chance = rng.choice((0.05, 0.2, 0.5))
        self._changes = sorted(rng.sample(range(1, POINTS), rng.choice((1, 2, 3))), reverse=True)
        self.points = self.switches = self._due = 0
        self._draw_next()
        self._wrong = None
        self._runnable = self._tasks[: len(works)]
        for task, work in zip(self._runnable, works, strict=True):
            task.work, task.priority, task.waits_for = work, rng.random(), None
        self._runnable = list(self._runnable)
        self._running = self._next()
        self._running.go.release()
        self._ended.acquire()
        self._running = None
        if self._wrong is not None:
            raise self._wrong

    def point(self, label: str, *, away: bool = False) -> None:
        """Let another task run, if it is drawn so; ``away`` asks for it."""
        me = self._running
        if me is None:
            return
        self.points += 1
        if self.tell is not None:
            self.tell(label, me.place)
        if self.points < self._due and not away and self._wrong is None:
            return
        if self._wrong is not None or self.points > ENDLESS:
            raise Stuck(f"after {self.points} points at {label}")
        self._draw_next()
        if self._by_priority:
            me.priority = min(task.priority for task in self._tasks) - 1.0
        self._hand(me, self._next())

    def _draw_next(self) -> None:
        """Draw the next point at which the baton may go on: with some chance at each, or where priorities change."""
        if not self._by_priority:
            self._due = self.points + 1 + int(math.log(1.0 - self._rng.random()) / math.log(1.0 - self._chance))
        elif self.points >= self._due:
            self._due = self._changes.pop() if self._changes else ENDLESS

    def wait(self, lock: Lock, *, patient: bool) -> bool:
        """Wait until a lock is free; says whether it is. Who is not patient may find that it is not."""
        me = self._running
        if me is None:
            raise Stuck("a lock is held that nobody will release")
        me.waits_for, me.patient = lock, patient
        self._hand(me, self._next())
        if self._wrong is not None:
            raise Stuck("the race ended")
        me.waits_for = None
        return lock.holder is None

    def _next(self) -> _Task:
        ready = [task for task in self._runnable if task.waits_for is None or task.waits_for.holder is None]
        if not ready:
            ready = [task for task in self._runnable if not task.patient][:1]  # their patience is over
        if not ready:
            self._wrong = Stuck("every task waits for another")
            ready = self._runnable[:1]
        if self._by_priority:
            return max(ready, key=lambda task: task.priority)
        return ready[0] if len(ready) == 1 else self._rng.choice(ready)

    def _hand(self, me: _Task, other: _Task) -> None:
        if other is me:
            return
        self.switches += 1
        self._running = other
        other.go.release()
        me.go.acquire()

    def _serve(self, me: _Task) -> None:
        while True:
            me.go.acquire()
            try:
                if me.work is not None and self._wrong is None:
                    me.work()
            except BaseException as error:  # noqa: BLE001 - the race must end, whatever it was
                self._wrong = self._wrong or error
            self._runnable.remove(me)
            if self._runnable:
                self._running = self._next()
                self._running.go.release()
            else:
                self._ended.release()


class Lock:
    """A lock whose taking and giving back are points; with ``again`` its holder may take it once more."""

    def __init__(self, schedule: Schedule, *, again: bool = False) -> None:
        self._schedule = schedule
        self._again = again
        self.holder: int | None = None
        self._times = 0

    def acquire(self, *, timeout: float = -1) -> bool:
        self._schedule.point("lock")
        me = self._schedule.task
        if self._again and self.holder == me:
            self._times += 1
            return True
        while self.holder is not None:
            if not self._schedule.wait(self, patient=timeout < 0) and timeout >= 0:
                return False
        self.holder, self._times = me, 1
        return True

    def release(self) -> None:
        self._times -= 1
        if self._times <= 0:
            self.holder = None
        self._schedule.point("unlock")

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


_Lock = Lock


class Threading:
    """Stands for the module ``threading`` in a module whose locks are to be points."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def Lock(self) -> _Lock:  # noqa: N802 - its name there
        return Lock(self._schedule)

    def get_ident(self) -> int:
        return threading.get_ident()

    def RLock(self) -> _Lock:  # noqa: N802 - its name there
        return Lock(self._schedule, again=True)


class Time:
    """Stands for the module ``time``: it never passes, and who sleeps lets others run."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, _: float) -> None:
        self._schedule.point("sleep", away=True)


class Pointed:
    """A store each of whose steps is a point; ``appended`` is called with what a unit of work appended."""

    def __init__(self, store: Any, schedule: Schedule, appended: Callable[[Any, Any], None]) -> None:
        self._store, self._schedule, self._appended = store, schedule, appended

    def read(self) -> _PointedRead:
        return _PointedRead(self._store.read(), self._schedule)

    def guards(self, subject: int) -> Any:
        self._schedule.point("guards")
        return self._store.guards(subject)

    def commit(self, unit: Any) -> Any:
        self._schedule.point("commit")
        heads = self._store.commit(unit)
        self._appended(unit, heads)
        self._schedule.point("committed")
        return heads

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class _PointedRead:
    def __init__(self, read: Any, schedule: Schedule) -> None:
        self._read, self._schedule = read, schedule

    def __enter__(self) -> _PointedReader:
        self._schedule.point("begin")
        return _PointedReader(self._read.__enter__(), self._schedule)

    def __exit__(self, *ended: object) -> Any:
        done = self._read.__exit__(*ended)
        self._schedule.point("end")
        return done


class _PointedReader:
    """Each question to a snapshot of the store is a point: what is remembered beside it may move meanwhile."""

    def __init__(self, reader: Any, schedule: Schedule) -> None:
        self._reader, self._schedule = reader, schedule

    def __getattr__(self, name: str) -> Any:
        self._schedule.point(name)
        return getattr(self._reader, name)
