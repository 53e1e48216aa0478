"""Whether a version may be used for more: only where it is shown to be worth more than the present one."""

from __future__ import annotations

from marketofone.learn.off_policy.difference import ValueDifference


def objection(value: ValueDifference | None) -> str:
    """Say why a version may not be used for more; empty where the lower bound of its difference is above nothing.

    Examples
    --------
    >>> objection(None)
    'no decision tells of it yet: none was made since it was learned whose answers have come'
    """
    if value is None:
        return "no decision tells of it yet: none was made since it was learned whose answers have come"
    if not value.changed_persons:
        return "it decides as the present version does"
    if not value.enough:
        return f"not enough evidence: {'; '.join(value.reasons)}"
    if value.low > 0.0:
        return ""
    return (
        f"its lower bound does not beat the present version: {value.value:+.1f} minor units a decision, "
        f"{value.level:.0%} interval {value.low:+.1f} to {value.high:+.1f} at every look, over {value.rows:,} "
        f"decisions about {value.persons:,} people"
    )
