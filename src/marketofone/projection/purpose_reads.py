"""A purpose asks only for what is read for it, and its notice names exactly that.

Three things are compared for every purpose: the sources it asks for (its switches), the sources its notice names, and
the sources that something reads for it. What *must* be readable are the sources behind conditions and needs of its
actions, behind what it looks ahead by, and behind early signs: without them these would never hold. What *may* be read
where it is asked for, and is left out where not: the context in which actions are scored (also while the catalogue has
no action of a kind: actions come and go, and none is asked anew for that), what goes with what a person has, and what
a person sees of themselves.

This is judged when a bank is opened, of the documents it has then; those of before stay readable as they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from marketofone.consent.notice import named_in
from marketofone.consent.policy import ConsentPolicy
from marketofone.decide.asking import SPARING
from marketofone.decide.catalogue import FORECAST_SOURCES
from marketofone.decide.decision_input import FORECAST, PROTECTION
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import SWITCHABLE
from marketofone.domain.items import ITEM_SOURCES
from marketofone.domain.role import Role
from marketofone.features.state import MONEY
from marketofone.projection.bank_config import BankConfig

_OPENS = frozenset({"app"})  # an app that is opened answers to how it was ordered


class PurposeReads(NamedTuple):
    """What is read for a purpose: what must be, by source and where that is written, and all that may be."""

    must: Mapping[str, str]
    may: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """Every source that is read for it, where it asks for it."""
        return self.may | self.must.keys()


def reads_by_purpose(config: BankConfig) -> dict[str, PurposeReads]:
    """Say for each purpose what its features, actions, forecasts and models read."""
    found: dict[str, PurposeReads] = {}
    for name, purpose in config.policy.purposes.items():
        must: dict[str, str] = {}
        for role in sorted(purpose.roles):
            for source, where in _must(role, config):
                must.setdefault(source, where)
        may = frozenset[str]().union(*(_may(role, config) for role in purpose.roles))
        found[name] = PurposeReads(must, may)
    return found


def check_purposes(config: BankConfig) -> None:
    """Check that for every purpose notice, switches and reads are the same.

    Raises
    ------
    MalformedDocument
        Naming the purpose, the source, and what to write.
    """
    _check_words(config.policy)
    reads = reads_by_purpose(config)
    for purpose in config.policy.purposes:
        _check_switches(purpose, reads[purpose], config)
        _check_notice(purpose, config.policy, "consent.toml ")
    for language, texts in config.policy.translations.items():
        policy = config.policy.said_in(language)
        _check_words(policy)
        for purpose in texts.purposes.keys() & policy.purposes.keys():
            _check_notice(purpose, policy, f"consent.toml translations.{language}.")


def _check_words(policy: ConsentPolicy) -> None:
    sources: dict[str, str] = {}
    for source, spec in policy.sources.items():
        for words in spec.words:
            before = sources.setdefault(words.casefold(), source)
            if before != source:
                raise MalformedDocument(
                    field=f"consent.toml sources.{source}.named",
                    shape=f"words that name the source {before!r} already",
                    fix="let words name one source",
                )


def _check_switches(purpose: str, reads: PurposeReads, config: BankConfig) -> None:
    policy, switches = config.policy, f"consent.toml purposes.{purpose}.sources"
    asked = policy.sources_of(purpose)
    for source, where in reads.must.items():
        if source not in asked:
            words = _words_for(source, policy)
            raise MalformedDocument(
                field=where,
                shape=f"the source {source!r}, which the purpose {purpose!r} does not ask for",
                fix=f"add {source!r} to {switches} and name it in the notice, by {words}; or do not read it there",
            )
    for source in asked:
        if source not in reads.all:
            raise MalformedDocument(
                field=switches,
                shape=f"the source {source!r}, which nothing reads for the purpose {purpose!r}",
                fix=f"leave {source!r} out, there and in its notice; what is read for it is "
                f"{', '.join(sorted(reads.all)) or 'nothing'}",
            )


def _words_for(source: str, policy: ConsentPolicy) -> str:
    words = next((spec.words for name, spec in policy.sources.items() if name == source), (source,))
    return " or ".join(map(repr, words))


def _check_notice(purpose: str, policy: ConsentPolicy, place: str) -> None:
    notice = f"{place}purposes.{purpose}.notice"
    asked, named = policy.sources_of(purpose), named_in(policy.purposes[purpose].notice, policy=policy)
    for source in asked:
        if source not in named:
            words = _words_for(source, policy)
            raise MalformedDocument(
                field=notice,
                shape=f"a notice that does not name the source {source!r}, for which this purpose asks",
                fix=f"name it, by {words}; or leave {source!r} out of sources",
            )
    for source, words in named.items():
        if source not in asked:
            raise MalformedDocument(
                field=notice,
                shape=f"a notice that names the source {source!r} by {words!r}, for which this purpose does not ask",
                fix=f"leave these words out, or add {source!r} to sources",
            )


def _must(role: Role, config: BankConfig) -> Iterator[tuple[str, str]]:
    compiled = config.compiled
    for action, expression, needs in zip(
        compiled.offered, config.actions.expressions[1:], compiled.requirements, strict=True
    ):
        if action.role == role:
            yield from _in(expression.sources, f"actions.toml actions.{action.id}.eligible")
            yield from _in(needs.reads - expression.sources, f"actions.toml actions.{action.id}.about")
            yield from _in(needs.needs, f"actions.toml actions.{action.id}.needs")
    if role == "care":
        yield from _in(compiled.stress.sources, "guardrails.toml stress.when")
    if role == FORECAST:
        yield from _in(FORECAST_SOURCES, "what a forecast is made of")
    if role == PROTECTION and any(action.credit or action.asks for action in compiled.offered):
        yield PROTECTION, "actions.toml: credit, or an action that asks for a permission"
    early = config.settings.early_signs
    if role == "learning" and early is not None:
        for name in early.features:
            yield from _in(config.features.feature(name).lineage, f"bank.toml early_signs.features.{name}")


def _may(role: Role, config: BankConfig) -> frozenset[str]:
    compiled = config.compiled
    context = FORECAST_SOURCES.union(*(feature.lineage for feature in compiled.context))
    context |= SPARING if any(action.asks and action.role == role for action in compiled.offered) else frozenset()
    if role == "insights":
        features = config.features.features
        return frozenset(SWITCHABLE) & MONEY.union(context, *(feature.lineage for feature in features))
    if role == "learning":
        return context | MONEY | _OPENS.union(ITEM_SOURCES)
    if role == FORECAST:
        return frozenset(MONEY)
    if role == PROTECTION:
        return frozenset({PROTECTION})
    return context.union(ITEM_SOURCES) if role in compiled.suited else context


def _in(sources: Iterable[str], where: str) -> Iterator[tuple[str, str]]:
    return ((source, where) for source in sorted(sources))
