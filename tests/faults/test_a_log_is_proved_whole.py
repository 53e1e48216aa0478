"""What a customer is given as a proof of their log holds to a checkpoint, and whatever is done to it is found."""

from __future__ import annotations

import ast
import json
import runpy
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from copy import deepcopy
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec
import pytest
from click.testing import CliRunner
from cryptography.exceptions import InvalidSignature
from hypothesis import given, settings
from hypothesis import strategies as st
from situations import NOW, gives_up, runs_short, says, sent, shares, spends

import marketofone
from marketofone import Bank, cli, wiring
from marketofone.domain.errors import MalformedRequest, UnknownCustomer
from marketofone.domain.moment import DAY, HOUR, Instant
from marketofone.services.proof.checkpoint import public_key_of, signed_by_bank
from marketofone.services.rights.proof_file import proof_bytes

SCRIPT = Path(__file__).parents[2] / "docs" / "scripts" / "check_proof.py"
CHECK = runpy.run_path(str(SCRIPT))
WHO, OTHER = "c-1", "somebody-else"
LATER = Instant(NOW + HOUR)
Document = dict[str, Any]
FOUND = (CHECK["NotWhole"], InvalidSignature, ValueError, KeyError, IndexError, TypeError, OverflowError)


class Proved(NamedTuple):
    """A bank that was lived in, a proof of one customer's journal, and the key that checks it."""

    bank: Bank
    document: Document
    key: str


def live(bank: Bank) -> None:
    for customer in (WHO, OTHER):
        says(bank, customer)
        bank.ingest(
            [*runs_short(customer), *spends(customer)[:20], sent("message.received", customer, text="hello")], now=NOW
        )
        bank.profile(customer, now=NOW)
        bank.decide(customer, occasion="app.opened", now=NOW)
        bank.forecast(customer, now=NOW)
        bank.insights(customer, now=NOW)
        says(bank, customer, "withdraw", source="messages", now=NOW)


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proved]:
    folder = tmp_path_factory.mktemp("proved")
    wiring.lay_out(folder)
    with marketofone.open(folder, clock=lambda: NOW, now=NOW, random=Random(7).randbytes) as bank:
        live(bank)
        bank.checkpoint(now=NOW)
        bank.profile(WHO, now=NOW)
        document = json.loads(proof_bytes(bank.rights.prove(WHO, now=NOW)))
        yield Proved(bank, document, public_key_of(bank.context.keys).hex())


def check(document: Document, key: str, checkpoint: str | None = None) -> None:
    CHECK["check"](document, key, checkpoint)


def signed_again(proved: Proved, document: Document) -> Document:
    """Give what a bank would give that lies: signed by its own key, and against its own checkpoint."""
    return signed_by_bank(proved.bank.context.keys, {name: of for name, of in document.items() if name != "signature"})


def test_a_proof_holds_and_tells_each_use_and_all_that_was_said_about_consent(proved: Proved) -> None:
    check(proved.document, proved.key, proved.document["checkpoint"])
    entries = proved.document["entries"]
    read = {(purpose, source) for of in entries if of["says"] for purpose, source in of["says"].get("read", ())}
    assert read == {(use.purpose, use.source) for use in proved.bank.uses(WHO)}
    counted = sum(len(of["says"].get("read", ())) for of in entries if of["says"])
    assert counted == sum(use.count for use in proved.bank.uses(WHO, days=3_650))
    assert [of["says"]["change"] for of in entries if of["kind"] == "consent"] == ["grant", "withdraw"]
    assert len(entries) == proved.document["place"]["n"] + 1, "one came after the checkpoint"


def test_nothing_of_another_customer_is_in_it(proved: Proved) -> None:
    (other,) = proved.bank.context.keys.find((OTHER,)).values()
    written = json.dumps(proved.document)
    for told in (OTHER, str(other.subject)):
        assert told not in written
    for entry in proved.document["entries"]:
        assert OTHER.encode() not in b64decode(entry["opened"]["plain"] if entry["opened"] else "")


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list) and value:
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, name))
    else:
        yield path


def altered(value: Any, draw: Random) -> Any:
    match value:
        case bool() | None:
            return "x"
        case int():
            return value + draw.choice((-1, 1))
        case str():
            at, cut = draw.randrange(len(value) + 1), draw.randrange(2)
            return (
                value[:at] + value[at + 1 :]
                if cut and at < len(value)
                else value[:at] + draw.choice("0aZ") + value[at:]
            )
        case _:
            return [["insights", "transactions"]]


def put(document: Document, path: tuple[Any, ...], change: Callable[[Any], Any]) -> None:
    at: Any = document
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = change(at[path[-1]])


@given(draw=st.randoms(use_true_random=False))
def test_any_value_that_is_altered_is_found(proved: Proved, draw: Random) -> None:
    document = deepcopy(proved.document)
    path = draw.choice(list(places(document)))
    put(document, path, lambda value: altered(value, draw))
    with pytest.raises(FOUND):
        check(document, proved.key)


Tampering = Callable[[list[Document], int, int], None]


def moved(entries: list[Document], one: int, other: int) -> None:
    entries.insert(other, entries.pop(one))


def exchanged(entries: list[Document], one: int, other: int) -> None:
    entries[one], entries[other] = entries[other], entries[one]


def put_in_place_of(entries: list[Document], one: int, other: int) -> None:
    entries[one] = {**entries[other], "n": entries[one]["n"]}


TAMPERINGS: dict[str, Tampering] = {
    "left out": lambda entries, one, _: entries.__delitem__(one),
    "cut off behind": lambda entries, one, _: entries.__delitem__(slice(one, None)),
    "cut off before": lambda entries, one, _: entries.__delitem__(slice(0, one + 1)),
    "told twice": lambda entries, one, other: entries.insert(other, deepcopy(entries[one])),
    "moved": moved,
    "exchanged": exchanged,
    "put in place of another": put_in_place_of,
}


@pytest.mark.parametrize("numbers", ["kept", "anew"])
@pytest.mark.parametrize("how", TAMPERINGS)
@given(data=st.data())
def test_a_bank_that_leaves_out_adds_or_moves_an_entry_is_found_though_it_signs_anew(
    proved: Proved, data: st.DataObject, how: str, numbers: str
) -> None:
    document = deepcopy(proved.document)
    entries, last = document["entries"], document["place"]["n"] - 1
    one, other = (data.draw(st.integers(0, last)) for _ in range(2))
    TAMPERINGS[how](entries, one, other)
    if numbers == "anew":
        for n, entry in enumerate(entries, 1):
            entry["n"] = n
    if document != proved.document:
        with pytest.raises(FOUND):
            check(signed_again(proved, document), proved.key)


def chained_anew(document: Document) -> None:
    """Make the chain of a document whole again, as only a bank can that writes its journal anew."""
    before = bytes(32)
    for entry in document["entries"]:
        before = CHECK["entry_hash"](int(document["journal"]), entry, before)
        entry["hash"] = before.hex()


HEADER = ("at", "recorded", "stamp", "kind", "body_digest", "commitment")


@pytest.mark.parametrize("chain", ["kept", "anew"])
@given(draw=st.randoms(use_true_random=False))
def test_a_bank_that_writes_its_journal_anew_is_found_by_the_checkpoint(
    proved: Proved, draw: Random, chain: str
) -> None:
    document = deepcopy(proved.document)
    entry = document["entries"][draw.randrange(document["place"]["n"])]
    entry["says"], entry["opened"] = deepcopy(entry["says"]), deepcopy(entry["opened"])
    name = draw.choice(HEADER)
    entry[name] = altered(entry[name], draw)
    if chain == "anew":
        try:
            chained_anew(document)
        except FOUND:
            return
    with pytest.raises(FOUND):
        check(signed_again(proved, document), proved.key)


@given(draw=st.randoms(use_true_random=False))
def test_a_bank_that_tells_another_use_or_consent_than_it_recorded_is_found(proved: Proved, draw: Random) -> None:
    document = deepcopy(proved.document)
    told = [entry for entry in document["entries"] if entry["opened"]]
    entry = draw.choice(told)
    path = draw.choice(list(places(entry["says"])))
    put(entry["says"], path, lambda value: altered(value, draw))
    match draw.randrange(3):
        case 0:  # another text with another salt cannot have the same commitment
            said = (
                [entry["says"][name] for name in ("actor", "what", "read")]
                if entry["kind"] == "use"
                else ["", entry["says"]]
            )
            entry["opened"]["plain"] = b64encode(b"\x02" + msgspec.msgpack.encode(said)).decode()
        case 1:
            entry["opened"] = None
        case _:
            pass
    with pytest.raises(FOUND):
        check(signed_again(proved, document), proved.key)


@pytest.mark.parametrize("kind", ["use", "consent", "decision", "forecast", "signal"])
def test_no_entry_that_may_tell_a_use_is_silent(proved: Proved, kind: str) -> None:
    document = deepcopy(proved.document)
    entry = next(entry for entry in document["entries"] if entry["kind"] == kind)
    entry["says"] = entry["opened"] = None
    with pytest.raises(CHECK["NotWhole"]):
        check(signed_again(proved, document), proved.key)


def test_the_commitment_that_is_checked_is_the_one_of_the_journal() -> None:
    from marketofone.audit.journal_chain import commitment  # noqa: PLC0415 - beside what it is compared with

    made = blake2b(b"said", digest_size=32, key=bytes(range(16)), person=b"journal-entry-v1").digest()
    assert made == commitment(b"said", salt=bytes(range(16)))


@settings(max_examples=30)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=300) | st.binary(max_size=300),
        lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=40), inner, max_size=20),
        max_leaves=30,
    )
)
def test_the_script_reads_what_entries_are_written_in(value: Any) -> None:
    packed = msgspec.msgpack.encode(value)
    assert CHECK["unpacked"](packed, 0) == (value, len(packed))


def test_a_proof_is_checked_by_the_command_and_a_script_alone(bank: Bank, project: Path, tmp_path: Path) -> None:
    live(bank)
    old = tmp_path / "old.txt"
    old.write_text(bank.checkpoint(now=NOW).text, encoding="utf-8")
    bank.profile(WHO, now=LATER)
    to, at = tmp_path / "proof.json", ["--bank", str(project)]
    made = CliRunner().invoke(cli.main, ["rights", "prove", WHO, "--against", str(old), "--to", str(to), *at])
    assert made.exit_code == 0, made.output
    assert "1 of them are later than the checkpoint" in made.stdout
    key = public_key_of(bank.context.keys).hex()
    command = [sys.executable, "-I", str(SCRIPT), str(to), key, str(old)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 things said about consent" in done.stdout
    whole = to.read_text(encoding="utf-8")
    to.write_text('{"customer":"forged",' + whole.lstrip()[1:], encoding="utf-8")
    assert "stands twice" in subprocess.run(command, capture_output=True, text=True, check=False).stderr
    to.write_text(whole, encoding="utf-8")
    old.write_text(bank.checkpoint(now=LATER).text, encoding="utf-8")
    assert "another checkpoint" in subprocess.run(command, capture_output=True, text=True, check=False).stderr


def test_the_script_needs_only_what_it_says() -> None:
    imported = {
        str(node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).partition(".")[0]
        for node in ast.walk(ast.parse(SCRIPT.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported <= {"cryptography", *sys.stdlib_module_names}


def test_a_checkpoint_of_the_last_day_is_taken_and_else_one_is_made(bank: Bank) -> None:
    says(bank, WHO, now=NOW)
    first = bank.rights.prove(WHO, now=NOW)
    assert (first.place.n, len(first.entries)) == (1, 1)
    says(bank, WHO, now=LATER)
    second = bank.rights.prove(WHO, now=LATER)
    assert (second.checkpoint, second.place.n, len(second.entries)) == (first.checkpoint, 1, 2)
    assert bank.rights.prove(WHO, now=Instant(NOW + 2 * DAY)).place.n == 2
    says(bank, OTHER, now=Instant(NOW + 2 * DAY))
    assert bank.rights.prove(OTHER, now=Instant(NOW + 2 * DAY)).place.n == 1, "theirs began after the checkpoint"


def test_what_is_no_checkpoint_of_this_customer_is_refused(bank: Bank, proved: Proved) -> None:
    before = bank.checkpoint(now=NOW).text
    with pytest.raises(UnknownCustomer):
        bank.rights.prove(WHO, now=NOW)
    says(bank, WHO)
    for text, shape in ((before, "from before"), (proved.document["checkpoint"], "not signed"), ("x", "no checkpoint")):
        with pytest.raises(MalformedRequest, match=shape):
            bank.rights.prove(WHO, now=NOW, against=text)


def test_of_a_person_of_several_ids_each_has_a_proof_of_its_own(bank: Bank) -> None:
    for one in ("a", "b"):
        says(bank, one)
    bank.ingest(spends("b")[:5], now=NOW)
    shares(bank, "k", "a", "b")
    bank.decide("a", occasion="app.opened", now=NOW)
    gives_up(bank, "k", "b")
    for one, other in (("a", "b"), ("b", "a")):
        made = bank.rights.prove(one, now=NOW)
        check(json.loads(proof_bytes(made)), public_key_of(bank.context.keys).hex())
        (of_other,) = bank.context.keys.find((other,)).values()
        assert str(of_other.subject).encode() not in proof_bytes(made)
