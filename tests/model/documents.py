"""The small bank of these tests: its documents as values for the model, and the same as files for the product."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

CONSENTED = ("insights", "personalisation", "marketing", "care", "learning")
SOURCES = ("transactions", "app", "life_events")
CHANNELS = ("app", "push", "email")
OCCASIONS = {"opened": ("app", "customer"), "nudged": ("push", "bank"), "mailed": ("email", "bank")}
KEPT = frozenset({"transactions"})  # by law, also without consent
GRANT_DAYS = 20
PAUSE_DAYS = 5
FUTURE_SECONDS = 300
SOURCE_OF = {
    "transaction.booked": "transactions",
    "app.opened": "app",
    "app.failed": "app",
    "life.declared": "life_events",
    "place.visited": "location",  # consent.toml does not know it: a gap
}


@dataclass(frozen=True)
class Feature:
    """How many events of a kind there were; within two hours, or within a year."""

    kind: str
    soon: bool = False


FEATURES = {
    "payments_365d": Feature("transaction.booked"),
    "visits_365d": Feature("app.opened"),
    "failures_2h": Feature("app.failed", soon=True),
    "moves_365d": Feature("life.declared"),
}
CONTEXT = ("payments_365d", "visits_365d", "moves_365d")
STRESS = ("failures_2h", 2)


@dataclass(frozen=True)
class Act:
    """One action. ``when`` is a feature and how much of it there must be."""

    id: str
    kind: str
    purpose: str
    when: tuple[str, int] | None = None
    needs: frozenset[str] = frozenset()
    channels: tuple[str, ...] = CHANNELS
    sensitive: bool = False  # the board must have approved it

    @property
    def reads(self) -> frozenset[str]:
        """The source of its condition."""
        return frozenset() if self.when is None else frozenset({SOURCE_OF[FEATURES[self.when[0]].kind]})


ACTS = (
    Act("summary", "insight", "insights", ("payments_365d", 1)),
    Act("warning", "alert", "insights", ("payments_365d", 2), channels=("app", "push")),
    Act("shortcut", "feature", "personalisation", ("visits_365d", 1), channels=("app", "email")),
    Act("hint", "feature", "personalisation"),
    Act("card", "offer", "marketing", needs=frozenset({"transactions"})),
    Act("mover", "life_match", "marketing", ("moves_365d", 1), sensitive=False),
    Act("rate", "offer", "marketing", sensitive=True),
    Act("hello", "outreach", "care", ("failures_2h", 1), channels=("app", "push")),
)
MARKETING = frozenset({"offer", "life_match"})
EXEMPT = frozenset({"alert", "outreach"})


@dataclass(frozen=True)
class Rules:
    """One version of the documents."""

    acts: tuple[Act, ...] = ACTS
    caps: dict[str, tuple[int, int]] = field(
        default_factory=lambda: {"same_action": (2, 3), "marketing": (2, 4), "contacts": (4, 9)}
    )
    decline_days: int = 4
    scale: int = 10  # of the context: another one is another declaration of features
    outcome_days: int = 5


RULES = (
    Rules(),
    Rules(caps={"same_action": (1, 2), "marketing": (1, 1), "contacts": (1, 3)}, decline_days=1),
    Rules(acts=tuple(act for act in ACTS if act.id != "rate")),
    replace(Rules(), scale=20),
)


def write(folder: Path, rules: Rules) -> None:
    """Write the documents of a bank that follows some rules."""
    folder.mkdir(exist_ok=True)
    for name, text in (
        ("bank.toml", _bank(rules)),
        ("consent.toml", _consent()),
        ("features.py", _features(rules)),
        ("actions.toml", _actions(rules)),
        ("guardrails.toml", _guardrails(rules)),
    ):
        (folder / name).write_text(text, encoding="utf-8")


def _bank(rules: Rules) -> str:
    return f"""name = "A small bank"
timezone = "UTC"
currency = "EUR"
engine = "embedded"
control_share = 0.3
exploration = 0.1
future_seconds = {FUTURE_SECONDS}
outcome_days = {rules.outcome_days}
"""


def _consent() -> str:
    lines = [f"version = 1\ngrant_days = {GRANT_DAYS}\npause_days = {PAUSE_DAYS}"]
    words = 'title = "{0}"\nnotice = "About {0}."'
    notice = f"We look at: {', '.join(SOURCES)}."
    for purpose in CONSENTED:
        sources = ", ".join(f'"{source}"' for source in SOURCES)
        serves = '["forecast", "insights"]' if purpose == "insights" else f'"{purpose}"'
        lines.append(
            f'[purposes.{purpose}]\ntitle = "{purpose}"\nnotice = "{notice}"\ngives = "{purpose}"\n'
            f"serves = {serves}\nsources = [{sources}]"
        )
    lines.append(
        f'[purposes.protection]\n{words.format("protection")}\ngives = "protection"\n'
        'serves = "protection"\nbasis = "legal_duty"\nsources = ["protection"]'
    )
    for source in (*SOURCES, "protection"):
        kept = "\nkept = true" if source in KEPT or source == "protection" else ""
        lines.append(f"[sources.{source}]\n{words.format(source)}{kept}")
    lines += [f'[channels.{channel}]\ntitle = "{channel}"' for channel in CHANNELS]
    return "\n\n".join(lines) + "\n"


def _features(rules: Rules) -> str:
    lines = ["from marketofone.features.declare import count, series", ""]
    for name, feature in FEATURES.items():
        lines.append(f'of_{name} = series("of_{name}", kind="{feature.kind}")')
    lines.append("FEATURES = (")
    for name in FEATURES:
        window = name.rpartition("_")[2]
        lines.append(f'    count("{name}", of_{name}, window="{window}", owner="tests", title="how many of {name}"),')
    lines.append(")")
    lines.append(f"CONTEXT = {dict.fromkeys(CONTEXT, rules.scale)!r}")
    return "\n".join(lines) + "\n"


def _actions(rules: Rules) -> str:
    lines = [f'[occasions.{name}]\nchannel = "{to}"\nbegun_by = "{by}"' for name, (to, by) in OCCASIONS.items()]
    for act in rules.acts:
        eligible = "True" if act.when is None else f"{act.when[0]} >= {act.when[1]}"
        channels = ", ".join(f'"{channel}"' for channel in act.channels)
        needs = ", ".join(f'"{source}"' for source in sorted(act.needs))
        lines.append(
            f'[[actions]]\nid = "{act.id}"\nkind = "{act.kind}"\ntitle = "The {act.id}"\n'
            f'text = "This is the {act.id}."\n'
            f'eligible = "{eligible}"\nvalue_minor = 1000\ncost_minor = 10\nchance = 0.3\n'
            f"channels = [{channels}]\nneeds = [{needs}]\npersonal_price = {str(act.sensitive).lower()}"
        )
    return "\n\n".join(lines) + "\n"


def _guardrails(rules: Rules) -> str:
    caps = "\n".join(f"{name} = {{ per_day = {day}, per_week = {week} }}" for name, (day, week) in rules.caps.items())
    exempt = ", ".join(f'"{kind}"' for kind in sorted(EXEMPT))
    return f"""decline_days = {rules.decline_days}

[caps]
{caps}
exempt = [{exempt}]

[quiet_hours]
channels = ["push"]
begin = "20:00"
end = "08:00"

[stress]
when = "{STRESS[0]} >= {STRESS[1]}"

[copy]
forbidden = ["hurry"]
"""
