"""Of threads that ask at once one decides for all: each gets its own answer or error, and none waits for ever."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from marketofone.bank import Bank
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MalformedRequest, MarketOfOneError, UnknownCustomer
from marketofone.domain.moment import Instant
from marketofone.services.runtime import combining
from marketofone.services.runtime.combining import MOST, Combiner

PEOPLE, FAILS = 12, 99


class _Gate:
    """Work that says what it was given together, and holds the first one up until all others wait."""

    def __init__(self, *, waiting: int) -> None:
        self.runs: list[list[int]] = []
        self.combiner = Combiner[int, int]()
        self._asked = threading.Semaphore(0)
        self._waiting = waiting

    def ask(self, thing: int, *, by: str = "") -> int:
        self._asked.release()
        return self.combiner.ask(thing, work=self._work, by=by)

    def _work(self, things: Sequence[int]) -> list[int]:
        first = not self.runs
        self.runs.append(list(things))
        if first:
            for _ in range(self._waiting):
                self._asked.acquire()
            while len(self.combiner._waiting) < self._waiting - 1:
                threading.Event().wait(0.001)
        if FAILS in things:
            raise ValueError(FAILS)
        return [10 * thing for thing in things]


def _asked_at_once(gate: _Gate, things: Sequence[int], *, by: Callable[[int], str] = lambda _: "") -> list[int]:
    def ask(thing: int) -> int:
        try:
            return gate.ask(thing, by=by(thing))
        except ValueError as error:
            return -int(str(error))

    with ThreadPoolExecutor(len(things)) as threads:
        return list(threads.map(ask, things))


def test_what_waits_while_one_is_answered_is_answered_together() -> None:
    gate = _Gate(waiting=6)

    assert _asked_at_once(gate, range(6)) == [0, 10, 20, 30, 40, 50]
    assert sorted(map(len, gate.runs)) == [1, 5]


def test_no_more_than_some_are_answered_together() -> None:
    gate = _Gate(waiting=MOST + 3)

    assert _asked_at_once(gate, range(MOST + 3)) == [10 * thing for thing in range(MOST + 3)]
    assert max(map(len, gate.runs)) == MOST


def test_what_another_asks_is_not_taken_along() -> None:
    gate = _Gate(waiting=6)

    _asked_at_once(gate, range(6), by=lambda thing: str(thing % 2))

    assert all(len({thing % 2 for thing in run}) == 1 for run in gate.runs)


def test_where_one_fails_the_others_are_answered() -> None:
    gate = _Gate(waiting=6)

    assert _asked_at_once(gate, [1, 2, FAILS, 4, 5, 6]) == [10, 20, -FAILS, 40, 50, 60]


def test_nobody_waits_for_ever_for_somebody_who_was_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(combining, "_PATIENCE", 0.01)
    combiner = Combiner[int, int]()
    combiner._is_led = True  # as one leaves it who was interrupted at the worst moment

    assert combiner.ask(1, work=lambda things: [10 * thing for thing in things]) == 10
    assert combiner.ask(2, work=lambda things: [10 * thing for thing in things]) == 20


def test_who_asks_again_while_they_answer_others_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """As what is told of a decision may do, when it asks for another one before the first is written."""
    combiner, waited = Combiner[int, int](), list[object]()
    monkeypatch.setattr(combiner, "_give_up", waited.append)
    monkeypatch.setattr(combining, "_PATIENCE", 0.01)

    def work(things: Sequence[int]) -> list[int]:
        return [combiner.ask(thing - 1, work=work) + 10 if thing else 0 for thing in things]

    assert combiner.ask(3, work=work) == 30
    assert combiner.ask(2, work=work) == 20
    assert not waited
    assert not combiner._is_led


@pytest.fixture
def interrupt() -> Iterator[Callable[[], None]]:
    """Give what interrupts the main thread, as somebody does at a keyboard."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before, main = signal.signal(signal.SIGUSR1, stop), threading.get_ident()
    yield lambda: signal.pthread_kill(main, signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


def test_nobody_waits_for_somebody_who_was_interrupted_while_they_waited(interrupt: Callable[[], None]) -> None:
    combiner, led, gone = Combiner[int, int](), threading.Event(), threading.Event()
    runs: list[Sequence[int]] = []

    def lead(things: Sequence[int]) -> list[int]:
        runs.append(things)
        led.set()
        while not combiner._waiting:
            threading.Event().wait(0.001)
        interrupt()
        gone.wait(10)
        return [10 * thing for thing in things]

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(combiner.ask, 1, work=lead)
        led.wait(10)
        with pytest.raises(KeyboardInterrupt):
            combiner.ask(2, work=lead)
        gone.set()
        assert first.result() == 10

    assert not combiner._is_led
    assert list(combiner._waiting) == []
    assert runs == [[1]]


def test_who_is_interrupted_while_they_work_hands_on() -> None:
    combiner = Combiner[int, int]()

    def interrupted(things: Sequence[int]) -> list[int]:
        raise KeyboardInterrupt(things)

    with pytest.raises(KeyboardInterrupt):
        combiner.ask(1, work=interrupted)

    assert not combiner._is_led
    assert list(combiner._waiting) == []


def test_threads_that_ask_at_once_get_their_own_decisions(bank: Bank, allow: Callable[..., None], now: Instant) -> None:
    for person in range(PEOPLE):
        allow(f"c-{person}")

    def ask(number: int) -> Decision | MarketOfOneError:
        person = "nobody" if number % 7 == 3 else f"c-{number % PEOPLE}"
        channel = "pigeon" if number % 7 == 5 else "app"
        try:
            return bank.decide(person, occasion="app.opened", id=f"d-{number}", channel=channel, now=now)
        except MarketOfOneError as error:
            return error

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(10 * PEOPLE)))

    for number, answer in enumerate(answers):
        if number % 7 == 3:
            assert isinstance(answer, UnknownCustomer)
        elif number % 7 == 5:
            assert isinstance(answer, MalformedRequest)
        else:
            assert isinstance(answer, Decision)
            assert (answer.id, answer.customer) == (f"d-{number}", f"c-{number % PEOPLE}")
            assert bank.decision(answer.id, customer=answer.customer, now=now) == answer
    assert bank.replay().differences == 0
