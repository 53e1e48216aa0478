"""Commands about the bank project: lay it out, serve it, show it off."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from marketofone import wiring
from marketofone.bank import Bank, wall_clock
from marketofone.bank import open as open_bank
from marketofone.cli import terminal
from marketofone.cli.session import as_json, as_of, in_folder
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import Instant

HOST = "127.0.0.1"

port_option = click.option("--port", type=click.IntRange(1, 65_535), default=8000, show_default=True)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@as_json
def init(*, folder: Path, as_json: bool) -> None:
    """Lay out a bank project in FOLDER; files that exist are left alone."""
    terminal.say({"written": wiring.lay_out(folder)}, "written", as_json=as_json)


def clock_shift(folder: Path) -> int:
    """Give how far a bank's clock goes beside the wall's: not at all, but where its time stands."""
    stands = wiring.clock_of(folder)
    return 0 if stands is None else stands - wall_clock()


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


COMMANDS = (init, serve)
