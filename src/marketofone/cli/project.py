"""Commands about the bank project: lay it out, fill it, serve it, show it off."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec.structs import asdict

from marketofone import wiring
from marketofone.bank import Bank, Clock, wall_clock
from marketofone.bank import open as open_bank
from marketofone.cli import terminal
from marketofone.cli.session import LAB, LEFT_OUT, Session, as_json, as_of, in_folder, on_bank
from marketofone.consent.ledger import EVERY, ConsentChange
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import Day, Instant, day_number
from marketofone.importers import berka, cloudevents
from marketofone.services.ingest import Incoming

HOST = "127.0.0.1"
DEMO_FOLDER = "demo-bank"
DEMO_BEGINS = day_number(date(2025, 1, 1))

port_option = click.option("--port", type=click.IntRange(1, 65_535), default=8000, show_default=True)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@as_json
def init(*, folder: Path, as_json: bool) -> None:
    """Lay out a bank project in FOLDER; files that exist are left alone."""
    terminal.say({"written": wiring.lay_out(folder)}, "written", as_json=as_json)


@click.command()
@as_json
@in_folder
@click.option("--customers", type=click.IntRange(10, 100_000), default=500, show_default=True)
@click.option("--days", type=click.IntRange(60, 3650), default=548, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True)
@click.option("--serve/--no-serve", default=True, show_default=True, help="Serve the pages afterwards.")
@port_option
def demo(*, folder: Path, as_json: bool, customers: int, days: int, seed: int, serve: bool, port: int) -> None:
    """Simulate a synthetic bank, live through it event by event, and show what came of it."""
    try:
        from marketofone.lab.simulate import demo as demonstration  # noqa: PLC0415 - the laboratory may be left out
        from marketofone.lab.simulate.world import Scenario  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(LAB):
            raise
        raise click.UsageError(f"{error}: {LEFT_OUT}") from error
    target = folder / DEMO_FOLDER if folder == Path() else folder
    _must_be_empty(target)
    wiring.lay_out(target)
    scenario = Scenario(customers=customers, days=days, seed=seed, first=DEMO_BEGINS)
    with open_bank(target, clock=lambda: Instant(0)) as bank, terminal.Progress(quiet=as_json) as progress:
        report = demonstration.run(bank, scenario, progress=progress.step)
        ended = bank.calendar.start_of(Day(DEMO_BEGINS + days))
    click.echo(msgspec.json.encode(report.to_json()) if as_json else report.to_text())
    if serve:
        _serve(target, port=port, clock=_clock_from(ended))  # the synthetic world goes on where it ended


def _clock_from(start: Instant) -> Clock:
    began = wall_clock()
    return lambda: Instant(start + wall_clock() - began)


def _must_be_empty(folder: Path) -> None:
    data = folder / wiring.DATA
    if not data.is_dir():
        return
    if folder.name != DEMO_FOLDER:
        raise MalformedRequest(field="--bank", shape="a bank that holds data", fix="name an empty folder")
    for file in data.iterdir():  # the demo's own bank is made anew each time
        file.unlink()


@click.command(name="import")
@on_bank
@click.argument("form", type=click.Choice(["berka", "cloudevents"]))
@click.argument("path", type=click.Path(path_type=Path, exists=True, allow_dash=True))
@click.option(
    "--grant",
    type=click.Choice(["none", "all"]),
    default="none",
    show_default=True,
    help="Record, for each person in the files, a grant of everything (berka only).",
)
@click.option(
    "--authority", default="stated by the operator on import", show_default=True, help="On what ground, with --grant."
)
def import_(session: Session, *, form: str, path: Path, grant: str, authority: str) -> None:
    """Import the files of another system. They carry no consents: nothing may be used unless it is granted."""
    began, bank = time.perf_counter(), session.bank
    with terminal.Progress(quiet=session.as_json) as progress:
        events: Iterable[Incoming]
        if form == "berka":
            dump = berka.read(path)
            if grant == "all":
                _grant_all(bank, dump.people, since=dump.earliest, authority=authority)
            events = progress.over(dump.rows, total=len(dump.rows), label="import")
        elif grant == "all":
            raise click.UsageError("--grant all is for berka: events say their own consents with `consent grant`")
        else:
            events = cloudevents.read(path)
        report = bank.ingest(events)
    session.say({**asdict(report), "seconds": round(time.perf_counter() - began, 3)}, "imported")


def _grant_all(bank: Bank, people: Iterable[str], *, since: Instant, authority: str) -> None:
    everything = dict.fromkeys(("purposes", "sources", "channels"), (EVERY,))
    said: dict[str, Any] = {"actor": "importer", "authority": authority, **everything}
    for person in people:
        if bank.epoch(person) == 0:  # a second import adds nothing
            bank.consent(ConsentChange(customer=person, change="grant", since=since, **said))


@click.command()
@as_json
@in_folder
@port_option
@as_of
def serve(*, folder: Path, as_json: bool, port: int, as_of: str | None) -> None:  # noqa: ARG001 - every command has it
    """Serve the API and the pages on loopback; with --as-of, as if it were that moment."""
    with open_bank(folder) as bank:  # complain about a broken project before the server starts
        clock = wall_clock if as_of is None else _clock_from(bank.calendar.parse(as_of, field="--as-of"))
    _serve(folder, port=port, clock=clock)


def _serve(folder: Path, *, port: int, clock: Clock) -> None:
    try:
        from marketofone.web import server  # noqa: PLC0415 - an extra, loaded only where it is served
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: install marketofone[web]") from error
    click.echo(terminal.text_for_people("addresses", HOST, port), err=True)
    with open_bank(folder, clock=clock) as bank:
        server.serve(bank, host=HOST, port=port)


COMMANDS = (init, demo, import_, serve)
