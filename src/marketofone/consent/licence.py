"""Licences: what a person allowed at other banks when data was fetched there. A ceiling that no grant here widens.

A licence is of one institution, however its name is written. The one that was told at the latest instant counts, of two
of one instant that of the later entry; of those of several ids of one person what each of them allows. Data of an
institution without a licence is used as the person's consents here say.

- *Kinds and days* that a licence does not cover are used by no purpose, whatever else is allowed.
- *After its end* nothing of the institution is used, nor what was made of it before. Other institutions stay open.
- *Offers* rest on no data of other banks while a licence that does not allow them is in force: features sum over
  institutions, so one such licence closes the whole source for purposes that serve marketing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import get_args

from msgspec import Struct
from msgspec.structs import replace

from marketofone.domain.event import LICENSED, Event, Source
from marketofone.domain.fields import LicenceScope
from marketofone.domain.languages import message
from marketofone.domain.moment import Calendar, Day, Instant, day_number, instant_of
from marketofone.domain.money_events import (
    OpenBankingBalance,
    OpenBankingLicensed,
    OpenBankingOrder,
    OpenBankingTransaction,
    institution_key,
)

GOVERNED: Source = "open_banking"
"""The source whose data come with licences."""
ALL: tuple[LicenceScope, ...] = get_args(LicenceScope)
_COVERED: dict[str, LicenceScope] = {
    "openbanking.balance": "balances",
    "openbanking.transaction": "transactions",
    "openbanking.order": "orders",
}
_UTC = Calendar("UTC")
_NEVER = Instant(0)
_NO_OFFERS = message("your permission at %(name)s does not cover offers")
_EVER = Instant(2**62)
_REMEMBERED = 1_024
_FIRST_YEAR, _LAST_YEAR = 1970, 2199


class Licence(Struct, frozen=True, array_like=True):
    """What may be done with the data of one institution, as it was told at ``at``.

    ``narrowed`` is the instant at which it was recorded that less is allowed than before; what was made earlier may
    rest on more.
    """

    institution: str
    at: Instant
    scopes: tuple[LicenceScope, ...]
    until: Instant | None
    since: Day | None
    marketing: bool
    narrowed: Instant = _NEVER

    def has_ended(self, now: Instant) -> bool:
        """Say whether nothing may be used any more."""
        return not self.scopes or (self.until is not None and self.until <= now)


Licences = tuple[Licence, ...]
"""One for each name of an institution, in their order; :func:`in_force` gives one for each institution."""


def licensed(licences: Licences, events: Iterable[Event], *, recorded: Instant) -> Licences:
    """Give what counts after some events, recorded at an instant, of which those that tell licences are looked at."""
    held = {one.institution: one for one in licences}
    for event in events:
        if event.kind == LICENSED and isinstance(event.data, OpenBankingLicensed):
            told = _told(event.data, at=event.at)
            held[told.institution] = _after(held.get(told.institution), told, recorded=recorded)
    return tuple(held[name] for name in sorted(held))


@lru_cache(maxsize=_REMEMBERED)
def in_force(licences: Licences) -> Licences:
    """Give the licence of each institution that counts: of those under several spellings of its name the last one."""
    held: dict[str, Licence] = {}
    for told in licences:
        key = institution_key(told.institution)
        before = held.get(key, told)
        last = max(before, told, key=lambda one: one.at) if before.at != told.at else _both(before, told)
        held[key] = replace(last, narrowed=max(before.narrowed, told.narrowed))
    return tuple(held.values())


def shared(each: Iterable[Licences]) -> Licences:
    """Give what the licences of several ids of one person allow together."""
    held: dict[str, Licence] = {}
    for licence in (one for licences in each for one in in_force(licences)):
        key = institution_key(licence.institution)
        held[key] = _both(held[key], licence) if key in held else licence
    return tuple(sorted(held.values(), key=lambda one: one.institution))


def ended(licences: Licences, now: Instant) -> frozenset[str]:
    """Name the institutions of which nothing may be used any more."""
    return frozenset(one.institution for one in in_force(licences) if one.has_ended(now))


def run_out(licences: Licences, now: Instant) -> frozenset[str]:
    """Name the institutions whose licences had an end that has come."""
    return frozenset(one.institution for one in in_force(licences) if one.until is not None and one.until <= now)


def without_offers(licences: Licences, now: Instant) -> tuple[str, ...]:
    """Name the institutions whose data may be used, but not for offers."""
    return tuple(one.institution for one in in_force(licences) if not one.marketing and not one.has_ended(now))


def has_outlived(licences: Licences, made: Instant, now: Instant) -> bool:
    """Say whether less is allowed now than when something was made of the data."""
    return any(made < one.narrowed or (one.until is not None and made < one.until <= now) for one in in_force(licences))


def narrowed(licences: Licences) -> tuple[tuple[str, Instant], ...]:
    """Name the institutions of which less is allowed than before, and since when."""
    return tuple((one.institution, one.narrowed) for one in in_force(licences) if one.narrowed != _NEVER)


def unregarded(licences: Licences, now: Instant) -> Licences:
    """Give the licences of an id as what was made without them must obey them: of that, it may rest on more."""
    return tuple(
        replace(one, narrowed=_EVER) if one.has_ended(now) or one.since is not None or one.scopes != ALL else one
        for one in in_force(licences)
    )


def beyond(event: Event, licences: Licences, *, now: Instant) -> str | None:
    """Say why a licence does not allow the use of an event; None where it does, or there is none."""
    data = event.data
    if not isinstance(data, OpenBankingBalance | OpenBankingTransaction | OpenBankingOrder):
        return None
    key = institution_key(data.institution)
    licence = next((one for one in in_force(licences) if institution_key(one.institution) == key), None)
    if licence is None:
        return None
    if licence.has_ended(now):
        return has_ended([licence.institution])
    if _COVERED[event.kind] not in licence.scopes:
        return f"your permission at {licence.institution} does not cover {_COVERED[event.kind]}"
    if licence.since is not None and event.day(_UTC) < licence.since:
        return f"your permission at {licence.institution} does not reach back so far"
    return None


def has_ended(institutions: Collection[str]) -> str:
    """Say that the data of some institutions may not be used any more."""
    return f"your permission at {', '.join(sorted(institutions))} has ended"


def no_offers(institutions: Collection[str]) -> str:
    """Say that the data of some institutions may not be used for offers."""
    return _NO_OFFERS % {"name": ", ".join(institutions)}


def unlimited_in_time(licences: Licences) -> Licences:
    """Give the same without their ends: what the journal alone says, whenever it is asked."""
    return tuple(replace(one, until=None) for one in licences)


def _told(data: OpenBankingLicensed, *, at: Instant) -> Licence:
    return Licence(
        institution=data.institution,
        at=at,
        scopes=tuple(scope for scope in ALL if scope in data.scopes),
        until=_end(data),
        since=None if data.since is None else day_number(data.since),
        marketing=data.marketing,
    )


def _end(data: OpenBankingLicensed) -> Instant | None:
    """Give the end; a year in which no bank sets an end stands for none, one before ours for an end long ago."""
    if data.until is None or data.until.year >= _LAST_YEAR:
        return None
    return _NEVER if data.until.year <= _FIRST_YEAR else instant_of(data.until)


def _after(before: Licence | None, told: Licence, *, recorded: Instant) -> Licence:
    if before is not None and told.at < before.at:
        return before
    narrower = (
        told.has_ended(recorded)
        or not set(ALL if before is None else before.scopes) <= set(told.scopes)
        or (told.since is not None and (before is None or before.since is None or before.since < told.since))
    )
    return replace(told, narrowed=recorded if narrower else _NEVER if before is None else before.narrowed)


def _both(one: Licence, other: Licence) -> Licence:
    ends = [of.until for of in (one, other) if of.until is not None]
    begins = [of.since for of in (one, other) if of.since is not None]
    return Licence(
        institution=one.institution,
        at=max(one.at, other.at),
        scopes=tuple(scope for scope in one.scopes if scope in other.scopes),
        until=min(ends, default=None),
        since=max(begins, default=None),
        marketing=one.marketing and other.marketing,
        narrowed=max(one.narrowed, other.narrowed),
    )
