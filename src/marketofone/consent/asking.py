"""Whether a person may be asked for a purpose: not for some time after a no to it, whatever they said later.

- *A no* is a withdrawal of anything of the purpose, a pause of it, or an objection where it serves marketing. It counts
  from when it was recorded, also after a yes, a resumed pause or a lifted objection: who changed their mind asks for
  more themselves.
- *While a pause lasts* nobody asks for what it names, however long ago it was said.
- *Under age* no one is asked for what is barred then. Who came of age is asked anew, whatever no was said before.
- *While an objection stands* nobody asks for what serves marketing, for asking would be marketing itself.

What several ids of a person said is heard together. Whether there is anything to ask for, a standing tells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from marketofone.consent.gate import is_under_age, scope_state, stopped
from marketofone.consent.ledger import ConsentChange, Consents
from marketofone.consent.policy import ConsentPolicy, ConsentScope
from marketofone.domain.moment import DAY, Instant

_NEVER = Instant(-(2**62))
OFFERS = ""
"""Stands among what was said no to for all that serves marketing: the no of an objection."""
Noes = Mapping[str, Instant]
"""By purpose, when the last no to it was recorded."""


class Asking(NamedTuple):
    """Whether a purpose may be asked for now; else from when on, None where only the person can open that."""

    may: bool
    since: Instant | None = None


def noes_in(said: Iterable[tuple[Instant, ConsentChange]]) -> dict[str, Instant]:
    """Give the last no to each purpose in what a person said, each with the instant at which it was recorded."""
    noes: dict[str, Instant] = {}
    for recorded, change in said:
        for purpose in _refused_by(change):
            noes[purpose] = max(recorded, noes.get(purpose, recorded))
    return noes


def last_noes(each: Iterable[Noes]) -> dict[str, Instant]:
    """Give the last no to each purpose by any id of a person."""
    noes: dict[str, Instant] = {}
    for of in each:
        noes |= {purpose: max(at, noes.get(purpose, at)) for purpose, at in of.items()}
    return noes


def asking(
    noes: Noes, consents: Consents, *, policy: ConsentPolicy, now: Instant, purposes: Collection[str] | None = None
) -> dict[str, Asking]:
    """Say of each purpose that rests on consent, or of some ``purposes``, whether it may be asked for.

    Parameters
    ----------
    noes
        The last no to each purpose of all ids of the person.
    consents
        What they allow together.

    Examples
    --------
    >>> from marketofone.consent.ledger import NEVER_ASKED
    >>> from marketofone.consent.policy import Channel, DataSource, Purpose
    >>> policy = ConsentPolicy(
    ...     purposes={"care": Purpose(title="Care", notice="We look.", gives="Quiet.", serves="care")},
    ...     sources={"app": DataSource(title="App", notice="Used.")},
    ...     channels={"app": Channel(title="App")},
    ... )
    >>> no = ConsentChange(customer="c-1", change="withdraw", purposes=("care",), since=Instant(0))
    >>> found = asking(noes_in([(Instant(0), no)]), NEVER_ASKED, policy=policy, now=Instant(179 * DAY))["care"]
    >>> found.may, found.since // DAY
    (False, 180)
    """
    anew = _asked_anew(consents, policy=policy, now=now)
    noes = {purpose: at for purpose, at in noes.items() if at >= anew}
    named = policy.purposes if purposes is None else purposes
    asked = (name for name in named if policy.purposes[name].basis == "consent")
    return {
        name: _asking(name, _last_no(name, noes, policy=policy), consents, policy=policy, now=now) for name in asked
    }


def is_allowed(purpose: str, source: str, consents: Consents, *, policy: ConsentPolicy, now: Instant) -> bool:
    """Say whether a permission is open through any channel: granted, and stopped by nothing."""
    each = (ConsentScope(purpose=purpose, source=source, channel=channel) for channel in policy.ways)
    return any(scope_state(of, consents, policy=policy, now=now) == "granted" for of in each)


def waits_to_be_asked(consents: Consents, *, policy: ConsentPolicy, now: Instant) -> bool:
    """Say whether a person came of age who said something before, and has said nothing about any scope since.

    What a delegate said since is not what the person said, so they are still asked.

    Examples
    --------
    >>> from marketofone.consent.ledger import NEVER_ASKED
    >>> from marketofone.consent.policy import ConsentPolicy
    >>> waits_to_be_asked(NEVER_ASKED, policy=ConsentPolicy(purposes={}, sources={}, channels={}), now=Instant(0))
    False
    """
    anew = _asked_anew(consents, policy=policy, now=now)
    own = [
        said.validity.since
        for one in (consents, *consents.others)
        for place, said in enumerate(one.said)
        if place not in one.lent or said.validity.since < anew
    ]
    return anew != _NEVER and bool(own) and max(own) < anew


def _asked_anew(consents: Consents, *, policy: ConsentPolicy, now: Instant) -> Instant:
    """Give the moment from which on a no is the person's own: when they came of age, where they did."""
    if consents.born is None or is_under_age(consents, policy=policy, now=now):
        return _NEVER
    return policy.came_of_age(consents.born)


def wants_no_questions(noes: Noes, consents: Consents, *, policy: ConsentPolicy, now: Instant) -> bool:
    """Say whether a person objects to marketing, or did lately: then no decision asks them for anything.

    What was said under age keeps no question away from who came of age.
    """
    objected = noes.get(OFFERS, _NEVER)
    is_own = objected >= _asked_anew(consents, policy=policy, now=now)
    return consents.objects or (objected != _NEVER and is_own and now < objected + policy.ask_again_days * DAY)


def _last_no(purpose: str, noes: Noes, *, policy: ConsentPolicy) -> Instant | None:
    to = (purpose, OFFERS) if "marketing" in policy.purposes[purpose].roles else (purpose,)
    return max((noes[word] for word in to if word in noes), default=None)


def _refused_by(change: ConsentChange) -> Iterable[str]:
    match change.change:
        case "withdraw" | "pause":
            return change.purposes
        case "object":
            return (OFFERS,)
        case "grant" | "lift" | "resume":
            return ()


def _asking(purpose: str, no: Instant | None, consents: Consents, *, policy: ConsentPolicy, now: Instant) -> Asking:
    by = stopped(purpose, consents, policy=policy, now=now)
    if by == "objected":
        return Asking(may=False)
    if by == "under_age" and consents.born is not None:
        return Asking(may=False, since=policy.came_of_age(consents.born))
    quiet = now if no is None else Instant(no + policy.ask_again_days * DAY)
    since = max(quiet, consents.paused_until(purpose, now) or quiet)
    return Asking(may=True) if since <= now else Asking(may=False, since=since)
