"""What takes much memory is learned in processes of its own, and learned the same."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from people import ordinary_months

from marketofone import Bank
from marketofone.domain.errors import MalformedRequest, StoreError
from marketofone.domain.moment import Instant
from marketofone.services.learning import train
from marketofone.services.runtime.apart import apart


def test_the_answer_of_another_process_is_given() -> None:
    assert apart(os.getpid) != os.getpid()
    assert apart(sorted, [3, 1, 2], reverse=True) == [3, 2, 1]


def test_what_is_raised_there_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        apart(divmod, 1, 0)
    with pytest.raises(MalformedRequest, match="clock"):
        apart(_refuse, "clock")


def test_a_process_that_dies_is_told_in_words() -> None:
    with pytest.raises(StoreError, match="ended before"):
        apart(os._exit, 3)


def test_what_it_prints_is_no_answer() -> None:
    assert apart(print, "hello") is None


def test_a_large_bank_is_learned_from_apart(
    bank: Bank, allow: Callable[..., None], now: Instant, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow("c-1")
    bank.ingest(ordinary_months("c-1", until=now), now=now)
    asked: list[str] = []

    def noted(work: Callable[..., object], *args: object, **kwargs: object) -> object:
        asked.append(work.__name__)
        return apart(work, *args, **{**kwargs, "apart": apart})

    monkeypatch.setattr(train, "MANY_MOVEMENTS", 1)
    monkeypatch.setattr(train, "apart", noted)
    trained = bank.train(now=now)
    assert (trained.people, asked) == (1, ["fit_to_bytes"])


def _refuse(field: str) -> None:
    raise MalformedRequest(field=field, shape="wrong", fix="give another")
