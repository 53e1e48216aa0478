"""What can be consented to: the bank's ``consent.toml`` as a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import replace

from marketofone.consent.minors import Minors, came_of_age
from marketofone.consent.translations import PolicyTexts
from marketofone.domain.document import read_toml
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.event import SWITCHABLE, Source
from marketofone.domain.fields import Text, Word
from marketofone.domain.languages import Language
from marketofone.domain.moment import Calendar, Day, Instant
from marketofone.domain.role import ROLES, Role

Basis = Literal["consent", "legal_duty"]


class Purpose(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """What information may be used for. A purpose on another basis than consent can never be marketing.

    ``serves`` names what the software does for this purpose, one role or several; a role is served by one purpose. A
    grant is for a ``version``: with another one, what people said yes to before ends. ``not_material`` says why a text
    changed that means the same (``meaning.py``).
    """

    title: Text
    notice: Text
    gives: Text
    basis: Basis = "consent"
    sources: tuple[Source, ...] = SWITCHABLE
    serves: Role | tuple[Role, ...] = ()
    version: Annotated[int, Meta(ge=1)] = 1
    not_material: Text | None = None

    @cached_property
    def roles(self) -> frozenset[Role]:
        """The roles it serves."""
        return frozenset((self.serves,) if isinstance(self.serves, str) else self.serves)


def word_of(purpose: str, version: int) -> str:
    """Name a version of a purpose in one word, as grants are kept; the first version is the plain name.

    Examples
    --------
    >>> word_of("care", 1), word_of("care", 2)
    ('care', 'care@2')
    """
    return purpose if version == 1 else f"{purpose}@{version}"


class DataSource(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where information comes from. ``kept`` says whether the bank must keep it even without consent to use it.

    ``named`` are the words by which the notice of a purpose names it; its title where none stand there.
    ``not_material`` says why its own title or notice changed though it means the same.
    """

    title: Text
    notice: Text
    named: tuple[Text, ...] = ()
    kept: bool = False
    not_material: Text | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The words by which a notice names it."""
        return self.named or (self.title,)


class Channel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way to reach a person."""

    title: Text


class Asking(Struct, frozen=True, kw_only=True):
    """Which purposes ask for a source, the words of their versions, and whether one of them rests on a legal duty."""

    purposes: tuple[str, ...]
    words: tuple[str, ...]
    duty: bool


class ConsentPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """Everything a person is asked about.

    A grant ends by itself after ``grant_days``, and a pause lasts ``pause_days`` at most. Nobody is asked for a purpose
    again within ``ask_again_days`` of a no to it. ``minors`` says who is under age, and what is barred for them.
    ``translations`` are the same texts in other languages.
    """

    purposes: dict[Word, Purpose]
    sources: dict[Source, DataSource]
    channels: dict[Word, Channel]
    grant_days: int = 365
    pause_days: Annotated[int, Meta(ge=1)] = 90
    ask_again_days: Annotated[int, Meta(ge=1)] = 180
    version: int = 1
    minors: Minors = Minors()
    translations: dict[Language, PolicyTexts] = {}

    def __post_init__(self) -> None:
        for name, purpose in self.purposes.items():
            # A legal duty never opens what a person can switch, and consent never opens what a duty protects.
            duty = purpose.basis == "legal_duty"
            if any((source in SWITCHABLE) == duty for source in purpose.sources):
                raise MalformedDocument(
                    field=f"purposes.{name}.sources",
                    shape="a source that does not go with this basis",
                    fix="legal_duty goes with the source 'protection' only, consent with all others",
                )
            if any((role == "protection") != duty for role in purpose.roles):
                raise MalformedDocument(
                    field=f"purposes.{name}.serves",
                    shape="a role that does not go with this basis",
                    fix="a purpose on the basis legal_duty serves 'protection' only, one on consent the others",
                )
        self._check_roles()
        self._check_barred()

    def _check_roles(self) -> None:
        for role in ROLES:
            serving = [name for name, purpose in self.purposes.items() if role in purpose.roles]
            if len(serving) > 1:
                raise MalformedDocument(
                    field=f"purposes.{serving[1]}.serves",
                    shape=f"{role}, which purposes.{serving[0]} serves already",
                    fix="let one purpose serve a role",
                )

    def _check_barred(self) -> None:
        asked = [name for name, purpose in self.purposes.items() if purpose.basis == "consent"]
        for name in self.minors.barred:
            if name not in asked:
                raise MalformedDocument(
                    field="minors.barred",
                    shape=f"{name!r}, which is no purpose that rests on consent",
                    fix=f"use one of {', '.join(asked)}",
                )

    def of_bank(self, calendar: Calendar) -> ConsentPolicy:
        """Give the same policy where days begin as they do in the bank; without a bank they begin in UTC."""
        policy = replace(self)
        policy.__dict__["calendar"] = calendar
        return policy

    @cached_property
    def calendar(self) -> Calendar:
        """Where a day begins."""
        return Calendar("UTC")

    @cached_property
    def barred(self) -> frozenset[str]:
        """The purposes that are barred for who is under age."""
        marketing = (name for name, purpose in self.purposes.items() if "marketing" in purpose.roles)
        return frozenset((*marketing, *self.minors.barred))

    def came_of_age(self, born: Day) -> Instant:
        """Give the moment from which on somebody is of age."""
        known = self._came_of_age.get(born)
        if known is None:
            known = came_of_age(born, years=self.minors.of_age, calendar=self.calendar)
            self._came_of_age[born] = known
        return known

    @cached_property
    def _came_of_age(self) -> dict[Day, Instant]:
        return {}

    def said_in(self, language: Language) -> ConsentPolicy:
        """Give the same policy in the words of a language; a text that is not translated stays as the bank wrote it."""
        texts = self.translations.get(language)
        if texts is None:
            return self
        if language not in self._said:
            self._said[language] = _translated(self, texts).of_bank(self.calendar)
        return self._said[language]

    @cached_property
    def _said(self) -> dict[Language, ConsentPolicy]:
        return {}

    @cached_property
    def ways(self) -> tuple[str, ...]:
        """The names of all channels."""
        return tuple(self.channels)

    @cached_property
    def words(self) -> Mapping[str, str]:
        """The word of each purpose in its present version."""
        return {name: word_of(name, spec.version) for name, spec in self.purposes.items()}

    def words_of(self, purposes: Iterable[str]) -> tuple[str, ...]:
        """Give the words of some purposes in their present versions."""
        return tuple([self.words[name] for name in purposes])

    def spoken(self, scope: ConsentScope) -> ConsentScope:
        """Give a scope as grants name it: with the present version of its purpose."""
        word = self.words.get(scope.purpose, scope.purpose)
        if word == scope.purpose:
            return scope
        return ConsentScope(purpose=word, source=scope.source, channel=scope.channel)

    @cached_property
    def asking(self) -> Mapping[str, Asking]:
        """For each source, who asks for it."""
        by_source = {
            source: [name for name, purpose in self.purposes.items() if source in purpose.sources]
            for source in self.sources
        }
        duties = {name for name, spec in self.purposes.items() if spec.basis == "legal_duty"}
        return {
            source: Asking(purposes=tuple(names), words=self.words_of(names), duty=not duties.isdisjoint(names))
            for source, names in by_source.items()
        }

    def sources_of(self, purpose: str) -> tuple[str, ...]:
        """Name the sources a purpose asks for, among those that the bank has."""
        return tuple([source for source in self.sources if source in self.purposes[purpose].sources])

    @cached_property
    def judged(self) -> dict[object, Mapping[str, tuple[frozenset[str], Mapping[str, str]]]]:
        """What the gate said under this policy, by the words that it judged."""
        return {}

    @cached_property
    def admitted(self) -> dict[object, frozenset[str]]:
        """What sources the gate said may be used under this policy, by the words that it judged."""
        return {}

    @cached_property
    def _serving(self) -> Mapping[Role, str]:
        return {role: name for name, purpose in self.purposes.items() for role in purpose.roles}

    def serving(self, role: Role) -> str:
        """Give the purpose that serves a role; empty when none does, and then nothing is open for it."""
        return self._serving.get(role, "")

    def scopes(self) -> list[ConsentScope]:
        """List every cell a person can switch, in a stable order."""
        return [
            ConsentScope(purpose=purpose, source=source, channel=channel)
            for purpose, spec in self.purposes.items()
            if spec.basis == "consent"
            for source in self.sources
            if source in spec.sources
            for channel in self.channels
        ]


class ConsentScope(Struct, frozen=True, kw_only=True, order=True, array_like=True, gc=False):
    """The unit of consent: one source, for one purpose, through one channel."""

    purpose: str
    source: str
    channel: str


def _translated(policy: ConsentPolicy, texts: PolicyTexts) -> ConsentPolicy:
    purposes, sources, channels = dict(policy.purposes), dict(policy.sources), dict(policy.channels)
    for name in purposes.keys() & texts.purposes.keys():
        of = texts.purposes[name]
        purposes[name] = replace(purposes[name], title=of.title, notice=of.notice, gives=of.gives)
    for source in sources.keys() & texts.sources.keys():
        told = texts.sources[source]
        sources[source] = replace(sources[source], title=told.title, notice=told.notice, named=told.named)
    for name in channels.keys() & texts.channels.keys():
        channels[name] = replace(channels[name], title=texts.channels[name].title)
    return replace(policy, purposes=purposes, sources=sources, channels=channels, translations={})


def parse_policy(text: str) -> ConsentPolicy:
    """Read ``consent.toml``.

    Raises
    ------
    MalformedDocument
        Naming the field that breaks the contract.
    """
    return read_toml(text, of=ConsentPolicy, name="consent.toml")
