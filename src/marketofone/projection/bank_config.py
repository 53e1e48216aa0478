"""Everything the documents of a bank say, read once, as values.

A decision follows one version of the documents. Their texts are entries of the journal, so that a replay reads
those that were in force at the time. One line is left out of them: which engine keeps the data changes no answer, and
its address is no business of a reader of the journal.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import Annotated, Literal
from urllib.parse import unquote

from msgspec import Meta, Struct
from msgspec.structs import replace

from marketofone.consent.controller import Controller
from marketofone.consent.policy import ConsentPolicy, parse_policy
from marketofone.decide.asking import AskRules
from marketofone.decide.catalogue import ActionCatalogue, parse_actions
from marketofone.decide.compiled_catalogue import CompiledCatalogue, bind
from marketofone.domain.case import CaseKind, DaysCounted
from marketofone.domain.decision import Assignment
from marketofone.domain.document import read_toml
from marketofone.domain.errors import MalformedDocument
from marketofone.domain.fields import Currency, Share, Text
from marketofone.domain.languages import Language
from marketofone.domain.moment import Calendar
from marketofone.domain.money import decimals_of
from marketofone.features.catalogue import Catalogue, load_catalogue
from marketofone.governance.guardrails import parse_guardrails
from marketofone.models.bandit import Distrust, Stated
from marketofone.projection.agreement import check_agreement, check_signs

DOCUMENTS = ("bank.toml", "consent.toml", "features.py", "actions.toml", "guardrails.toml")
_VERSIONS = 8  # a process works on one bank or two, and looks back at a few versions

EMBEDDED = "embedded"
Engine = Annotated[str, Meta(pattern=r"^(embedded|postgresql://\S+)$(?!\n)")]
"""``embedded`` (one SQLite file), or the address of a PostgreSQL database."""
_ENGINE_LINE = re.compile(r"(?m)^[ \t]*engine[ \t]*=.*(?:\n|\Z)")
_SHARE_DECIMALS = 9  # shares that add up to 1 leave nothing, whatever floating-point numbers leave
_ADDRESS = re.compile(r"postgres(?:ql)?://[^\s\"']*")


class KeySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the key lies that wraps all others: a file (from the bank's folder on), or what a command prints.

    The key is 32 bytes, or 64 hexadecimal digits.
    """

    file: Text | None = None
    command: Text | None = None


class Groups(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares of people whose actions are chosen by something simpler than the policy, to be compared with it.

    ``catalogue`` is for the order that the catalogue declares, ``ranking`` for the best order for all people that
    outcomes taught, ``nothing`` for leaving in peace. All gates hold for them. Without a share there is no such group.
    """

    catalogue: Share = 0.0
    ranking: Share = 0.0
    nothing: Share = 0.0


class SignFeature(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A feature that is an early sign: a value of ``size`` is the whole of it, and more is no more."""

    size: Annotated[float, Meta(gt=0.0)]
    helps: Share
    harms: Share


class TakenBack(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How often a person gives up again what they had accepted."""

    helps: Share
    harms: Share


class EarlySigns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is looked at ``after_days`` after an acceptance, for its value is known months later.

    Of each sign is stated how large it is on the mean after an acceptance that ``helps``, and after one that ``harms``:
    that is worth by ``harm`` of what the catalogue states more; less below 0. It counts like ``reports`` of each.
    """

    after_days: Annotated[int, Meta(ge=1, le=90)]
    harm: Annotated[float, Meta(ge=-10.0, le=10.0)]
    reports: Annotated[float, Meta(gt=0.0, le=10_000.0)]
    taken_back: TakenBack
    features: dict[str, SignFeature] = {}

    @property
    def label(self) -> str:
        """Names what the signs are, whatever is stated of their worth."""
        said = [self.after_days, *((name, of.size) for name, of in sorted(self.features.items()))]
        return blake2b(repr(said).encode(), digest_size=4).hexdigest()

    @property
    def stated(self) -> Stated:
        """What is believed of the signs before any value is reported: first of what was taken back."""
        named = [of for _, of in sorted(self.features.items())]
        helps = (self.taken_back.helps, *(sign.helps for sign in named))
        harms = (self.taken_back.harms, *(sign.harms for sign in named))
        return Stated(self.label, helps, harms, self.harm, self.reports)


class Distrusted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is believed of an action that people accept far more often than the catalogue says, until values are known.

    It begins at ``above`` times the declared chance and is whole at ``whole`` times. Then ``harm`` times what the
    catalogue states is added to what an acceptance is worth: with -3 it is worth twice as much below nothing as is
    stated above it. It counts like so many ``actions`` of which that was seen.
    """

    above: Annotated[float, Meta(ge=1.0, le=100.0)]
    whole: Annotated[float, Meta(gt=1.0, le=1_000.0)]
    harm: Annotated[float, Meta(ge=-10.0, le=-0.1)]
    actions: Annotated[float, Meta(ge=0.1, le=10_000.0)]

    @property
    def stated(self) -> Distrust:
        """The same, for the policy."""
        return Distrust(above=self.above, whole=self.whole, harm=self.harm, actions=self.actions)


class Asking(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a decision may ask for a permission: once in so many days for anything, and where it helps by so much.

    ``gain`` is a share of decisions: so many more have to end in a kept yes, to something that helps and sells nothing,
    for people who gave the permission; the lower bound of what was measured must lie above it. It has to be measured on
    ``people`` or more, at the ``level`` of its interval, over the decisions of the last ``measured_days``.
    """

    every_days: Annotated[int, Meta(ge=30, le=3_650)] = 90
    gain: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.01
    people: Annotated[int, Meta(ge=30)] = 100
    level: Annotated[float, Meta(ge=0.8, le=0.999)] = 0.95
    measured_days: Annotated[int, Meta(ge=30, le=730)] = 180

    @property
    def rules(self) -> AskRules:
        """The same, for a decision."""
        return AskRules(every_days=self.every_days, people=self.people, gain=self.gain)


class ContactTexts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of a contact, in another language."""

    hours: Text


class Contact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a customer reaches a person of the bank, and by when one answers who was asked to.

    ``phone`` and ``hours`` are shown; without them pages name the number on the card. ``call_back_days`` and
    ``ask_days`` are ``days`` after the one on which a customer asked: working ones, Monday to Friday, or plain ones.
    """

    phone: Annotated[str, Meta(pattern=r"^\+?[0-9][0-9 ()/-]{2,30}$(?!\n)")] | None = None
    hours: Text | None = None
    call_back_days: Annotated[int, Meta(ge=0, le=30)] = 1
    ask_days: Annotated[int, Meta(ge=0, le=30)] = 10
    days: DaysCounted = "working"
    translations: dict[Language, ContactTexts] = {}

    def days_of(self, kind: CaseKind) -> int:
        """Give how many days there are to answer a case of a kind."""
        return self.call_back_days if kind == "call back" else self.ask_days


class Pages(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The languages in which customers can read their pages; the first is for those who ask for none of them."""

    languages: Annotated[tuple[Language, ...], Meta(min_length=1)]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bank itself: ``bank.toml``.

    ``policy`` says how actions learn: from each other and from the person's own answers, or each alone. ``clock`` is
    where the time of a synthetic bank stands; every other bank goes by the clock of its machine.
    """

    name: Text
    timezone: Text
    currency: Currency
    engine: Engine = EMBEDDED
    control_share: Share
    exploration: Annotated[float, Meta(gt=0.0, lt=0.5)]
    future_seconds: Annotated[int, Meta(ge=0, le=86_400)]
    outcome_days: Annotated[int, Meta(ge=1, le=365)]
    policy: Literal["hierarchical", "independent"] = "hierarchical"
    clock: Text | None = None
    controller: Controller = Controller()
    keys: KeySettings = KeySettings()
    groups: Groups = Groups()
    early_signs: EarlySigns | None = None
    distrust: Distrusted | None = None
    asking: Asking = Asking()
    contact: Contact = Contact()
    pages: Pages | None = None

    @property
    def own_language(self) -> str:
        """The language in which the bank wrote its documents."""
        return self.controller.language.partition("-")[0]

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages of the customers' pages; English alone where the bank names none."""
        return ("en",) if self.pages is None else self.pages.languages

    @property
    def shares(self) -> dict[Assignment, float]:
        """The share of people in each declared group, the policy's last; they add up to 1."""
        shares: dict[Assignment, float] = {"control": self.control_share}
        shares |= {"catalogue": self.groups.catalogue, "ranking": self.groups.ranking, "nothing": self.groups.nothing}
        declared = {assignment: share for assignment, share in shares.items() if share or assignment == "control"}
        return {**declared, "policy": round(1.0 - sum(declared.values()), _SHARE_DECIMALS)}


@dataclass(frozen=True)
class BankConfig:
    """What the bank's documents say, and the digest of the version it was read from."""

    settings: Settings
    policy: ConsentPolicy
    features: Catalogue
    actions: ActionCatalogue
    compiled: CompiledCatalogue
    calendar: Calendar
    digest: str

    @cached_property
    def asks(self) -> Mapping[str, tuple[str, str]]:
        """The permissions that actions ask for, as purpose and source, by the ids of the actions."""
        each = ((action.id, action.role, action.asks) for action in self.actions.asks.values())
        return {name: (self.policy.serving(role), asks) for name, role, asks in each if role and asks}


def read_config(texts: Mapping[str, str]) -> BankConfig:
    """Read all documents of a bank project; a version that was read lately is not read again.

    Raises
    ------
    MalformedDocument
        When one is missing or breaks its contract, or names what another does not have.
    BadExpression
        When an eligibility or guardrail expression cannot be read.
    """
    for name in DOCUMENTS:
        if name not in texts:
            raise MalformedDocument(field=name, shape="missing", fix="lay the project out with `marketofone init`")
    return _read(tuple((name, texts[name]) for name in DOCUMENTS))


@lru_cache(maxsize=_VERSIONS)
def _read(documents: tuple[tuple[str, str], ...]) -> BankConfig:
    texts = dict(documents)
    settings = read_settings(texts["bank.toml"])
    features = load_catalogue(texts["features.py"])
    actions = parse_actions(texts["actions.toml"], features=features)
    calendar, guardrails = Calendar(settings.timezone), parse_guardrails(texts["guardrails.toml"])
    policy = parse_policy(texts["consent.toml"]).of_bank(calendar)
    check_agreement(policy=policy, features=features, actions=actions, guardrails=guardrails)
    check_signs(() if settings.early_signs is None else settings.early_signs.features, features=features)
    return BankConfig(
        settings=settings,
        policy=policy,
        features=features,
        actions=actions,
        compiled=bind(
            actions,
            features=features,
            guardrails=guardrails,
            decimals=decimals_of(settings.currency),
            manner=settings.policy,
            signs=None if settings.early_signs is None else settings.early_signs.stated,
            distrust=None if settings.distrust is None else settings.distrust.stated,
        ),
        calendar=calendar,
        digest=digest_of(texts),
    )


def read_settings(text: str) -> Settings:
    """Read ``bank.toml``.

    Raises
    ------
    MalformedDocument
        When it breaks its contract, or would give a password away: documents are recorded for good, and shown.
    """
    settings = read_toml(text, of=Settings, name="bank.toml")
    if settings.shares["policy"] < 0.0:
        raise MalformedDocument(
            field="groups",
            shape="shares above 1, with control_share",
            fix="in bank.toml, let them and control_share add up to 1 at most; what is left is the policy's",
        )
    if settings.distrust is not None and settings.distrust.whole <= settings.distrust.above:
        raise MalformedDocument(
            field="distrust.whole",
            shape="no more than above",
            fix="let it be more times the declared chance than above",
        )
    if any(map(_holds_secret, _ADDRESS.findall(text))):  # also in a comment
        raise MalformedDocument(
            field="engine", shape="an address with a password", fix="leave the password to PGPASSWORD or ~/.pgpass"
        )
    return settings


def without_engine(text: str) -> str:
    """Give ``bank.toml`` as it is recorded: without the line that says which engine keeps the data.

    Raises
    ------
    MalformedDocument
        When `engine` does not stand on a line of its own.
    """
    rest = _ENGINE_LINE.sub("", text, count=1)
    if read_settings(rest) != replace(read_settings(text), engine=EMBEDDED):
        raise MalformedDocument(
            field="engine", shape="not on a line of its own", fix='write `engine = "..."` on one line'
        )
    return rest


def _holds_secret(address: str) -> bool:
    """Say whether an address holds a password, in any place where libpq would look for one."""
    words = address.partition("://")[2]
    user, at, _ = words.partition("/")[0].partition("@")
    names = [unquote(option.partition("=")[0]).lower() for option in words.partition("?")[2].split("&")]
    return bool(at and ":" in user) or any("password" in name or "secret" in name for name in names)


def digest_of(texts: Mapping[str, str]) -> str:
    """Give the digest that names one version of all documents."""
    digest = blake2b(digest_size=8)
    for name in DOCUMENTS:
        digest.update(f"{name}\0{len(texts[name])}\0{texts[name]}".encode())
    return digest.hexdigest()
