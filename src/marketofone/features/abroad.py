"""Money in another currency than the bank's: no series adds it, and the day on which it came last is remembered.

So what a series of money says is unknown, and not nothing, while its money came in other currencies only.
"""

from __future__ import annotations

from collections.abc import Sequence

from marketofone.domain.moment import Instant
from marketofone.features.declare import Series
from marketofone.profile.registers import Register, Registers

MoneyAbroad = tuple[str, Register]
"""A register of a series, and what one event says of it: when it came; the value is its day."""


def abroad_register(of: Series) -> str:
    """Name the register that says when money of a series came last in another currency than the bank's."""
    return f"abroad.{of.name}"


def with_abroad(registers: Registers, abroad: Sequence[MoneyAbroad]) -> Registers:
    """Say when money of each series came last in another currency, whatever the order in which it is told."""
    if not abroad:
        return registers
    held = dict(registers)
    for name, register in abroad:
        rival = held.get(name)
        if rival is None or _place(register) > _place(rival):
            held[name] = register
    return dict(sorted(held.items()))


def day_abroad(register: Register) -> int:
    """Give the day that such a register names."""
    return register.value if isinstance(register.value, int) else 0


def _place(register: Register) -> tuple[int, Instant, bytes]:
    """Give what tells the later of two: the day first, for what corrects an old movement is as old as that."""
    return day_abroad(register), register.at, register.key
