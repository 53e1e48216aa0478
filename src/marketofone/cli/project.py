"""Commands about the bank project: lay it out, fill it, serve it, show it off."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec.structs import asdict

from marketofone import wiring
from marketofone.bank import Bank, wall_clock
from marketofone.bank import open as open_bank
from marketofone.cli import terminal
from marketofone.cli.session import BAD_INPUT, LAB, LEFT_OUT, Session, as_json, as_of, in_folder, on_bank
from marketofone.consent.ledger import EVERY, ConsentChange, latest_end
from marketofone.domain.errors import BadInput, MalformedRequest, Refused
from marketofone.domain.moment import HOUR, Calendar, Day, Instant, day_number, text_of
from marketofone.importers import berka, cloudevents
from marketofone.projection.bank_config import EMBEDDED, read_settings
from marketofone.services.ingest import Incoming
from marketofone.services.population import together

HOST = "127.0.0.1"
DEMO_FOLDER = "demo-bank"
_GRANTED_TOGETHER = 500
DEMO_BEGINS = day_number(date(2025, 1, 1))
MORNING = 10 * HOUR  # of the day after the last: there the time of the demo's bank stands

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
    calendar = Calendar(read_settings((target / "bank.toml").read_text(encoding="utf-8")).timezone)
    wiring.stop_clock(target, Instant(calendar.start_of(Day(DEMO_BEGINS + days)) + MORNING))
    scenario = Scenario(customers=customers, days=days, seed=seed, first=DEMO_BEGINS)
    drawn = demonstration.random_bytes(seed)
    with (
        open_bank(target, clock=lambda: Instant(0), random=drawn) as bank,
        terminal.Progress(quiet=as_json) as progress,
    ):
        report = demonstration.run(bank, scenario, progress=progress.step)
    click.echo(msgspec.json.encode(report.to_json()) if as_json else report.to_text())
    if serve:
        _serve(target, port=port, shift=_shift(target))  # the synthetic world goes on where it ended


def _shift(folder: Path) -> int:
    """Give how far a bank's clock goes beside the wall's: not at all, but for a synthetic bank."""
    stands = wiring.clock_of(folder)
    return 0 if stands is None else stands - wall_clock()


def _must_be_empty(folder: Path) -> None:
    if not (folder / wiring.DATA).is_dir():
        return
    document = folder / "bank.toml"
    settings = read_settings(document.read_text(encoding="utf-8")) if document.is_file() else None
    replaced = settings is not None and settings.engine == EMBEDDED and settings.clock is not None
    if folder.name != DEMO_FOLDER or not replaced:  # only a demo's clock stands still
        raise MalformedRequest(field="--bank", shape="a bank that holds data", fix="name an empty folder")
    for part in (wiring.DATA, wiring.KEYS):  # the demo's own bank is made anew each time
        shutil.rmtree(folder / part, ignore_errors=True)


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
    """Import the files of another system. They carry no consents: nothing may be used unless it is granted.

    A bad row stops no other: it is kept aside as a dead letter, and the exit code is 3.
    """
    began, bank = time.perf_counter(), session.bank
    until, left_out = None, 0
    with terminal.Progress(quiet=session.as_json) as progress:
        events: Iterable[Incoming]
        if form == "berka":
            dump = berka.read(path)
            if grant == "all":
                until, left_out = _grant_all(bank, dump.people, authority=authority)
            events = progress.over(dump.rows, total=len(dump.rows), label="import")
        elif grant == "all":
            raise click.UsageError("--grant all is for berka: events say their own consents with `consent grant`")
        else:
            events = cloudevents.read(path)
        report = bank.ingest(events)
    told = {**asdict(report), "seconds": round(time.perf_counter() - began, 3)}
    granted = {"granted_until": None if until is None else text_of(until), "left_out": left_out}
    session.say({**told, **granted}, "imported")
    sys.exit(BAD_INPUT if report.dead_letters else 0)


def _grant_all(bank: Bank, people: Iterable[str], *, authority: str) -> tuple[Instant, int]:
    """Grant everything from now on for as long as the bank may, to people who said nothing yet.

    Gives the end, and for how many nothing could be granted.
    """
    everything = dict.fromkeys(("purposes", "sources", "channels"), (EVERY,))
    said: dict[str, Any] = {"actor": "importer", "authority": authority, **everything}
    now = bank.now()
    until = latest_end(now, policy=bank.config.policy)
    silent = (person for person in people if bank.epoch(person) == 0)  # a second import adds nothing
    left_out = 0
    for some in together(silent, size=_GRANTED_TOGETHER):
        grants = [ConsentChange(customer=one, change="grant", since=now, until=until, **said) for one in some]
        left_out += _left_out(bank, grants, now=now)
    return until, left_out


def _left_out(bank: Bank, grants: Sequence[ConsentChange], *, now: Instant) -> int:
    """Record grants, but for those that are refused; gives how many. A unit is kept whole or not, so it is halved."""
    try:
        bank.consents_given(grants, now=now)
    except (BadInput, Refused):  # somebody who was forgotten, or no name of a customer
        middle = len(grants) // 2
        return sum(_left_out(bank, half, now=now) for half in (grants[:middle], grants[middle:])) if middle else 1
    return 0


@click.command()
@as_json
@in_folder
@port_option
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that answer on one socket."
)
@as_of
def serve(*, folder: Path, as_json: bool, port: int, workers: int, as_of: str | None) -> None:  # noqa: ARG001 - every command has it
    """Serve the API and the pages on loopback; with --as-of, as if it were that moment: this moves the bank's clock."""
    with open_bank(folder) as bank:  # complain about a broken project before the server starts
        start = None if as_of is None else bank.calendar.parse(as_of, field="--as-of")
        if start is not None and start > bank.now() and wiring.clock_of(folder) is None:
            raise MalformedRequest(
                field="--as-of", shape="a moment in the future", fix="name a past one: a clock never steps back again"
            )
    shift = _shift(folder) if start is None else start - wall_clock()
    _serve(folder, port=port, shift=shift, workers=workers)


def _serve(folder: Path, *, port: int, shift: int, workers: int = 1) -> None:
    try:
        from marketofone.web import server  # noqa: PLC0415 - an extra, loaded only where it is served
    except ModuleNotFoundError as error:
        raise click.UsageError(f"{error.name} is missing: install marketofone[web]") from error
    click.echo(terminal.text_for_people("addresses", HOST, port), err=True)
    opened = partial(_open_at, folder, shift)
    if workers > 1:
        server.serve_together(opened, host=HOST, port=port, workers=workers)
    else:
        server.serve(opened(), host=HOST, port=port)


def _open_at(folder: Path, shift: int) -> Bank:
    """Open a bank whose clock goes beside the wall's."""
    return open_bank(folder, clock=lambda: Instant(wall_clock() + shift))


COMMANDS = (init, demo, import_, serve)
