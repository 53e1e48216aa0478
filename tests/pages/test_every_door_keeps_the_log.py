"""The log of uses is complete over all doors: what is opened at the gate there stands in it, counted door by door.

Every route of the server and every command has a line here, or a reason why it reads nobody; a new one without a line
fails. The gate is the judge: who lets anything out of it about a person leaves an entry in that person's journal.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import click
import pytest
from click.testing import CliRunner
from page_visitor import NOW, client_of, cloudevent, year_of

import marketofone
from counted_gate import Gate
from marketofone import cli, wiring
from marketofone.bank import Bank
from marketofone.consent.ledger import ConsentChange, What
from marketofone.domain.decision import Request
from marketofone.domain.moment import instant_of, text_of
from marketofone.services.rights.use_log import TELLING, read_use
from marketofone.web.api.operations import OPERATIONS
from marketofone.web.console.pages import PAGES as CONSOLE
from marketofone.web.customer.pages import PAGES as CUSTOMER

WHO, OTHER = "c-1", "c-2"
BOTH = (WHO, OTHER)
START = instant_of(NOW)
EVERY = ("*",)
EVENT = {"content-type": "application/cloudevents+json"}
RIGHTS = {"right of access", "work of the staff"}
"""What stands in the log in place of a purpose: the right of the person, and the work of staff who look."""


class Door(NamedTuple):
    """A door: how somebody knocks, and which occasions each person's log has more of afterwards."""

    name: str
    more: Mapping[str, Any] = {}
    leaves: Mapping[str, tuple[str, ...]] = {}
    judges: str = ""
    """Why the gate is asked although nothing of a person is read there."""

    def left(self) -> dict[str, Counter[str]]:
        return {who: Counter(of) for who, of in self.leaves.items()}


def own(*occasions: str) -> dict[str, tuple[str, ...]]:
    return {WHO: occasions}


def all_people(*occasions: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(BOTH, occasions)


DEBTS = "what was learned is owed anew: it judges lessons, and reads no person"
COUNTS = "it counts over everybody and names nobody"
ASKED = "it says what may be read, and reads nothing"
PROOF = "it proves what was decided, and gives nothing away"
PAGE = f"/customer/{WHO}"
ABOUT = f"/v1/customers/{WHO}"
HTTP = (
    Door(f"GET /v1/decisions/d-{WHO}", leaves=own("decision")),
    Door(f"GET {ABOUT}/consents"),
    Door(f"GET {ABOUT}/consents/1/receipt"),
    Door(f"GET {ABOUT}/delegates"),
    Door(f"PUT {ABOUT}/delegates", {"json": {"name": "Ann", "until": "2030-12-31"}}),
    Door(f"GET {ABOUT}/permit?purpose=insights", judges=ASKED),
    Door(f"GET {ABOUT}/profile", leaves=own("profile")),
    Door(f"GET {ABOUT}/profile?as_of=2025-12-01", leaves=own("profile")),
    Door(f"GET {ABOUT}/insights", leaves=own("insights")),
    Door(f"GET {ABOUT}/forecast", leaves=own("forecast")),
    Door(f"GET {ABOUT}/merchants", leaves=own("merchants")),
    Door(f"GET {ABOUT}/inferences", leaves=own("inferences")),
    Door(f"PUT {ABOUT}/inferences", {"json": {"inference": "place.airport"}}, own("inferences", "inferences")),
    Door(f"GET {ABOUT}/uses"),
    Door(f"GET {ABOUT}/export", leaves=own("export")),
    Door(f"GET {ABOUT}/proof"),
    Door("GET /v1/impact", judges=COUNTS),
    Door("GET /v1/funnel", leaves={OTHER: ("funnel",)}, judges=COUNTS),
    Door("GET /health"),
    Door(f"GET {PAGE}", leaves=own("decisions")),
    Door(f"GET {PAGE}/first"),
    Door(f"GET {PAGE}/purposes/insights"),
    Door(f"GET {PAGE}/purposes/marketing/allow"),
    Door(f"GET {PAGE}/consents/1"),
    Door(f"GET {PAGE}/consents/1/receipt.json"),
    Door(f"GET {PAGE}/delegates"),
    Door(f"POST {PAGE}/delegates", {"data": {"say": "name", "name": "Bo", "may": "view", "until": "2030-12-31"}}),
    Door(f"GET {PAGE}/uses"),
    Door(f"GET {PAGE}/uses.csv"),
    Door(f"GET {PAGE}/uses.json"),
    Door(f"GET {PAGE}/uses/proof.json"),
    Door(f"GET {PAGE}/forecast", leaves=own("forecast", "decisions")),
    Door(f"GET {PAGE}/insights", leaves=own("spending")),
    Door(f"GET {PAGE}/merchants", leaves=own("merchants")),
    Door(f"GET {PAGE}/wrong", leaves=own("inferences", "merchants")),
    Door(f"POST {PAGE}/wrong", {"data": {"say": "wrong place.airport"}}, own("inferences")),
    Door(f"GET {PAGE}/take", leaves=own("contents")),
    Door(f"GET {PAGE}/take/file", leaves=own("export")),
    Door(f"GET {PAGE}/forget"),
    Door(f"GET {PAGE}/decisions/d-{WHO}", leaves=own("decision")),
    Door(f"POST {PAGE}/cases", {"data": {"kind": "call back"}}),
    Door(f"GET {PAGE}/cases"),
    Door("GET /"),
    Door("GET /console"),
    Door("POST /console", {"data": {"by": "Ann", "reason": "check"}}, all_people("decisions")),
    Door("GET /console/board"),
    Door("GET /console/impact", judges=COUNTS),
    Door("GET /console/gates", judges=COUNTS),
    Door("POST /console/gates", {"data": {"by": "Ann", "reason": "check"}}, {OTHER: ("funnel",)}, COUNTS),
    Door("GET /console/data"),
    Door("GET /console/cases"),
    Door(f"GET /console/decisions/d-{WHO}"),
    Door(f"POST /console/decisions/d-{WHO}", {"data": {"by": "Ann", "reason": "asked"}}, own("decision")),
    Door(f"GET /console/customers/{WHO}"),
    Door(
        f"POST /console/customers/{WHO}",
        {"data": {"by": "Ann", "reason": "asked"}},
        own("standing", "profile", "decisions"),
    ),
    Door("POST /v1/decisions", {"json": {"customer": WHO, "occasion": "app.opened"}}, own("decided")),
    Door("POST /v1/decisions", {"json": {"customer": WHO, "occasion": "app.opened", "slots": 3}}, own("decided")),
    Door("POST /v1/outcomes", {"json": {"decision": "SHOWN", "verdict": "accepted"}}, own("outcome")),
    Door(
        "POST /v1/events",
        {"content": cloudevent(901, "message.received", NOW, WHO, text="i lost my card"), "headers": EVENT},
        own("message"),
    ),
    Door("POST /v1/events", {"content": cloudevent(902, "app.opened", NOW, WHO), "headers": EVENT}),
    Door(f"PUT {ABOUT}/merchants", {"json": {"merchant": "x", "name": "X"}}, own("merchants")),
    Door(f"POST {ABOUT}/links", {"json": {}}),
)
COMMANDS = (
    Door(f"decide {WHO} --occasion app.opened", leaves=own("decided", "decision")),
    Door(f"why d-{WHO}", leaves=own("decision", "decision")),
    Door(f"forecast {WHO}", leaves=own("forecast")),
    Door("forecast --all", leaves=all_people("forecast")),
    Door(f"insights {WHO}", leaves=own("spending")),
    Door(
        "intervene", leaves={WHO: ("forecast", "intervene"), OTHER: ("screened", "intervene")}
    ),  # what was shown is looked at again
    Door("train", leaves=all_people("train")),
    Door(f"consent show {WHO}"),
    Door(f"consent check {WHO} --purpose insights", judges=ASKED),
    Door(f"rights export {WHO}", leaves=own("export")),
    Door(f"rights inferences {WHO}", leaves=own("inferences")),
    Door(f"rights correct {WHO} place.airport", leaves=own("inferences", "inferences")),
    Door(f"rights prove {WHO}"),
    Door(f"rights delegate {WHO} Cy --until 2030-12-31"),
    Door(f"rights delegates {WHO}"),
    Door(f"link {WHO} --delegate Cy"),
    Door(f"rights end-delegate {WHO} Cy"),
    Door(f"rights receipt {WHO}"),
    Door("impact", judges=COUNTS),
    Door("funnel", leaves={OTHER: ("funnel",)}, judges=COUNTS),
    Door("asks list"),
    Door("asks measure"),  # of nobody here answers have come: what it reads is in test_help_is_measured.py
    Door("verify"),
    Door("replay", judges=PROOF),
    Door("versions list", judges=DEBTS),
    Door("versions signs"),
    Door("letters list"),
    Door("board list"),
    Door(f"link {WHO}"),
)
SAYING = (
    Door(
        f"PUT {ABOUT}/consents", {"json": {"change": "grant", "purposes": EVERY, "sources": EVERY, "channels": EVERY}}
    ),
    Door(f"POST {PAGE}/consents", {"data": {"say": "pause"}}),
)
ELSEWHERE = {
    "POST /customer/{customer}/first": "what is said first says something, as the switches do",
    "POST /customer/{customer}/consents/{entry}": "undo says something, as the switches do",
    "POST /customer/{customer}/merchants": "as the interface's",
    "POST /customer/{customer}/decisions/{decision}/answer": "as the interface's outcomes",
    "POST /customer/{customer}/forget": "it forgets",
    "POST /v1/consents": "it takes in what was said",
    "POST /console/board": "it rules",
    "POST /console/cases": "it answers what was asked",
}
NO_READS = {
    "the laboratory": ("demo", "evaluate forecast", "evaluate movements", "evaluate policy", "evaluate recommend"),
    "a bank of one's own": ("own", "init", "serve", "import", "listen"),
    "keys and copies": ("backup", "checkpoint", "keys rewrap"),
    "what is said": tuple(
        f"consent {said}" for said in ("grant", "import", "lift", "object", "pause", "resume", "withdraw")
    ),
    "rulings": ("board approve", "board resume", "board stop"),
    "versions": ("versions promote", "versions roll-back", "versions show"),
    "rows that were kept aside": ("letters retry", "letters show"),
    "it compares, and writes nothing": ("diff",),
    "it comes and goes, or must stay": (
        "rights erase",
        "rights hold",
        "rights holds",
        "rights import",
        "rights lift-hold",
    ),
}


def say(bank: Bank, customer: str, change: What) -> None:
    said = ConsentChange(customer=customer, change=change, purposes=EVERY, sources=EVERY, channels=EVERY, since=START)
    bank.consent(said)


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a bank that stands at one moment: two people who allow everything, and something shown to the first only."""
    folder = tmp_path_factory.mktemp("doors")
    wiring.lay_out(folder)
    text = (folder / "bank.toml").read_text(encoding="utf-8")
    standing = text.replace('# clock = "2025-05-01T08:00:00Z"', f'clock = "{text_of(START)}"')
    (folder / "bank.toml").write_text(standing, encoding="utf-8")
    with marketofone.open(folder, random=Random(3).randbytes) as bank:
        say(bank, OTHER, "withdraw")
        assert bank.decide(OTHER, occasion="app.opened").action == "nothing", "so the funnel names them"
        for customer in BOTH:
            say(bank, customer, "grant")
            bank.ingest(year_of(customer, until=NOW)[:-1])
            bank.forecast(customer)
        bank.ingest([cloudevent(900, "place.visited", NOW, WHO, venue="airport")])
        for step in range(100):
            name = f"d-{WHO}" if step == 0 else f"e-{step}"
            if bank.decide(WHO, occasion="app.opened", id=name).action != "nothing":
                break
        bank.train()
    return folder


Entries = dict[str, list[tuple[str, frozenset[tuple[str, str]]]]]


def logged(bank: Bank) -> Entries:
    """Give for each person the entries of their journal that tell a use: the occasion, and what was read."""
    found: Entries = {}
    for owner in bank.context.keys.customers():
        with bank.context.store.read() as reader:
            read = [read_use(entry, owner) for entry in reader.entries(owner.subject, kinds=TELLING)]
        found[owner.name] = [(use.what, frozenset(use.scopes)) for use in read if use.scopes]
    return found


@pytest.fixture
def bank(laid: Path, tmp_path: Path) -> Iterator[Bank]:
    with marketofone.open(shutil.copytree(laid, tmp_path / "bank")) as opened:
        yield opened


def held(door: Door, bank: Bank, at_the_gate: Gate, knock: Callable[[], object]) -> None:
    """Knock, and hold what the log has more against what the door leaves and against the gate."""
    before = logged(bank)
    at_the_gate.opened.clear()
    knock()
    opened = set(at_the_gate.opened)
    new = {who: of[len(before[who]) :] for who, of in logged(bank).items()}
    found = {who: Counter(what for what, _ in of) for who, of in new.items() if of}
    assert found == door.left(), door.name
    read = {(who, *scope) for who, of in new.items() for what, scopes in of for scope in scopes if what != "message"}
    assert {line for line in read if line[1] not in RIGHTS} <= opened, door.name
    silent = {who for who, *_ in opened if not new[who]}
    assert not silent or door.judges, f"{door.name} opens what is theirs, and their log has nothing of it"


@pytest.mark.slow
def test_what_is_opened_at_the_gate_stands_in_the_log_at_every_door_of_the_server(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_the_gate, client = Gate(monkeypatch), client_of(bank)
    with bank.context.store.read() as reader:
        shown = bank.context.snapshot(reader).person(WHO).contacts[-1].decision
    for door in (*HTTP, *SAYING):
        method, path = door.name.split(" ")
        more = {name: dict(of) if isinstance(of, dict) else of for name, of in door.more.items()}
        if "decision" in more.get("json", {}):
            more["json"]["decision"] = shown
        if "data" in more:
            form = client.get(path if "console" in path else PAGE).text
            more["data"]["token"] = re.findall(r'name="token" value="([^"]+)"', form)[0]

        def knock(method: str = method, path: str = path, more: dict[str, Any] = more) -> None:
            assert client.request(method, path, follow_redirects=False, **more).status_code in range(200, 304)

        held(door, bank, at_the_gate, knock)


@pytest.mark.slow
def test_what_is_opened_at_the_gate_stands_in_the_log_at_every_command(
    bank: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_the_gate = Gate(monkeypatch)
    for door in COMMANDS:

        def knock(words: str = door.name) -> None:
            done = CliRunner().invoke(cli.main, [*words.split(), "--bank", str(tmp_path / "bank")])
            assert done.exit_code == 0, done.output

        held(door, bank, at_the_gate, knock)


def request(customer: str, number: int) -> Request:
    return Request(customer=customer, occasion="app.opened", id=f"all-{number}-{customer}", channel="app", at=START)


@pytest.mark.slow
def test_what_is_opened_at_the_gate_stands_in_the_log_where_many_are_asked_about_at_once(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_the_gate = Gate(monkeypatch)
    doors: tuple[tuple[Door, Callable[[], object]], ...] = (
        (Door("decide_all", leaves=all_people("decided")), lambda: bank.decide_all([request(of, 1) for of in BOTH])),
        (Door("decide_each", leaves=all_people("decided")), lambda: bank.decide_each([request(of, 2) for of in BOTH])),
        (Door("forecast_all", leaves=all_people("forecast")), lambda: list(bank.forecast_all())),
        (Door("refresh_forecasts", leaves={WHO: ("forecast",), OTHER: ("screened",)}), bank.refresh_forecasts),
        (Door("intervene", leaves=all_people("intervene")), bank.intervene),
        (Door("train", leaves=all_people("train")), bank.train),
    )
    for door, knock in doors:
        held(door, bank, at_the_gate, knock)


def test_every_route_and_every_command_has_its_line() -> None:
    def as_routed(name: str) -> str:
        method, path = name.partition("?")[0].split(" ")
        for said, of in ((WHO, "{customer}"), (f"d-{WHO}", "{decision}")):
            path = "/".join(of if part == said else part for part in path.split("/"))
        path = re.sub(r"/consents/1(?=/|$)", "/consents/{entry}", path)
        return f"{method} {re.sub(r'/purposes/[a-z]+', '/purposes/{purpose}', path)}"

    routes = {f"{of.method} {of.path}" for of in (*OPERATIONS, *CUSTOMER, *CONSOLE)}
    assert {as_routed(door.name) for door in (*HTTP, *SAYING)} | ELSEWHERE.keys() == routes
    lines = {door.name for door in COMMANDS}
    left_out = {name for names in NO_READS.values() for name in names}
    for command in commands(cli.main, ()):
        assert command in left_out or any(f"{line} ".startswith(f"{command} ") for line in lines), command


def commands(of: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(of, click.Group):
        yield " ".join(path)
        return
    for name, inner in of.commands.items():
        yield from commands(inner, (*path, name))
