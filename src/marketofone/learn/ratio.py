"""Is each person where the settings said they would be? A test of the shares of people, safe to look at every day.

A group is drawn once for each person, so people are counted, each once. Decisions stand beside and are not tested: who
likes what is chosen comes back more often, so that a group's share of decisions may differ from its share of people.
What is drawn by decision, the action, is tested in ``draws.py``.

When the shares of people in the groups are not what was declared, something decides who belongs where, or loses some:
then no difference between groups can be trusted, however large it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

from marketofone.domain.errors import MalformedRequest

ERROR = 0.01
"""How often, at most, an assignment that keeps its shares is ever called broken."""

NO_DECISIONS: Mapping[str, int] = MappingProxyType({})
_CONCENTRATION = 100.0
"""How many people the alternative counts: it looks for shares a tenth or less from those declared."""


class GroupShare(Struct, frozen=True, kw_only=True):
    """One group: the share declared (over the times at which people joined), and the people found in it.

    ``decisions`` is how many were made about them, in whichever group.
    """

    assignment: str
    declared: float
    people: int
    share: float
    decisions: int = 0


class RatioCheck(Struct, frozen=True, kw_only=True):
    """Whether people are spread over the groups as declared: ``p`` is safe at every look; ``fails`` below 1 percent.

    ``unit`` says what is counted: what the shares draw.
    """

    unit: Literal["people"] = "people"
    people: int
    p: float
    fails: bool
    groups: tuple[GroupShare, ...]


Stratum = tuple[Mapping[str, float], Mapping[str, int]]
"""Shares by group as they were declared for some people, which add up to 1, and how many of these joined each group."""


def check_ratio(strata: Sequence[Stratum], *, decisions: Mapping[str, int] = NO_DECISIONS) -> RatioCheck:
    """Check the shares of people in groups against those declared when each of them joined.

    Parameters
    ----------
    strata
        People by what was declared when they joined; a change of the settings begins a stratum.
    decisions
        How many were made about the people of each group: told, and not tested.

    Raises
    ------
    MalformedRequest
        When declared shares do not add up to 1.

    Source
    ------
    The sequential multinomial test of Lindon and Malek (2022), with a Dirichlet alternative around the declared shares:
    the ratio of the Dirichlet-multinomial and the multinomial probability of the people counted. Strata are
    independent, so their ratios multiply to one that is safe at every look, too: under the declared shares it ever
    exceeds ``1 / error`` with a chance of at most ``error`` (Ville 1939).

    Examples
    --------
    >>> declared = {"policy": 0.9, "control": 0.1}
    >>> check_ratio([(declared, {"policy": 905, "control": 95})]).fails
    False
    >>> check_ratio([(declared, {"policy": 800, "control": 200})]).fails
    True
    """
    evidence = sum(log_evidence(counts, declared=declared) for declared, counts in strata)
    p = math.exp(-max(evidence, 0.0))
    people = sum(sum(counts.values()) for _, counts in strata)
    assignments = sorted({assignment for declared, counts in strata for assignment in (*declared, *counts)})
    return RatioCheck(
        people=people,
        p=p,
        fails=p < ERROR,
        groups=tuple(
            _share(assignment, strata, people=people, decisions=decisions.get(assignment, 0))
            for assignment in assignments
        ),
    )


def log_evidence(counts: Mapping[str, int], *, declared: Mapping[str, float]) -> float:
    """Give the logarithm of the Bayes factor against the declared shares; infinite for somebody in a group of share 0.

    Raises
    ------
    MalformedRequest
        When the declared shares do not add up to 1.

    Examples
    --------
    >>> round(log_evidence({"policy": 70, "control": 30}, declared={"policy": 0.9, "control": 0.1}), 1)
    8.2
    """
    if abs(sum(declared.values()) - 1.0) > 1e-9:  # noqa: PLR2004 - what sums of floats may be off by
        raise MalformedRequest(field="declared", shape="shares that do not add up to 1", fix="declare every group")
    if any(n and not declared.get(assignment) for assignment, n in counts.items()):
        return math.inf
    found = -math.lgamma(_CONCENTRATION + sum(counts.values())) + math.lgamma(_CONCENTRATION)
    for assignment, n in sorted(counts.items()):  # in one order, for the same bits
        if n:
            prior = _CONCENTRATION * declared[assignment]
            found += math.lgamma(prior + n) - math.lgamma(prior) - n * math.log(declared[assignment])
    return found


def _share(assignment: str, strata: Sequence[Stratum], *, people: int, decisions: int) -> GroupShare:
    found = sum(counts.get(assignment, 0) for _, counts in strata)
    expected = sum(declared.get(assignment, 0.0) * sum(counts.values()) for declared, counts in strata)
    return GroupShare(
        assignment=assignment,
        declared=expected / people if people else 0.0,
        people=found,
        share=found / people if people else 0.0,
        decisions=decisions,
    )
