"""The command line keeps its word: names, JSON shapes, exit codes, and one document on standard output."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner, Result

from marketofone import wiring
from marketofone.cli import main
from marketofone.store.ports import CODES

DONE, SAID_NO, BAD_USAGE, BAD_INPUT = range(4)
BEGAN, AS_OF = "2024-01-01", "2024-06-30"
OWNER = "c-1"
Run = Callable[..., Result]


def event(number: int, *, day: str, kind: str = "transaction.booked", **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(number),
        "source": "/core",
        "type": kind,
        "subject": OWNER,
        "time": f"{day}T08:00:00Z",
        "data": data,
    }


def half_a_year() -> Iterator[dict[str, Any]]:
    """Live from January to June 2024: rent and salary every month, groceries every other day."""
    number = 0
    for month in range(1, 7):
        for day in range(1, 29):
            flows = [(-90_000, "rent")] if day == 2 else [(250_000, "salary")] if day == 25 else []
            flows += [(-3_000 - 100 * (day % 5), "groceries")] if day % 2 else []
            for amount, category in flows:
                number += 1
                facts: dict[str, Any] = {"amount_minor": amount, "category": category, "balance_minor": 400_000}
                date = f"2024-{month:02}-{day:02}"
                yield event(number, day=date, account="a-1", currency="EUR", **facts)


ROWS = list(half_a_year())


def invoke(folder: Path, *words: str, **options: Any) -> Result:
    return CliRunner().invoke(main, [*words, "--bank", str(folder)], **options)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, fitted: Path) -> Path:
    """Give a bank that was laid out, granted and filled by commands alone: one customer, half a year."""
    folder = tmp_path_factory.mktemp("cli") / "bank"
    assert CliRunner().invoke(main, ["init", str(folder)]).exit_code == DONE
    shutil.copytree(fitted, folder / wiring.DATA, ignore=shutil.ignore_patterns("bank.sqlite*"))
    lines = folder.parent / "events.jsonl"
    lines.write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    assert invoke(folder, "consent", "grant", OWNER, "--as-of", BEGAN).exit_code == DONE
    assert invoke(folder, "import", "cloudevents", str(lines)).exit_code == DONE
    return folder


@pytest.fixture
def run(folder: Path) -> Run:
    def run(*words: str, **options: Any) -> Result:
        return invoke(folder, *words, **options)

    return run


@pytest.fixture
def told(run: Run) -> Callable[..., Any]:
    """Run a command that succeeds and give the one JSON document on its standard output."""

    def told(*words: str, **options: Any) -> Any:
        result = run(*words, "--json", **options)
        assert result.exit_code == DONE, result.stderr
        assert result.stdout.count("\n") == 1
        return json.loads(result.stdout)

    return told


def commands(group: click.Group, *names: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *names, name)
        else:
            yield " ".join((*names, name)), command


def test_every_command_of_the_contract_is_there_and_gives_json_and_takes_a_bank() -> None:
    found = dict(commands(main))
    promised = {
        "init", "demo", "import", "serve", "decide", "forecast", "listen", "train", "replay", "verify", "impact",
        "consent show", "consent grant", "consent withdraw", "consent object", "consent lift",
        "consent pause", "consent resume",
        "board list", "board approve", "board stop", "board resume",
    }  # fmt: skip
    assert promised <= set(found)
    for name, command in found.items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert "--json" in options, name
        assert "--bank" in options or name == "init", name
        assert command.help, name
    for name in ("decide", "forecast", "consent show", "consent grant", "consent withdraw", "train", "board list"):
        assert "--as-of" in {option for parameter in found[name].params for option in parameter.opts}, name


def test_init_says_what_it_wrote_and_never_writes_over_a_file(tmp_path: Path) -> None:
    first = CliRunner().invoke(main, ["init", str(tmp_path), "--json"])
    assert set(json.loads(first.stdout)["written"]) == {
        "bank.toml", "consent.toml", "actions.toml", "guardrails.toml", "features.py",
    }  # fmt: skip
    (tmp_path / "bank.toml").write_text("mine", encoding="utf-8")
    again = CliRunner().invoke(main, ["init", str(tmp_path), "--json"])
    assert json.loads(again.stdout) == {"written": []}
    assert (tmp_path / "bank.toml").read_text(encoding="utf-8") == "mine"


def test_import_counts_every_row_once_and_says_by_its_exit_code_that_some_were_bad(run: Run, tmp_path: Path) -> None:
    good, other = event(9_001, day="2024-06-29", kind="app.opened"), event(9_002, day="2024-06-29", kind="app.opened")
    path = tmp_path / "more.jsonl"
    lines = [json.dumps(good), json.dumps(good), "", "tea", json.dumps({**other, "type": "tea.spilled"}), "[]"]
    path.write_text("\n".join([*lines, json.dumps({**other, "subject": "c-9"})]), encoding="utf-8")

    first = run("import", "cloudevents", str(path), "--json")
    counts = json.loads(first.stdout)

    assert first.exit_code == BAD_INPUT
    assert (counts["rows"], counts["events"], counts["dead_letters"], counts["duplicates"]) == (6, 2, 3, 1)
    assert counts["refused"] == 1  # nobody asked c-9
    assert counts["seconds"] >= 0
    again = json.loads(run("import", "cloudevents", str(path), "--json").stdout)
    # What may not be kept burns no id: the row about c-9 arrives anew.
    assert (again["rows"], again["events"], again["dead_letters"], again["duplicates"]) == (6, 1, 3, 2)
    assert again["refused"] == 1


def test_import_reads_standard_input(told: Callable[..., Any]) -> None:
    line = json.dumps(event(9_101, day="2024-06-29", kind="app.opened"))
    assert told("import", "cloudevents", "-", input=f"{line}\n")["events"] == 1


def test_decide_gives_the_decision_with_its_reasons_and_the_same_again_for_its_id(told: Callable[..., Any]) -> None:
    asked = ("decide", OWNER, "--occasion", "app.opened", "--id", "d-1")
    document = told(*asked)

    assert {
        "id", "customer", "occasion", "action", "propensity", "because", "not_used", "instead", "seconds",
    } <= set(document)  # fmt: skip
    assert (document["id"], document["customer"], document["occasion"]) == ("d-1", OWNER, "app.opened")
    assert 0 < document["propensity"] <= 1
    assert document["because"]
    assert all(set(reason) == {"text", "feature", "source", "term"} for reason in document["because"])
    assert document["instead"] is None or set(document["instead"]) == {"change", "action"}
    assert ["insights", "transactions"] in document["uses"]
    again, why = told(*asked), told("why", "d-1")
    assert {**again, "seconds": 0} == {**document, "seconds": 0} == {**why, "seconds": 0}


def test_a_question_about_the_past_is_answered_and_no_decision_knows_of_it(told: Callable[..., Any]) -> None:
    before = told("replay")["decisions"]
    document = told("decide", OWNER, "--occasion", "app.opened", "--as-of", AS_OF)

    assert document["at"] == "2024-06-30T21:59:59.999999Z"  # a date is its end, in the bank's timezone
    assert document["because"]
    assert ["insights", "transactions"] in document["uses"]
    assert told("replay")["decisions"] == before


def test_nothing_is_asked_about_the_future(run: Run) -> None:
    for words in (
        ("decide", OWNER, "--occasion", "app.opened"),
        ("forecast", OWNER),
        ("forecast", "--all"),
        ("insights", OWNER),
        ("consent", "show", OWNER),
        ("consent", "grant", OWNER),
        ("train",),
        ("board", "list"),
    ):
        result = run(*words, "--as-of", "2190-01-01", "--json")
        assert (result.exit_code, result.stdout) == (BAD_INPUT, ""), words
        assert "future" in result.stderr


def test_today_is_no_future_day_though_it_has_not_ended(told: Callable[..., Any]) -> None:
    today = datetime.now(tz=ZoneInfo("Europe/Prague")).date().isoformat()
    assert told("insights", OWNER, "--as-of", today)["as_of"] == today


def test_decide_says_what_was_not_used_and_why(told: Callable[..., Any]) -> None:
    told("consent", "grant", "c-2", "--source", "app", "--as-of", BEGAN)
    document = told("decide", "c-2", "--occasion", "app.opened", "--as-of", AS_OF)

    reasons = {item["source"]: item["why"] for item in document["not_used"]}
    assert all(set(item) == {"source", "why"} for item in document["not_used"])
    assert "transactions" in reasons
    assert {source for _, source in document["uses"]} == {"app", "protection"}


def test_forecast_gives_ninety_days_of_nine_quantiles(told: Callable[..., Any]) -> None:
    document = told("forecast", OWNER, "--as-of", AS_OF)

    assert (document["customer"], document["as_of"], document["currency"]) == (OWNER, AS_OF, "EUR")
    assert [account["account"] for account in document["accounts"]] == ["a-1"]
    days = document["accounts"][0]["days"]
    assert len(days) == 90
    assert (days[0]["day"], days[-1]["day"]) == ("2024-07-01", "2024-09-28")
    for day in days:
        assert len(day["quantiles"]) == 9
        assert day["quantiles"] == sorted(day["quantiles"])
        assert all(isinstance(quantile, int) for quantile in day["quantiles"])
    assert isinstance(document["events"], list)


def test_listen_gives_a_line_for_a_text(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "texts"
    path.write_text('where is my card?\n\n{"text_id": "m-7", "text": "I am furious, nobody helps me!"}\n', "utf-8")
    result = run("listen", str(path), "--json")

    assert result.exit_code == DONE, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["text_id"] for line in lines] == ["1", "m-7"]
    for line in lines:
        assert {"text_id", "intents", "sentiment", "emotion", "urgency", "needs", "route"} <= set(line)
        assert all(set(intent) == {"intent", "probability"} for intent in line["intents"])
    assert (
        run("listen", "-", "--json", input="where is my card?\n").stdout.splitlines()[0]
        == result.stdout.splitlines()[0]
    )


def test_consents_are_shown_cell_by_cell_as_they_are_changed(told: Callable[..., Any]) -> None:
    shown = told("consent", "show", "c-3")
    assert (shown["customer"], shown["epoch"]) == ("c-3", 0)
    assert {cell["state"] for cell in shown["cells"]} == {"never"}
    assert all(set(cell) == {"purpose", "source", "channel", "state", "until"} for cell in shown["cells"])

    cell = ("--purpose", "care", "--source", "messages", "--channel", "phone")
    began = datetime.now(tz=UTC)
    granted = told("consent", "grant", "c-3", *cell, "--days", "10", "--as-of", "2024-06-01T00:00:00Z")
    (one,) = [cell for cell in granted["cells"] if cell["state"] == "granted"]
    assert (one["purpose"], one["source"], one["channel"]) == ("care", "messages", "phone")
    said = datetime.fromisoformat(one["until"]) - timedelta(days=10)
    assert began <= said <= datetime.now(tz=UTC), "counted from when it was said"
    assert granted["until"] == one["until"]
    assert granted["epoch"] == 1
    before = told("consent", "show", "c-3", "--as-of", "2024-05-31")
    assert {cell["state"] for cell in before["cells"]} == {"never"}  # nothing was said yet, whatever date it names
    withdrawn = told("consent", "withdraw", "c-3", "--source", "messages", "--as-of", "2024-06-02")
    assert {cell["source"] for cell in withdrawn["cells"] if cell["state"] == "withdrawn"} == {"messages"}
    assert withdrawn["epoch"] == 2


def test_every_grant_ends_and_a_longer_one_is_refused_with_the_latest_end(told: Callable[..., Any], run: Run) -> None:
    end = told("consent", "grant", "c-4")["until"]
    days = datetime.fromisoformat(end) - datetime.now(tz=UTC)
    assert timedelta(days=364) < days < timedelta(days=366)
    assert end[:10] in run("consent", "grant", "c-4", "--purpose", "care").stdout
    refused = run("consent", "grant", "c-4", "--days", "3650", "--json")
    assert (refused.exit_code, refused.stdout) == (BAD_INPUT, "")
    assert "365 days" in refused.stderr


def test_a_no_that_names_a_past_day_holds_at_once(told: Callable[..., Any]) -> None:
    told("consent", "grant", "c-5")
    said = told("consent", "withdraw", "c-5", "--as-of", BEGAN)
    assert {cell["state"] for cell in said["cells"]} == {"withdrawn"}
    assert said["until"] is None


def test_an_objection_stops_all_offers_until_it_is_lifted(told: Callable[..., Any], run: Run) -> None:
    def offers(said: dict[str, Any]) -> set[str]:
        return {cell["state"] for cell in said["cells"] if cell["purpose"] == "marketing"}

    told("consent", "grant", "c-6")
    assert offers(told("consent", "object", "c-6", "--as-of", BEGAN)) == {"objected"}
    assert offers(told("consent", "grant", "c-6", "--purpose", "marketing")) == {"objected"}
    assert "no offers at all" in run("consent", "show", "c-6").stdout
    lifted = told("consent", "lift", "c-6")
    assert (offers(lifted), lifted["until"]) == ({"granted"}, None)


def test_a_pause_is_told_with_its_end_and_ends_before_it_when_it_is_resumed(told: Callable[..., Any], run: Run) -> None:
    told("consent", "grant", "c-7")
    began = datetime.now(tz=UTC)
    paused = told("consent", "pause", "c-7", "--purpose", "care", "--days", "10")
    assert {cell["purpose"] for cell in paused["cells"] if cell["state"] == "paused"} == {"care"}
    assert began + timedelta(days=10) <= datetime.fromisoformat(paused["until"])
    assert f"paused until {paused['until'][:10]}: care" in run("consent", "show", "c-7").stdout
    assert run("consent", "pause", "c-7", "--days", "91").exit_code == BAD_INPUT
    assert {cell["state"] for cell in told("consent", "resume", "c-7")["cells"]} == {"granted"}


def test_the_board_rules_over_what_is_listed(told: Callable[..., Any]) -> None:
    listed = {row["action"]: row for row in told("board", "list")}
    sensitive = next(name for name, row in listed.items() if row["tier"] == 3)
    assert listed[sensitive]["standing"] == "not_approved"
    approved = told(
        "board", "approve", sensitive, "--by", "the board", "--days", "10", "--as-of", "2024-06-01T00:00:00Z"
    )
    row = next(row for row in approved if row["action"] == sensitive)
    assert (row["standing"], row["until"]) == ("approved", "2024-06-11T00:00:00Z")
    stopped = told("board", "stop", "offer", "--by", "the board", "--note", "an incident")
    assert {row["standing"] for row in stopped if row["kind"] == "offer"} == {"stopped"}
    resumed = told("board", "resume", "offer", "--by", "the board")
    assert "stopped" not in {row["standing"] for row in resumed}


def test_replay_verify_train_and_impact_say_what_they_found(told: Callable[..., Any]) -> None:
    told("decide", OWNER, "--occasion", "app.opened")
    replayed = told("replay", "--all")
    assert replayed["decisions"] >= 1
    assert replayed["differences"] == 0
    verified = told("verify")
    assert verified["ok"] is True
    assert verified["entries"] == replayed["entries"]
    assert len(verified["head"]) == 64
    people = told("train", "--as-of", AS_OF)["people"]
    assert people >= 1
    assert told("verify")["entries"] == verified["entries"] + people + 1  # a use of each, and the version
    assert told("impact")["finding"] == "not enough evidence"


def test_the_funnel_counts_what_was_decided(told: Callable[..., Any]) -> None:
    before = told("funnel", "--days", "2")
    made = told("decide", OWNER, "--occasion", "app.opened")
    found = told("funnel", "--days", "2")
    assert (found["asked"], found["decisions"]) == (1, before["decisions"] + 1)
    assert found["served"] == max(before["served"], made["action"] != "nothing")
    assert found["pairs"] == sum(of["people"] for of in found["actions"])


def test_demo_ends_with_its_report(tmp_path: Path) -> None:
    words = ["demo", "--bank", str(tmp_path / "demo"), "--customers", "10", "--days", "60", "--no-serve", "--json"]
    result = CliRunner().invoke(main, words)

    assert result.exit_code == DONE, result.stderr
    report = json.loads(result.stdout)
    assert {
        "customers", "events", "refused", "decisions", "outcomes", "replay_differences", "chain_ok", "seconds",
    } <= set(report)  # fmt: skip
    assert report["customers"] == 10
    assert (report["replay_differences"], report["chain_ok"]) == (0, True)
    assert min(report["events"], report["refused"], report["decisions"], report["outcomes"]) > 0
    again = CliRunner().invoke(main, words)
    assert again.exit_code == BAD_INPUT, "a bank that holds data is not overwritten"


@pytest.mark.parametrize(
    "words",
    [
        ("decide", OWNER, "--occasion", "app.opened", "--as-of", AS_OF),
        ("forecast", OWNER, "--as-of", AS_OF),
        ("consent", "show", OWNER),
        ("board", "list"),
        ("replay",),
        ("verify",),
        ("impact",),
        ("funnel",),
    ],
    ids=lambda words: words[0],
)
def test_without_json_people_get_words(run: Run, words: tuple[str, ...]) -> None:
    result = run(*words)
    assert result.exit_code == DONE
    assert len(result.stdout.split()) > 5
    assert not result.stdout.startswith(("{", "["))


MISUSED = [
    ("decide", OWNER),
    ("decide", "--occasion", "app.opened"),
    ("decide", OWNER, "--occasion", "app.opened", "--colour", "red"),
    ("consent", "grant", OWNER, "--days", "0"),
    ("consent", "grant", OWNER, "--days", "soon"),
    ("impact", "--level", "2"),
    ("import", "tea", "."),
    ("import", "cloudevents", "no-such-file"),
    ("board", "approve", "credit_card", "--by", "me"),
    ("board", "stop", "offer"),
    ("tea",),
    (),
]
BAD = [
    (("decide", "nobody", "--occasion", "app.opened"), "no such customer"),
    (("decide", OWNER, "--occasion", "tea.time"), "occasion"),
    (("decide", OWNER, "--occasion", "app.opened", "--as-of", "tomorrow"), "--as-of"),
    (("decide", OWNER, "--occasion", "app.opened", "--as-of", "2024-06-30T10:00:00"), "--as-of"),
    (("decide", OWNER, "--occasion", "app.opened", "--id", ".."), "id: text of 2 characters"),
    (("decide", OWNER, "--occasion", "app.opened", "--id", "a b"), "id: text of 3 characters"),
    (("forecast", "nobody"), "no such customer"),
    (("consent", "grant", OWNER, "--purpose", "tea"), "purposes"),
    (("consent", "grant", OWNER, "--purpose", "protection"), "purposes"),
    (("consent", "withdraw", OWNER, "--source", "diary"), "sources"),
    (("consent", "withdraw", OWNER, "--channel", "pigeon"), "channels"),
    (("board", "stop", "free_money", "--by", "me"), "no such action"),
    (("board", "approve", "offer", "--by", "me", "--days", "3"), "scope"),
    (("import", "cloudevents", "."), "JSON Lines"),
    (("import", "berka", "."), "account"),
    (("consent", "grant", "a\udcff"), "customer: 2 characters that are no UTF-8"),
    (("consent", "grant", OWNER, "--purpose", "\udcff"), "purposes: 1 characters that are no UTF-8"),
    (("rights", "erase", "a\udcff", "--yes"), "customer: 2 characters that are no UTF-8"),
    (("rights", "erase", OWNER, "--ground", "\udcff", "--yes"), "ground: 1 characters that are no UTF-8"),
    (("board", "stop", "offer", "--by", "\udcff"), "by: 1 characters that are no UTF-8"),
    (("verify", "--public-key", "\udcff"), "public_key: 1 characters that are no UTF-8"),
]


@pytest.mark.parametrize(
    ("code", "words", "said"),
    [
        *((BAD_USAGE, words, "") for words in MISUSED),
        *((BAD_INPUT, words, said) for words, said in BAD),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else None,
)
def test_what_goes_wrong_has_its_exit_code_and_nothing_on_standard_output(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*words, "--json") if words else CliRunner().invoke(main, [])

    assert result.exit_code == code
    assert result.stdout == ""
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_a_no_is_told_apart_from_a_fault(run: Run) -> None:
    assert run("consent", "grant", "c-no", "--as-of", BEGAN).exit_code == DONE
    assert run("consent", "withdraw", "c-no", "--as-of", BEGAN).exit_code == DONE
    result = run("forecast", "c-no", "--as-of", AS_OF, "--json")

    assert (result.exit_code, result.stdout) == (SAID_NO, "")
    assert "you said no" in result.stderr


def test_a_folder_without_a_bank_is_bad_input(tmp_path: Path) -> None:
    result = invoke(tmp_path, "verify", "--json")
    assert (result.exit_code, result.stdout) == (BAD_INPUT, "")
    assert "init" in result.stderr


@pytest.mark.parametrize(
    ("document", "old", "new"),
    [
        ("bank.toml", "exploration = 0.02", "exploration = 2"),
        ("bank.toml", 'timezone = "Europe/Prague"', 'timezone = "Middle/Earth"'),
        ("consent.toml", "[purposes.care]", "[purposes.care"),
        ("actions.toml", 'kind = "offer"', 'kind = "bait"'),
        ("guardrails.toml", "decline_days = 90", "decline_days = -1"),
        ("features.py", "FEATURES", "FEATHERS"),
    ],
)
def test_a_broken_document_is_bad_input_and_named(
    folder: Path, tmp_path: Path, document: str, old: str, new: str
) -> None:
    broken = tmp_path / "bank"
    shutil.copytree(folder, broken, ignore=shutil.ignore_patterns("bank.sqlite*"))
    text = (broken / document).read_text(encoding="utf-8")
    assert old in text
    (broken / document).write_text(text.replace(old, new), encoding="utf-8")

    result = invoke(broken, "decide", OWNER, "--occasion", "app.opened", "--json")

    assert (result.exit_code, result.stdout) == (BAD_INPUT, "")
    assert result.stderr.strip()
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("command", "tampering"),
    [
        (
            "replay",
            "UPDATE entries SET body = zeroblob(length(body)) WHERE kind = ?",
        ),
        ("verify", "UPDATE entries SET at = at + 1 WHERE kind = ?"),
    ],
)
def test_what_does_not_hold_is_said_with_an_exit_code(
    folder: Path, tmp_path: Path, command: str, tampering: str
) -> None:
    assert invoke(folder, "decide", OWNER, "--occasion", "app.opened").exit_code == DONE
    altered = tmp_path / "bank"
    shutil.copytree(folder, altered)
    with sqlite3.connect(altered / wiring.DATA / "bank.sqlite") as connection:
        assert connection.execute(tampering, (CODES["decision"],)).rowcount
    connection.close()

    result = invoke(altered, command, "--json")

    assert result.exit_code == SAID_NO
    document = json.loads(result.stdout)
    assert document.get("differences", 1) > 0
    assert document.get("ok", False) is False


@pytest.mark.parametrize(
    "words",
    [
        ("decide", OWNER, "--occasion", "app.opened", "--as-of", "0001-01-01T00:00:00+14:00"),
        ("consent", "grant", "c-\udcff"),
        ("listen", "latin-1.txt"),
    ],
    ids=["an instant no calendar holds", "a name that is no text", "a file that is no UTF-8"],
)
def test_unreadable_input_is_bad_input(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin-1.txt").write_bytes("caf\u00e9\n".encode("latin-1"))
    assert run(*words, "--json").exit_code == BAD_INPUT


@pytest.mark.parametrize("name", ["", "c 1", "c-1\n"])
def test_a_name_no_event_may_carry_gets_no_consents(run: Run, name: str) -> None:
    assert run("consent", "grant", name, "--json").exit_code == BAD_INPUT
