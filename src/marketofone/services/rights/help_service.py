"""What a permission helps: measured on people who gave it and allow learning, and recorded in the bank's journal.

1. Read are decisions that looked at the source for the purpose and whose answers have come, of people in the control
   group who allow learning from all that the decision used: what was drawn by lot tells what any choice would have got,
   where the policy seldom draws what it does not prefer. Each reading is a use, recorded first.
2. Each is made again as it was; where it does not come out as recorded, it tells nothing. Then the policy's choice is
   computed for them, once as it was and once as if they had withdrawn just that source for just that purpose.
3. What counts is the customer's side only: a yes that they kept, to something that sells nothing and asks for nothing.
   Both choices are valued from the recorded answers by their propensities (``learn/off_policy/difference.py``); the
   help is the difference, with an interval that holds at all looks together, and none where too few answers tell it.

A decision follows what stood in the bank's journal when it was made, so a replay finds the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from marketofone.decide import engine
from marketofone.domain.decision import Decision
from marketofone.domain.errors import MarketOfOneError
from marketofone.domain.event import SWITCHABLE
from marketofone.domain.help import Help
from marketofone.domain.moment import DAY, Instant
from marketofone.learn.help import Row, has_helped, help_of
from marketofone.learn.join import may_teach
from marketofone.projection import codec
from marketofone.projection.bank_config import BankConfig
from marketofone.projection.live import Projection
from marketofone.projection.person import Person
from marketofone.projection.records import DecisionRecord, HelpRecord, Scope
from marketofone.services.decisions.feedback import leave_to_learn, outcomes_between
from marketofone.services.decisions.inputs import decision_input_of
from marketofone.services.decisions.mattering import without
from marketofone.services.decisions.recorded import decision_at
from marketofone.services.decisions.rests import BankHistory, Rests, is_replayable, put_together
from marketofone.services.proof.places import shares_of
from marketofone.services.runtime.app_context import AppContext, repeated
from marketofone.services.runtime.population import people, together
from marketofone.services.runtime.uses import append_unmoved, use_of
from marketofone.store.keystore import Customer
from marketofone.store.ports import BANK, Draft, Expectation, Reader, Unit

MEASURE = "measure"
"""What a use says that was recorded by a measure of help."""
_TOGETHER = 64  # people read in one snapshot of the store


class _Reading(NamedTuple):
    """The decisions of a person that tell of help, as entries of their ids, and the scopes that learning reads."""

    person: Person
    decisions: Sequence[tuple[Customer, int]]
    uses: frozenset[Scope]


def measured_help(context: AppContext) -> tuple[Help, ...]:
    """Give what stands in the bank's journal about the permissions that its actions ask for."""
    with context.store.read() as reader:
        snapshot = context.snapshot(reader)
    scopes = set(snapshot.config.asks.values())
    return tuple(one for one in snapshot.bank.help if one.scope in scopes)


def measure_help(context: AppContext, *, now: Instant) -> tuple[Help, ...]:
    """Measure what each permission helps that an action asks for, and record it."""
    scopes = sorted(set(context.config.asks.values()))
    rows: dict[Scope, list[Row]] = {scope: [] for scope in scopes}
    for some in together(_readings(context, scopes, now=now), size=_TOGETHER):
        for scope, row in _rows(context, some, scopes):
            rows[scope].append(row)
    level = context.config.settings.asking.level
    found = tuple(help_of(scope, rows[scope], level=level, at=now) for scope in scopes)
    if found:
        record_help(context, found, now=now)
    return found


@repeated
def record_help(context: AppContext, found: Sequence[Help], *, now: Instant) -> None:
    """Record what permissions were measured to help; from here on decisions follow it."""
    with context.store.read() as reader:
        head = reader.head(BANK)
    drafts = [
        codec.draft("help", HelpRecord(context.actor, one), subject=BANK, box=context.keys.bank, at=now)
        for one in found
    ]
    context.store.commit(Unit(now=now, expects={BANK: Expectation(head.guard, head.n)}, drafts=drafts))


def _readings(context: AppContext, scopes: Sequence[Scope], *, now: Instant) -> Iterator[_Reading]:
    """Find who has decisions that tell of help and allows learning from them, and record that these are read."""
    names = sorted(one.name for one in context.keys.customers()) if scopes else []
    for some in together(names, size=_TOGETHER):
        with context.store.read() as reader:
            snapshot = context.snapshot(reader)
            each = (
                _reading(reader, person, scopes, config=snapshot.config, now=now) for person in people(snapshot, some)
            )
            found = [one for one in each if one.uses]
        entry = partial(_use, actor=context.actor, now=now)
        yield from append_unmoved(context, found, entry=entry, now=now)


def _use(reading: _Reading, *, actor: str, now: Instant) -> tuple[Person, Draft | None]:
    return reading.person, use_of(reading.person, MEASURE, reading.uses, actor=actor, at=now)


def _reading(reader: Reader, person: Person, scopes: Sequence[Scope], *, config: BankConfig, now: Instant) -> _Reading:
    """Name the decisions of a person that tell of help."""
    until = Instant(now - config.settings.outcome_days * DAY)
    since, learning = until - config.settings.asking.measured_days * DAY, config.policy.serving("learning")
    found: list[tuple[Customer, int]] = []
    uses: set[Scope] = set()
    for owner in person.members:
        for entry in reader.entries(owner.subject, kinds=("decision",), upto=person.states[owner.subject].n):
            if not since < entry.at <= until:
                continue
            read = codec.read_decision_uses(entry, box=owner.box).uses
            if set(read).isdisjoint(scopes):
                continue
            if _may_learn(person, codec.read(entry, box=owner.box), config=config, now=now):
                found.append((owner, entry.n))
                uses |= {(learning, source) for _, source in read if source in SWITCHABLE}
    return _Reading(person, found, frozenset(uses))


def _may_learn(person: Person, record: DecisionRecord, *, config: BankConfig, now: Instant) -> bool:
    """Say whether a decision by lot rests on this person alone, who allows learning from all that it used."""
    made, subjects = record.decision, record.rests_on.subjects
    if made.assignment != "control" or not subjects <= person.states.keys():
        return False
    return may_teach(made, permit=leave_to_learn(person, made, subjects, config=config, now=now))


class _MadeAgain:
    """Makes decisions of one person again, in the order of entries, so that each is folded from the one before."""

    def __init__(self, context: AppContext, reader: Reader, history: BankHistory, person: Person) -> None:
        self._context, self._reader, self._history, self._person = context, reader, history, person
        self._projection = Projection(context.keys)

    def rows(self, owner: Customer, n: int, scopes: Sequence[Scope]) -> Iterator[tuple[Scope, Row]]:
        """Give what a decision tells of each scope that it used; nothing where it does not come out as recorded."""
        record = decision_at(self._reader, owner, n)
        if not is_replayable(self._context, self._history, record):
            return
        try:
            rests = put_together(
                self._context,
                self._reader,
                self._history,
                record,
                customer=owner,
                journals=self._reader,
                projection=self._projection,
            )
            if rests.decide(record.decision.request, secret=self._context.keys.secret) != record.decision:
                return
            used = [scope for scope in scopes if scope in record.decision.uses]
            told = [(scope, self._row(rests, record.decision, owner, scope, after=n)) for scope in used]
        except MarketOfOneError:  # an earlier release kept what this one does not read
            return
        yield from told

    def _row(self, rests: Rests, made: Decision, owner: Customer, scope: Scope, *, after: int) -> Row:
        drawn, chosen = shares_of(made), self._policy_shares(rests, rests.person, made)
        other = self._policy_shares(rests, without(rests, [scope], at=made.at), made)
        heard = [one for one in outcomes_between(self._reader, owner, made, after=after) if one.place == 1]
        unsupported = min(sum(share for action, share in other.items() if not drawn.get(action)), 1.0)
        reward = float(has_helped(rests.snapshot.config.actions.action(made.action), heard))
        present, target = (min(of.get(made.action, 0.0), 1.0) for of in (chosen, other))
        return Row(reward, made.propensity, present, target, unsupported, min(self._person.states))

    def _policy_shares(self, rests: Rests, person: Person, made: Decision) -> dict[str, float]:
        """Give the probabilities of the policy's choice for somebody in the control group."""
        secret = self._context.keys.secret
        asked = decision_input_of(rests.snapshot, person, made.request, policy=rests.policy, secret=secret)
        asked = replace(asked, assignment="policy")
        return shares_of(engine.decide(made.request, asked, rests.snapshot.config.compiled))


def _rows(context: AppContext, some: Sequence[_Reading], scopes: Sequence[Scope]) -> Iterator[tuple[Scope, Row]]:
    """Give what the decisions of some people tell, each made again without each source that could be asked for."""
    with context.store.read() as reader:
        history = BankHistory.of(context, reader)
        for reading in some:
            again = _MadeAgain(context, reader, history, reading.person)
            for owner, n in reading.decisions:
                yield from again.rows(owner, n, scopes)
