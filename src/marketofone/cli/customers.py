"""Commands about one customer: decide, tell why, look ahead, listen, consent."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
from msgspec import UNSET
from msgspec.structs import asdict, replace

from marketofone.cli import terminal
from marketofone.cli.session import ACTOR, BAD_INPUT, SAID_NO, Session, as_of, on_bank
from marketofone.consent.ledger import EVERY, ConsentChange, What
from marketofone.domain.action import NOTHING
from marketofone.domain.decision import MOST_SLOTS, Otherwise
from marketofone.domain.languages import LANGUAGES, Language
from marketofone.domain.moment import DAY, Instant, text_of
from marketofone.importers import consents
from marketofone.importers.rows import BadRow
from marketofone.services.foresight.forecast import CustomerForecast
from marketofone.services.foresight.forecast_population import LeftOut
from marketofone.services.foresight.spending import CustomerSpending
from marketofone.services.rights.consent_import import Told, import_consents
from marketofone.services.rights.customer_links import CustomerLinks
from marketofone.services.rights.delegates import check_acting
from marketofone.web.formatting import action_of

_QUESTION = Otherwise(untold="this was a question about an earlier moment, and no decision")
_LOWER = Otherwise(untold="it is told of the first place only")
Asked = TypeVar("Asked", CustomerForecast, CustomerSpending)


@click.command()
@on_bank
@click.argument("customer")
@click.option("--occasion", required=True, help="Why we ask: app.opened, nightly, ... (actions.toml).")
@click.option("--channel", help="Through which channel.  [default: the occasion's own]")
@click.option("--placement", help="Where it is shown (actions.toml); the answer fills as many places as it has.")
@click.option("--slots", type=click.IntRange(1, MOST_SLOTS), help="How many places there are.  [default: one]")
@click.option("--id", help="The same id gives the same decision.  [default: a new one]")
@as_of
def decide(session: Session, *, customer: str, as_of: str | None, **asked: Any) -> None:
    """Decide the one next best thing to do for CUSTOMER, with its reasons; for several places a slate.

    With --as-of it is a question: an answer on what was known then, and never a contact.
    """
    began, bank = time.perf_counter(), session.bank
    now = bank.now()
    moment = session.as_of(as_of, now=now)
    decision = bank.decide(bank.whose(customer), now=now, as_of=moment, **asked)
    seconds = time.perf_counter() - began
    found = _QUESTION if moment is not None else bank.otherwise(decision.id, customer=decision.customer, now=now)
    document = terminal.decision_document(decision, otherwise=found, seconds=seconds)
    session.say(document, "decision", action=bank.catalogue.action(decision.action))


@click.command()
@on_bank
@click.argument("decision")
@click.option("--customer", help="Whose, where several customers have a decision of this id.")
@click.option("--slot", type=click.IntRange(1, MOST_SLOTS), help="Which place of a slate.  [default: all]")
def why(session: Session, *, decision: str, customer: str | None, slot: int | None) -> None:
    """Tell again why DECISION was made, and the smallest change that would have led elsewhere."""
    began, bank = time.perf_counter(), session.bank
    made = bank.decision(decision, customer=customer)
    found = bank.otherwise(made.id, customer=made.customer)
    if slot is not None:
        made = made.place(slot)
        found = found if slot == 1 else _LOWER
    document = terminal.decision_document(made, otherwise=found, seconds=time.perf_counter() - began)
    session.say(document, "decision", action=action_of(made.action, catalogue=bank.catalogue))


@click.command()
@on_bank
@click.argument("customer", required=False)
@click.option("--all", "population", is_flag=True, help="All who allow it; as JSON a line an account and day.")
@click.option("--events", is_flag=True, help="With --all: what may happen, as JSON a line an event and horizon.")
@as_of
def forecast(session: Session, *, customer: str | None, population: bool, events: bool, as_of: str | None) -> None:
    """Look 90 days ahead on CUSTOMER's accounts, or on those of all people.

    With --as-of it is a question about what was ahead then: decisions never follow it. So it is where nothing has moved
    for two months on CUSTOMER's accounts: then the answer is as of the last day on which something did, and says so.
    """
    bank, now = session.bank, session.bank.now()
    moment = session.as_of(as_of, now=now)
    if population and customer is None:
        _forecast_all(session, bank.forecast_all(now=now, as_of=moment), events=events)
    elif customer is not None and not (population or events):
        ask = partial(bank.forecast, bank.whose(customer), now=now)
        session.say(_now_or_then(session, ask, as_of=moment), "forecast")
    else:
        raise click.UsageError("name one CUSTOMER, or ask for --all; --events goes with --all")


def _forecast_all(session: Session, people: Iterable[CustomerForecast | LeftOut], *, events: bool) -> None:
    left_out = Counter[tuple[str, str]]()
    rows: list[dict[str, Any]] = []
    ended: list[str] = []
    for ahead in people:
        if isinstance(ahead, LeftOut):
            left_out["people", ahead.why] += 1
            continue
        ended += [ahead.ended] if ahead.ended else []
        silent = (account.abstains for account in ahead.accounts if account.abstains)
        left_out.update(("accounts", re.sub(r"\d+", "…", why)) for why in silent)
        if session.as_json:
            terminal.say_lines(terminal.event_lines(ahead) if events else terminal.day_lines(ahead))
        else:
            rows += terminal.event_lines(ahead) if events else [terminal.low_point(ahead)]
    if not session.as_json:
        session.say(rows, "events_ahead" if events else "low_points")
    for (whom, why), count in sorted(left_out.items()):
        click.echo(terminal.text_for_people("left_out", count, whom, why), err=True)
    if ended:
        click.echo(terminal.text_for_people("data_ended", len(ended), max(ended)), err=True)


def _now_or_then(session: Session, ask: Callable[..., Asked], *, as_of: Instant | None) -> Asked:
    """Ask as of a moment, or now; where the data ended long ago, as of their last day, and say so."""
    said: Asked = ask(as_of=as_of)
    if as_of is not None or said.ended is None:
        return said
    then: Asked = ask(as_of=session.bank.calendar.parse(said.ended, field="ended"))
    return replace(then, notes=(f"as of {said.ended}: nothing has moved since", *then.notes))


@click.command()
@on_bank
def intervene(session: Session) -> None:
    """Look ahead again where it may matter, and decide for those of whom something likely is foreseen and not told."""
    bank, now = session.bank, session.bank.now()
    rescored = bank.refresh_forecasts(now=now)
    decisions = bank.intervene(now=now)
    shown = Counter(decision.action for decision in decisions)
    rows = [{"id": made.id, "customer": made.customer, "action": made.action} for made in decisions]
    told = len(decisions) - shown[NOTHING]
    done = {"looked": rescored.looked, "calm": rescored.calm, "asked": len(decisions), "told": told}
    session.say({**done, "shown": shown, "decisions": rows}, "interventions")


@click.command()
@on_bank
@click.argument("customer")
@as_of
def insights(session: Session, *, customer: str, as_of: str | None) -> None:
    """Show what CUSTOMER's own spending says: what comes back, shifts, unusual items.

    Where nothing has moved for two months it is as of the last day on which something did, and says so.
    """
    bank, now = session.bank, session.bank.now()
    ask = partial(bank.spending, bank.whose(customer), now=now)
    session.say(_now_or_then(session, ask, as_of=session.as_of(as_of, now=now)), "spending")


@click.command()
@on_bank
@click.argument("source", metavar="FILE|-", type=click.File("r", encoding="utf-8"))
def listen(session: Session, *, source: Iterable[str]) -> None:
    """Read texts, a line each or JSON Lines with text_id and text; print what each seems to say."""
    for text_id, reading in terminal.readings(source, session.bank.context.language):
        session.say({"text_id": text_id, **asdict(reading)}, "reading")


@click.group()
def consent() -> None:
    """Show or change what a customer allows, or import what many said."""


@consent.command(name="show")
@on_bank
@click.argument("customer")
@as_of
def consent_show(session: Session, *, customer: str, as_of: str | None) -> None:
    """Show every scope of CUSTOMER's consent."""
    bank, now = session.bank, session.bank.now()
    session.say(
        bank.consents(bank.whose(customer), now=now, as_of=session.as_of(as_of, now=now)), "consents", until=None
    )


@consent.command(name="check")
@on_bank
@click.argument("customer")
@click.option("--purpose", required=True, help="A purpose of consent.toml.")
@click.option("--channel", help="A channel of consent.toml.  [default: no customer is reached]")
def consent_check(session: Session, *, customer: str, purpose: str, channel: str | None) -> None:
    """Say which sources a purpose may use now of what is known of CUSTOMER, and why not the others.

    It exits with 1 where it may use none.
    """
    bank = session.bank
    given = asdict(bank.permit(bank.whose(customer), purpose=purpose, channel=channel))
    session.say({**given, "sources": sorted(given["sources"]), "serves": sorted(given["serves"])}, "permit")
    sys.exit(0 if given["sources"] else SAID_NO)


_delegate = click.option("--delegate", metavar="NAME", help="Who does it for them (`rights delegates`).")


def _cells(command: Callable[..., None]) -> Callable[..., None]:
    for word in ("channel", "source", "purpose"):
        command = click.option(f"--{word}", f"{word}s", multiple=True, help="May be repeated.  [default: all]")(command)
    return on_bank(click.argument("customer")(as_of(_delegate(command))))


@consent.command(name="grant")
@_cells
@click.option(
    "--days", type=click.IntRange(1, 3650), help="For how long from today on.  [default: grant_days of consent.toml]"
)
def consent_grant(session: Session, **options: Any) -> None:
    """Record that CUSTOMER allows something. It ends by itself; --as-of says since when it holds."""
    _change(session, "grant", **options)


@consent.command(name="withdraw")
@_cells
def consent_withdraw(session: Session, **options: Any) -> None:
    """Record that CUSTOMER no longer allows something; effective at once."""
    _change(session, "withdraw", **options)


@consent.command(name="object")
@on_bank
@click.argument("customer")
@as_of
@_delegate
def consent_object(session: Session, **options: Any) -> None:
    """Record that CUSTOMER objects to marketing: no offers, whatever is granted, until that is lifted."""
    _change(session, "object", **options)


@consent.command(name="lift")
@on_bank
@click.argument("customer")
@as_of
@_delegate
def consent_lift(session: Session, **options: Any) -> None:
    """Record that CUSTOMER takes an objection to marketing back; what they allow holds again."""
    _change(session, "lift", **options)


def _purposes(command: Callable[..., None]) -> Callable[..., None]:
    return click.option("--purpose", "purposes", multiple=True, help="May be repeated.  [default: all]")(command)


@consent.command(name="pause")
@on_bank
@click.argument("customer")
@as_of
@_delegate
@_purposes
@click.option(
    "--days", type=click.IntRange(1, 3650), help="From today on; at most pause_days of consent.toml.  [default: 30]"
)
def consent_pause(session: Session, **options: Any) -> None:
    """Record that CUSTOMER wants a pause: nothing is used for a while, and afterwards all is as it was, by itself."""
    _change(session, "pause", **options)


@consent.command(name="resume")
@on_bank
@click.argument("customer")
@as_of
@_delegate
@_purposes
def consent_resume(session: Session, **options: Any) -> None:
    """Record that CUSTOMER ends a pause before its time."""
    _change(session, "resume", **options)


def _change(
    session: Session,
    change: What,
    *,
    customer: str,
    as_of: str | None,
    days: int | None = None,
    delegate: str | None = None,
    **scopes: tuple[str, ...],
) -> None:
    bank = session.bank
    now, customer = bank.now(), bank.whose(customer)
    since = session.as_of(as_of, now=now) or now
    until = None if days is None else Instant(now + days * DAY)
    said: dict[str, Any] = {kind: names or (EVERY,) for kind, names in scopes.items()}
    lent = UNSET if delegate is None else delegate
    change_said = ConsentChange(
        customer=customer, change=change, since=since, until=until, actor=ACTOR, delegate=lent, **said
    )
    given = bank.consent_given(change_said, now=now)
    end = None if given.until is None else text_of(given.until)
    told = end if change == "grant" else None
    session.say({**asdict(bank.consents(customer, now=now)), "until": end}, "consents", until=told)


@consent.command(name="import")
@on_bank
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--authority", metavar="TEXT", help="Who says so, of rows that name none: a notice, a letter, a system.")
def consent_import(session: Session, *, path: Path, authority: str | None) -> None:
    """Record what many customers said, from a table as text (CSV) or JSON Lines.

    A row says customer, change (grant, withdraw, object, lift, pause or resume), purposes, sources and channels (words
    of consent.toml, or *), and authority; until, since and id where they are known. A bad row stops no other: the
    reasons are told, and the exit code is 3. The same file again changes nothing.
    """
    bank, began = session.bank, time.perf_counter()
    now = bank.now()
    rows = consents.read(path, calendar=bank.calendar, now=now, authority=authority)
    told = (Told(row.line, row if isinstance(row, BadRow) else (row.change, row.key)) for row in rows)
    imported = import_consents(bank.context, told, record=bank.consents_told, now=now)
    until, broken = imported.granted_until, imported.broken
    more = {
        "granted_until": None if until is None else text_of(until),
        "breaks_off": None if broken is None else str(broken),
        "seconds": round(time.perf_counter() - began, 3),
    }
    counts = {name: value for name, value in asdict(imported).items() if name != "broken"}
    session.say({**counts, **more}, "consents_imported")
    sys.exit(0 if imported.is_whole else BAD_INPUT)


@click.command()
@on_bank
@click.argument("customer")
@click.option("--page", default="", help="Which page: forecast, insights, decisions/ID.  [default: the first]")
@click.option("--language", type=click.Choice(list(LANGUAGES)), help="Of the pages.  [default: the browser's]")
@click.option("--port", type=click.IntRange(1, 65_535), default=8000, show_default=True, help="Where it is served.")
@_delegate
def link(
    session: Session, *, customer: str, page: str, language: Language | None, port: int, delegate: str | None
) -> None:
    """Make the link that opens CUSTOMER's own pages, for some minutes. Give it to them, or to the delegate, alone."""
    bank = session.bank
    whose = bank.whose(customer)
    if delegate is not None:
        check_acting(bank.context, whose, delegate, now=bank.now())
    made = CustomerLinks.of(bank.context).link(whose, page, language=language, delegate=delegate)
    session.say({"link": f"http://127.0.0.1:{port}{made.path}", "until": text_of(made.until)}, "link")


COMMANDS = (decide, why, forecast, intervene, insights, listen, consent, link)
