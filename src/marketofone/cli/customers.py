"""Commands about one customer: decide, look ahead, listen, consent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Literal

import click
from msgspec.structs import asdict

from marketofone.cli import terminal
from marketofone.cli.session import Session, as_of, on_bank
from marketofone.consent.ledger import EVERY, ConsentChange
from marketofone.domain.moment import DAY, Instant


@click.command()
@on_bank
@click.argument("customer")
@click.option("--occasion", required=True, help="Why we ask: app.opened, nightly, ... (actions.toml).")
@click.option("--channel", help="Through which channel.  [default: the occasion's own]")
@click.option("--id", help="The same id gives the same decision.  [default: a new one]")
@as_of
def decide(session: Session, *, customer: str, as_of: str | None, **asked: Any) -> None:
    """Decide the one next best thing to do for CUSTOMER, with its reasons."""
    began, bank = time.perf_counter(), session.bank
    decision = bank.decide(bank.whose(customer), now=session.moment(as_of), **asked)
    document = terminal.decision_document(decision, seconds=time.perf_counter() - began)
    session.say(document, "decision", action=bank.catalogue.action(decision.action))


@click.command()
@on_bank
@click.argument("customer")
@as_of
def forecast(session: Session, *, customer: str, as_of: str | None) -> None:
    """Look 90 days ahead on CUSTOMER's accounts."""
    bank = session.bank
    session.say(bank.forecast(bank.whose(customer), now=session.moment(as_of)), "forecast")


@click.command()
@on_bank
@click.argument("source", metavar="FILE|-", type=click.File("r", encoding="utf-8"))
def listen(session: Session, *, source: Iterable[str]) -> None:
    """Read texts, a line each or JSON Lines with text_id and text; print what each seems to say."""
    for text_id, reading in terminal.readings(source, session.bank.kit.language):
        session.say({"text_id": text_id, **asdict(reading)}, "reading")


@click.group()
def consent() -> None:
    """Show, grant or withdraw a customer's consents."""


@consent.command(name="show")
@on_bank
@click.argument("customer")
@as_of
def consent_show(session: Session, *, customer: str, as_of: str | None) -> None:
    """Show every cell of CUSTOMER's consent."""
    bank = session.bank
    session.say(bank.consents(bank.whose(customer), now=session.moment(as_of)), "consents")


def _cells(command: Callable[..., None]) -> Callable[..., None]:
    for word in ("channel", "source", "purpose"):
        command = click.option(f"--{word}", f"{word}s", multiple=True, help="May be repeated.  [default: all]")(command)
    return on_bank(click.argument("customer")(as_of(command)))


@consent.command(name="grant")
@_cells
@click.option("--days", type=click.IntRange(1, 3650), help="For how long.  [default: grant_days of consent.toml]")
def consent_grant(session: Session, **options: Any) -> None:
    """Record that CUSTOMER allows something."""
    _change(session, "grant", **options)


@consent.command(name="withdraw")
@_cells
def consent_withdraw(session: Session, **options: Any) -> None:
    """Record that CUSTOMER no longer allows something; effective at once."""
    _change(session, "withdraw", **options)


def _change(
    session: Session,
    change: Literal["grant", "withdraw"],
    *,
    customer: str,
    as_of: str | None,
    days: int | None = None,
    **cells: tuple[str, ...],
) -> None:
    bank = session.bank
    now, customer = session.moment(as_of) or bank.now(), bank.whose(customer)
    until = None if days is None else Instant(now + days * DAY)
    said: dict[str, Any] = {kind: names or (EVERY,) for kind, names in cells.items()}
    bank.consent(ConsentChange(customer=customer, change=change, since=now, until=until, **said), now=now)
    session.say(bank.consents(customer, now=now), "consents")


COMMANDS = (decide, forecast, listen, consent)
