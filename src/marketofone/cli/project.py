"""Commands about the bank project: lay it out, serve it, show it off."""

from __future__ import annotations

import shutil
from datetime import date
from functools import partial
from pathlib import Path

import click
import msgspec

from marketofone import wiring
from marketofone.bank import Bank, wall_clock
from marketofone.bank import open as open_bank
from marketofone.cli import terminal
from marketofone.cli.session import LAB, LEFT_OUT, as_json, as_of, in_folder
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import HOUR, Calendar, Day, Instant, day_number
from marketofone.projection.bank_config import EMBEDDED, read_settings

HOST = "127.0.0.1"
DEMO_FOLDER = "demo-bank"
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
        serve_bank(target, port=port, shift=clock_shift(target))  # the synthetic world goes on where it ended


def clock_shift(folder: Path) -> int:
    """Give how far a bank's clock goes beside the wall's: not at all, but where its time stands."""
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
    shift = clock_shift(folder) if start is None else start - wall_clock()
    serve_bank(folder, port=port, shift=shift, workers=workers)


def serve_bank(folder: Path, *, port: int, shift: int, workers: int = 1) -> None:
    """Serve a bank whose clock goes beside the wall's."""
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


COMMANDS = (init, demo, serve)
