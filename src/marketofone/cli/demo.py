"""The command that shows everything off: one synthetic bank that stays, or many that are only judged."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click
import msgspec

from marketofone import wiring
from marketofone.bank import Bank
from marketofone.bank import open as open_bank
from marketofone.cli import terminal
from marketofone.cli.project import clock_shift, port_option, serve_bank
from marketofone.cli.session import LAB, LEFT_OUT, as_json, in_folder
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import HOUR, Calendar, Day, Instant, day_number
from marketofone.projection.bank_config import EMBEDDED, read_settings

if TYPE_CHECKING:  # the laboratory may be left out: it is imported where it is needed
    from marketofone.lab.simulate.seeds import Seed
    from marketofone.lab.simulate.world import Scenario

FOLDER = "demo-bank"
BEGINS = day_number(date(2025, 1, 1))
MORNING = 10 * HOUR  # of the day after the last: there the time of the demo's bank stands


@click.command()
@as_json
@in_folder
@click.option("--customers", type=click.IntRange(10, 100_000), default=500, show_default=True)
@click.option("--days", type=click.IntRange(60, 3650), default=548, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True)
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    help="Judge the policy on so many banks, from --seed on, side by side; none is kept or served.",
)
@click.option("--race", is_flag=True, help="With --seeds: judge other ways to decide, too, on the same moments.")
@click.option("--click-bait", is_flag=True, help="With --seeds: plant an offer that draws clicks and does harm.")
@click.option("--serve/--no-serve", default=True, show_default=True, help="Serve the pages afterwards.")
@port_option
def demo(
    *,
    folder: Path,
    as_json: bool,
    seeds: int | None,
    race: bool,
    click_bait: bool,
    serve: bool,
    port: int,
    **asked: int,
) -> None:
    """Simulate a synthetic bank, live through it event by event, and show what came of it."""
    try:
        from marketofone.lab.simulate.world import Scenario  # noqa: PLC0415 - the laboratory may be left out
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(LAB):
            raise
        raise click.UsageError(f"{error}: {LEFT_OUT}") from error
    scenario = Scenario(first=BEGINS, race=race, click_bait=click_bait, **asked)
    if seeds is not None:
        _judge([msgspec.structs.replace(scenario, seed=scenario.seed + more) for more in range(seeds)], as_json=as_json)
        return
    if race or click_bait:
        named = "--race" if race else "--click-bait"
        raise click.UsageError(f"{named} judges many banks: say how many with --seeds")
    target = folder / FOLDER if folder == Path() else folder
    _must_be_empty(target)
    _live_in(target, scenario, as_json=as_json)
    if serve:
        serve_bank(target, port=port, shift=clock_shift(target))  # the synthetic world goes on where it ended


def _live_in(target: Path, scenario: Scenario, *, as_json: bool) -> None:
    from marketofone.lab.simulate.demo import run  # noqa: PLC0415 - the laboratory may be left out

    with _laid_out(target, scenario) as bank, terminal.Progress(quiet=as_json) as progress:
        report = run(bank, scenario, progress=progress.step)
    click.echo(msgspec.json.encode(report.to_json()) if as_json else report.to_text())


@contextmanager
def _laid_out(target: Path, scenario: Scenario) -> Iterator[Bank]:
    """Lay a bank out whose time stands after the last simulated day, and open it."""
    from marketofone.lab.simulate.bait import ACTION  # noqa: PLC0415 - the laboratory may be left out
    from marketofone.lab.simulate.demo import random_bytes  # noqa: PLC0415

    wiring.lay_out(target)
    if scenario.click_bait:
        with (target / "actions.toml").open("a", encoding="utf-8") as actions:
            actions.write(ACTION)
    calendar = Calendar(read_settings((target / "bank.toml").read_text(encoding="utf-8")).timezone)
    wiring.stop_clock(target, Instant(calendar.start_of(Day(BEGINS + scenario.days)) + MORNING))
    with open_bank(target, clock=lambda: Instant(0), random=random_bytes(scenario.seed)) as bank:
        yield bank


def _judge(scenarios: list[Scenario], *, as_json: bool) -> None:
    """Live through many banks, one a process, and print what the policy gained."""
    from marketofone.lab.simulate.seeds import gather  # noqa: PLC0415 - the laboratory may be left out

    workers = min(len(scenarios), os.cpu_count() or 1)
    with terminal.Progress(quiet=as_json) as progress:
        if workers == 1:
            judged = list(progress.over(map(_judged, scenarios), total=len(scenarios), label="seeds"))
        else:
            os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads of several processes would wait for each other
            with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                judged = list(progress.over(pool.map(_judged, scenarios), total=len(scenarios), label="seeds"))
    found = gather(judged, customers=scenarios[0].customers, days=scenarios[0].days)
    terminal.say(found, "seeds", as_json=as_json)


def _judged(scenario: Scenario) -> Seed:
    from marketofone.lab.simulate import demo as demonstration  # noqa: PLC0415 - the laboratory may be left out
    from marketofone.lab.simulate.seeds import Seed  # noqa: PLC0415

    began = time.perf_counter()
    with TemporaryDirectory() as folder, _laid_out(Path(folder) / FOLDER, scenario) as bank:
        policy, race = demonstration.judge(bank, scenario)
    return Seed(seed=scenario.seed, seconds=round(time.perf_counter() - began, 1), policy=policy, race=race)


def _must_be_empty(folder: Path) -> None:
    if not (folder / wiring.DATA).is_dir():
        return
    document = folder / "bank.toml"
    settings = read_settings(document.read_text(encoding="utf-8")) if document.is_file() else None
    replaced = settings is not None and settings.engine == EMBEDDED and settings.clock is not None
    if folder.name != FOLDER or not replaced:  # only a demo's clock stands still
        raise MalformedRequest(field="--bank", shape="a bank that holds data", fix="name an empty folder")
    for part in (wiring.DATA, wiring.KEYS):  # the demo's own bank is made anew each time
        shutil.rmtree(folder / part, ignore_errors=True)


COMMANDS = (demo,)
