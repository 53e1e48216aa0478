"""What a benchmark says: a figure, what it aims at, and the yardsticks beside it; as a table for people or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import Struct

_NAME, _MEASURED = 58, 34


class Row(Struct, frozen=True, kw_only=True):
    """One line: values by quantile (or ``rate``) in one unit, or none and the reason why."""

    name: str
    unit: str
    values: dict[str, float] = {}
    note: str = ""


class Aim(Struct, frozen=True, kw_only=True):
    """What a figure should reach: one of its values above or below a bound; and what it must reach, where given."""

    of: str
    bound: float
    above: bool
    must: float | None = None

    def reached(self, value: float, *, bound: float) -> bool:
        """Say whether a value reaches a bound."""
        return value >= bound if self.above else value <= bound


class Figure(Struct, frozen=True, kw_only=True):
    """One figure with its yardsticks; those measured in the same run get a ratio, those quoted a note."""

    own: Row
    yardsticks: tuple[Row, ...] = ()
    aim: Aim | None = None

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None without one."""
        if self.aim is None:
            return None
        return self.aim.reached(self.own.values[self.aim.of], bound=self.aim.bound)


def rate(name: str, unit: str, *, count: float, seconds: float) -> Row:
    """Give a rate."""
    return Row(name=name, unit=unit, values={"rate": count / seconds})


def quantiles(name: str, unit: str, values: Sequence[float]) -> Row:
    """Give the median and the 99th percentile."""
    p50, p99 = np.percentile(values, (50, 99)).tolist()
    return Row(name=name, unit=unit, values={"p50": p50, "p99": p99})


def absent(name: str, *, why: str) -> Row:
    """Name a yardstick that could not be measured here."""
    return Row(name=name, unit="", note=f"absent: {why}")


def table(figures: Sequence[Figure]) -> str:
    """Write figures as a table; ``n x`` after a yardstick is its value in multiples of ours."""
    lines = [f"{'':{_NAME}}{'measured':>{_MEASURED}}   against the aim, or ours"]
    for figure in figures:
        lines += ["", _line(figure.own, _against(figure))]
        lines += [_line(row, "  ".join(_ratios(row, figure.own)) or row.note, indent="  ") for row in figure.yardsticks]
    return "\n".join(lines)


def _line(row: Row, end: str, *, indent: str = "") -> str:
    measured = "  ".join(f"{'' if of == 'rate' else of + ' '}{_number(value)}" for of, value in row.values.items())
    return f"{indent + row.name:{_NAME}}{measured + ' ' + row.unit:>{_MEASURED}}   {end}".rstrip()


def _against(figure: Figure) -> str:
    if figure.aim is None:
        return figure.own.note
    aim, value = figure.aim, figure.own.values[figure.aim.of]
    of = "" if aim.of == "rate" else f"{aim.of} "
    bounds = (("must", aim.must), ("aim", aim.bound))
    told = (
        f"{name} {of}{'>=' if aim.above else '<='} {bound:,g}: {'met' if aim.reached(value, bound=bound) else 'missed'}"
        for name, bound in bounds
        if bound is not None
    )
    return ", ".join(told)


def _ratios(row: Row, own: Row) -> Iterator[str]:
    for of, value in row.values.items():
        if of in own.values and not row.note and row.unit == own.unit:
            yield f"{'' if of == 'rate' else of + ' '}{_number(value / own.values[of])} x"


def _number(value: float) -> str:
    if value >= 10:
        return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"
