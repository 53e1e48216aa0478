"""What is learned on past windows is a value: the same from the same past, and blind to the future."""

from __future__ import annotations

import numpy as np

from marketofone.models.forecast import HORIZON, ErrorTable, Movement, fit_errors, prior_errors
from marketofone.models.forecast.errors import PATHS
from marketofone.models.forecast.history import history

DAYS = range(100, 240, 20)


def walk(seed: int, *, days: int = 330) -> list[Movement]:
    rng = np.random.default_rng(seed)
    amounts = rng.integers(-9_000, 9_500, size=days // 3).tolist()
    balances = np.cumsum(amounts).tolist()
    return [
        Movement(3 * at, "a", amount, "cash", "cash", None, balance)
        for at, (amount, balance) in enumerate(zip(amounts, balances, strict=True))
    ]


def test_the_same_past_gives_the_same_bytes_and_they_read_back_the_same() -> None:
    histories = [walk(seed) for seed in range(30)]
    table = fit_errors(histories, as_of_days=DAYS, known_until=329)
    assert table.windows == 210
    assert ErrorTable.from_bytes(table.to_bytes()) == table
    assert fit_errors(histories, as_of_days=DAYS, known_until=329).to_bytes() == table.to_bytes()


def test_nothing_after_the_last_known_day_teaches() -> None:
    histories = [walk(seed) for seed in range(60)]
    cut = [[move for move in movements if move.day <= 280] for movements in histories]
    learned = fit_errors(histories, as_of_days=DAYS, known_until=280)
    assert learned.scale == "turnover"
    assert learned == fit_errors(cut, as_of_days=DAYS, known_until=280)


def test_too_little_to_learn_from_gives_the_prior() -> None:
    assert fit_errors([walk(1)], as_of_days=DAYS, known_until=329) == prior_errors()
    assert fit_errors([], as_of_days=[], known_until=0) == prior_errors()


def test_people_who_are_all_alike_can_be_learned_from() -> None:
    table = fit_errors([walk(1)] * 40, as_of_days=DAYS, known_until=329)
    assert table.scale == "turnover"
    assert all(len(paths) == 4 * PATHS * HORIZON for paths in table.paths)


def test_the_closing_balance_of_a_day_does_not_depend_on_the_order_of_its_movements() -> None:
    first = Movement(5, "a", 700, balance_minor=1_700)
    second = Movement(5, "a", -300, balance_minor=1_400)
    third = Movement(5, "a", 50, balance_minor=1_450)
    for order in ([first, second, third], [third, first, second], [second, third, first]):
        assert history(order, as_of=5).balance == 1_450


def test_a_movement_without_a_balance_moves_the_balance_that_was_told_before() -> None:
    past = history([Movement(5, "a", 700, balance_minor=1_700), Movement(8, "a", -200)], as_of=9)
    assert past.closing(np.arange(4, 10)).tolist() == [1_000, 1_700, 1_700, 1_700, 1_500, 1_500]
