"""Commands about one customer: decide, look ahead, listen, consent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import click

from marketofone.cli import terminal
from marketofone.cli.session import Session, as_of, moment, shared
from marketofone.consent.ledger import EVERY, ConsentChange
from marketofone.domain.moment import DAY, Instant


@click.command()
@shared
@click.argument("customer")
@click.option("--occasion", required=True, help="Why we ask: app.opened, nightly, ... (actions.toml).")
@click.option("--channel", help="Through which channel.  [default: the occasion's own]")
@click.option("--id", "decision_id", help="The same id gives the same decision.  [default: a new one]")
@as_of
def decide(*, folder: Path, as_json: bool, customer: str, as_of: str | None, **asked: Any) -> None:
    """Decide the one next best thing to do for CUSTOMER, with its reasons."""
    session = Session(folder, as_json)
    with session.open() as bank:
        began = time.perf_counter()
        decision = bank.decide(
            bank.whose(customer),
            occasion=asked["occasion"],
            channel=asked["channel"],
            id=asked["decision_id"],
            now=moment(bank, as_of),
        )
        seconds = time.perf_counter() - began
        session.say(
            terminal.decision_document(decision, seconds=seconds), terminal.decision_text(decision, bank.catalogue)
        )


@click.command()
@shared
@click.argument("customer")
@as_of
def forecast(*, folder: Path, as_json: bool, customer: str, as_of: str | None) -> None:
    """Look 90 days ahead on CUSTOMER's accounts."""
    session = Session(folder, as_json)
    with session.open() as bank:
        ahead = bank.forecast(bank.whose(customer), now=moment(bank, as_of))
        session.say(ahead, terminal.forecast_text(ahead))


@click.command()
@shared
@click.argument("source", metavar="FILE|-", type=click.File("r", encoding="utf-8"))
def listen(*, folder: Path, as_json: bool, source: Iterable[str]) -> None:
    """Read texts, a line each or JSON Lines with text_id and text; print what each seems to say."""
    with Session(folder, as_json).open() as bank:
        for text_id, reading in terminal.readings(source, bank.kit.language):
            document = terminal.reading_document(text_id, reading)
            click.echo(terminal.to_json(document) if as_json else terminal.reading_text(text_id, reading))


@click.group()
def consent() -> None:
    """Show, grant or withdraw a customer's consents."""


@consent.command(name="show")
@shared
@click.argument("customer")
@as_of
def consent_show(*, folder: Path, as_json: bool, customer: str, as_of: str | None) -> None:
    """Show every cell of CUSTOMER's consent."""
    session = Session(folder, as_json)
    with session.open() as bank:
        view = bank.consents(bank.whose(customer), now=moment(bank, as_of))
        session.say(view, terminal.consent_text(view))


def _cells(command: Callable[..., None]) -> Callable[..., None]:
    for word in ("channel", "source", "purpose"):
        command = click.option(f"--{word}", f"{word}s", multiple=True, help="May be repeated.  [default: all]")(command)
    return shared(click.argument("customer")(as_of(command)))


@consent.command(name="grant")
@_cells
@click.option("--days", type=click.IntRange(1, 3650), help="For how long.  [default: grant_days of consent.toml]")
def consent_grant(*, days: int | None, **options: Any) -> None:
    """Record that CUSTOMER allows something."""
    _change("grant", days=days, **options)


@consent.command(name="withdraw")
@_cells
def consent_withdraw(**options: Any) -> None:
    """Record that CUSTOMER no longer allows something; effective at once."""
    _change("withdraw", days=None, **options)


def _change(
    change: Literal["grant", "withdraw"],
    *,
    days: int | None,
    folder: Path,
    as_json: bool,
    customer: str,
    as_of: str | None,
    **cells: tuple[str, ...],
) -> None:
    session = Session(folder, as_json)
    with session.open() as bank:
        now, customer = moment(bank, as_of) or bank.now(), bank.whose(customer)
        said = ConsentChange(
            customer=customer,
            change=change,
            purposes=cells["purposes"] or (EVERY,),
            sources=cells["sources"] or (EVERY,),
            channels=cells["channels"] or (EVERY,),
            since=now,
            until=None if days is None else Instant(now + days * DAY),
        )
        bank.consent(said, now=now)
        view = bank.consents(customer, now=now)
        session.say(view, terminal.consent_text(view))


COMMANDS = (decide, forecast, listen, consent)
