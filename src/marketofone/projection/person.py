"""One person, folded: one or more ids, what each journal says, and what they say together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from marketofone.consent.asking import last_noes
from marketofone.consent.gate import Permit, permit, permits
from marketofone.consent.ledger import Consents, together
from marketofone.consent.licence import GOVERNED, has_outlived, unregarded
from marketofone.consent.policy import ConsentPolicy
from marketofone.domain.decision import Assignment
from marketofone.domain.moment import Instant
from marketofone.profile.inferences import Corrected
from marketofone.projection import own_answers
from marketofone.projection.amendments import Removals
from marketofone.projection.contacts import Contacts, merged
from marketofone.projection.records import ForecastSummary, Scope
from marketofone.projection.reducer import Correction, LastForecast, SubjectState
from marketofone.store.keystore import Customer
from marketofone.store.ports import Expectation, Head


class Person(Struct, frozen=True, dict=True):
    """A person as their journals tell.

    ``asked`` is the id they were asked for by; ``members`` are all their ids, sorted by name.
    """

    asked: Customer
    members: tuple[Customer, ...]
    heads: Mapping[int, Head]
    states: Mapping[int, SubjectState]

    @property
    def name(self) -> str:
        """The smallest of the ids names the person."""
        return self.members[0].name

    @property
    def own(self) -> SubjectState:
        """What the journal of the id says that was asked for."""
        return self.states[self.asked.subject]

    def telling(self, own: SubjectState) -> Person:
        """Give the same person, had the journal of the id that was asked for said something else."""
        return Person(self.asked, self.members, self.heads, {**self.states, self.asked.subject: own})

    @cached_property
    def consents(self) -> Consents:
        """What all ids allow together."""
        return together([self.states[member.subject].consents for member in self.members])

    def consents_over(self, subjects: Collection[int], *, now: Instant) -> Consents:
        """Give what all ids allow of what was made of some of them: it regarded no licence of the others."""
        each = ((member.subject in subjects, self.states[member.subject].consents) for member in self.members)
        return together([one if seen else replace(one, licences=unregarded(one.licences, now)) for seen, one in each])

    @cached_property
    def contacts(self) -> Contacts:
        """What was said to the person lately, in the order of entries."""
        return merged([self.states[member.subject].contacts for member in self.members])

    @cached_property
    def noes(self) -> Mapping[str, Instant]:
        """When the last no to each purpose was recorded, by any of the ids."""
        return last_noes(state.noes for state in self.states.values())

    @cached_property
    def asks(self) -> Mapping[Scope, Instant]:
        """The permissions that a decision ever asked any of the ids for, and when the last did."""
        asked = [ask for state in self.states.values() for ask in state.asks.items()]
        return dict(sorted(asked, key=lambda ask: ask[1]))

    def answers(self, *, until: Instant) -> own_answers.Answers:
        """Give what the person answered up to a moment, of two years, in the order in which it was heard."""
        return own_answers.merged([self.states[member.subject].answers for member in self.members], until=until)

    def is_replaced(self, entry: tuple[int, int], *, of: tuple[str, int]) -> bool:
        """Say whether what an entry (subject, n) heard of a place of a decision was answered otherwise since."""
        subject, n = entry
        return subject in self.states and n < self.states[subject].changed.get(of, 0)

    @cached_property
    def forecast(self) -> ForecastSummary | None:
        """What the last forecast said that still counts."""
        return None if self._last_forecast is None else self._last_forecast.summary

    @cached_property
    def _last_forecast(self) -> LastForecast | None:
        each = (self.states[member.subject].forecast for member in self.members)
        counting = (one for one in each if one is not None and self._counts(one))
        return max(counting, key=lambda one: one.summary.at, default=None)

    def forecast_at(self, now: Instant) -> ForecastSummary | None:
        """Give what the last forecast said, unless it rests on data of another bank of which less may be used now."""
        last = self._last_forecast
        if last is None or GOVERNED not in last.summary.sources:
            return self.forecast
        consents = self.consents_over(dict(last.journals).keys(), now=now)
        return None if has_outlived(consents.licences, last.summary.at, now) else last.summary

    def _counts(self, forecast: LastForecast) -> bool:
        """Say whether a forecast rests on this person alone, and nothing it was made of was taken back since.

        A later yes does not bring it back: what comes then is a new forecast.
        """
        rests_on = dict(forecast.journals)
        return rests_on.keys() <= self.states.keys() and not any(
            state.refusals.get(scope, 0) > rests_on.get(subject, 0)
            for subject, state in self.states.items()
            if state.refusals
            for scope in forecast.uses
        )

    @property
    def decisions(self) -> int:
        """How many decisions were recorded for the person."""
        return sum(state.decisions for state in self.states.values())

    @property
    def assignment(self) -> Assignment | None:
        """The group the person belongs to, as the first of their decisions fixed it; None before it."""
        first = min(
            (of for of in self.states.values() if of.control is not None), key=lambda of: of.enrolled, default=None
        )
        if first is None or first.group is not None:
            return None if first is None else first.group
        return "control" if first.control else "policy"

    @property
    def recorded(self) -> Instant:
        """The last instant recorded about the person."""
        return max(head.recorded for head in self.heads.values())

    def judged(self, now: Instant) -> Instant:
        """Give the moment at which permission is judged: a clock that steps back opens nothing that had ended."""
        return max(now, self.recorded)

    @property
    def journals(self) -> tuple[tuple[int, int], ...]:
        """The journals and how far they were folded, ascending."""
        return tuple(sorted((subject, state.n) for subject, state in self.states.items()))

    @property
    def together(self) -> dict[int, tuple[int, ...]]:
        """By subject all subjects of the person, where these are several."""
        subjects = tuple(sorted(self.states))
        return dict.fromkeys(subjects, subjects) if len(subjects) > 1 else {}

    @property
    def removed_keys(self) -> Removals:
        """The keys of all events that were taken back, by source."""
        each = [state.removed_keys for state in self.states.values()]
        sources = {source for one in each for source in one}
        return {source: frozenset[bytes]().union(*(one.get(source, ()) for one in each)) for source in sources}

    @cached_property
    def corrections(self) -> Mapping[str, Correction]:
        """What the person says of inferences, by any of their ids: the last word counts."""
        return last_words(of.corrections for of in self.states.values())

    @cached_property
    def corrected(self) -> Corrected:
        """Which inferences the person says are wrong, and since when."""
        return {name: said.at for name, said in self.corrections.items() if said.wrong}

    def last_kept(self, sources: frozenset[str]) -> tuple[tuple[int, str, int], ...]:
        """Name what is kept of some sources: (subject, source, last entry); it changes with every event of them."""
        return tuple(
            sorted(
                (subject, source, n)
                for subject, state in self.states.items()
                for source, n in state.sources.items()
                if source in sources
            )
        )

    def expects(self, *, strict: bool) -> dict[int, Expectation]:
        """Give what must still stand when an answer is released: guards, and when ``strict`` also every last entry."""
        return {
            subject: Expectation(state.guard, state.n if strict else None) for subject, state in self.states.items()
        }

    def permit(self, purpose: str, *, policy: ConsentPolicy, now: Instant, channel: str | None = None) -> Permit:
        """Give the permit for a purpose; without a channel the person looks themselves, or none is reached."""
        return permit(purpose, self.consents, customer=self.name, channel=channel, policy=policy, now=now)

    def permits(
        self, purposes: tuple[str, ...], *, policy: ConsentPolicy, now: Instant, channel: str
    ) -> dict[str, Permit]:
        """Give the permits for several purposes through a channel."""
        return permits(purposes, self.consents, customer=self.name, channel=channel, policy=policy, now=now)


def last_words(each: Iterable[Mapping[str, Correction]]) -> dict[str, Correction]:
    """Put together what is said of inferences by several ids of a person: the last word counts."""
    return dict(sorted((said for of in each for said in of.items()), key=_in_their_order))


def _in_their_order(said: tuple[str, Correction]) -> tuple[Instant, Instant, bool]:
    """Order corrections as they were recorded; of two at one instant the one that says "wrong" comes last."""
    return said[1].recorded, said[1].at, said[1].wrong
