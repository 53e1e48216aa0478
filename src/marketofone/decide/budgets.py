"""Budgets of actions for a day: how much of one may be taken by a minute of it.

A budget with a pace is spread evenly over the minutes in which its action may be shown: those of its schedule outside
of the bank's quiet hours. What was not taken stays for later that day, so all of it can be.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Final

from marketofone.domain.action import Action

_MINUTES: Final = 24 * 60


def open_minutes(action: Action, *, quiet: Callable[[int], bool]) -> tuple[int, ...]:
    """Count by each minute of a day, and at its end, how many minutes before it an action may be shown in.

    Where quiet hours leave none of its schedule, they do not count.

    Examples
    --------
    >>> from marketofone.domain.schedule import Schedule
    >>> plan = Action(id="x", kind="offer", title="x", text="x", schedule=Schedule(begin="09:00", end="17:00"))
    >>> counted = open_minutes(plan, quiet=lambda minute: minute < 10 * 60)
    >>> counted[10 * 60], counted[11 * 60], counted[-1]
    (0, 60, 420)
    """
    shown = [action.schedule is None or action.schedule.is_open_at(minute) for minute in range(_MINUTES)]
    awake = [is_open and not quiet(minute) for minute, is_open in enumerate(shown)]
    return tuple(accumulate(awake if any(awake) else shown, initial=0))


def allowance(most: int, *, minutes: tuple[int, ...], minute_of_day: int) -> int:
    """Give how much of a budget may have been taken by the end of a minute, from :func:`open_minutes`.

    Examples
    --------
    >>> half_days = (0, *(minute // 2 for minute in range(1, 1441)))
    >>> [allowance(10, minutes=half_days, minute_of_day=minute) for minute in (0, 719, 1439)]
    [0, 5, 10]
    """
    return -(-most * minutes[minute_of_day + 1] // minutes[-1])
