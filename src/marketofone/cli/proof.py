"""Commands that prove and keep: verify, replay, checkpoint, backup, keys, and the rights of a person."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any, get_args

import click
import msgspec
from msgspec.structs import asdict

from marketofone import wiring
from marketofone.cli import terminal
from marketofone.cli.session import BAD_INPUT, SAID_NO, Session, as_of, on_bank, to_read
from marketofone.domain.delegation import DelegateAuthority, Delegation, May
from marketofone.domain.errors import MalformedRequest
from marketofone.domain.moment import text_of
from marketofone.projection.records import Hold
from marketofone.services.proof.checkpoint import public_key_of
from marketofone.services.rights.inferences import InferenceSaid
from marketofone.services.rights.legal_holds import StandingHold
from marketofone.services.rights.proof_file import proof_bytes
from marketofone.services.rights.signed_receipts import receipt_bytes

a_file = click.Path(path_type=Path, dir_okay=False)
workers_option = click.option(
    "--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="How many processes share the work."
)


@click.command()
@to_read
@click.option("--all", "everything", is_flag=True, help="Every decision; this is what happens anyway.")
@workers_option
def replay(session: Session, *, everything: bool, workers: int) -> None:  # noqa: ARG001 - the contract names the flag
    """Recompute every decision from the journals and compare it byte for byte. Writes nothing."""
    with terminal.Progress(quiet=session.as_json) as progress:
        report = session.bank.replay(workers=workers, step=lambda done, all_: progress.step(done, all_, "replay"))
    session.say(report, "replayed")
    sys.exit(SAID_NO if report.differences else 0)


@click.command()
@to_read
@click.option("--against", type=a_file, help="An old checkpoint: finds whatever was cut off or rewritten since.")
@click.option("--public-key", metavar="HEX", help="The key that verifies it.  [default: the key store's]")
@workers_option
def verify(session: Session, *, against: Path | None, public_key: str | None, workers: int) -> None:
    """Check every journal, the log over them, and all that is kept beside them. Writes nothing, runs no found code."""
    text = None if against is None else _text_of(against)
    with terminal.Progress(quiet=session.as_json) as progress:
        report = session.bank.verify(
            against=text,
            public_key=None if public_key is None else _key_of(public_key),
            workers=workers,
            step=lambda done, all_: progress.step(done, all_, "verify"),
        )
    session.say(report, "verified", against=against)
    sys.exit(0 if report.ok else SAID_NO)


@click.command()
@on_bank
@click.option("--to", type=a_file, help="Write it into a new file, and do not print it.")
@click.option(
    "--public-key",
    "only_key",
    is_flag=True,
    help="Print the public key that verifies what the bank signs, and end.",
)
def checkpoint(session: Session, *, to: Path | None, only_key: bool) -> None:
    """Seal and sign how the log stands. Keep what is printed elsewhere: it finds any later change."""
    if only_key:
        session.say({"public_key": public_key_of(session.bank.context.keys).hex()}, "public_key")
        return
    made = session.bank.checkpoint()
    if to is not None:
        with to.open("x", encoding="utf-8") as file:
            file.write(made.text)
    session.say(made, "checkpoint", to=to)


@click.command()
@to_read
@click.argument("target", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
def backup(session: Session, *, target: Path) -> None:
    """Write the data and the documents into a new DIR; keys and names stay where they are."""
    session.bank.backup(target)
    session.say({"written": str(target)}, "backed_up")


@click.group()
def keys() -> None:
    """Look after the bank's key, which wraps all others."""


@keys.command(name="rewrap")
@on_bank
@click.option("--to", type=a_file, required=True, help="A new file for the new key.")
def keys_rewrap(session: Session, *, to: Path) -> None:
    """Wrap every key under a new key of the bank. Nothing that was sealed changes; restart other processes."""
    rewrapped = session.bank.context.keys.rewrap(wiring.write_key(to))
    session.say({"keys": rewrapped, "file": str(to)}, "rewrapped")


@click.group()
def rights() -> None:
    """Do what a person has a right to."""


@rights.command(name="erase")
@on_bank
@click.argument("customer")
@click.option("--ground", default="asked by the customer", show_default=True, help="On what ground.")
@click.option("--yes", is_flag=True, help="Do it: it cannot be undone.")
def rights_erase(session: Session, *, customer: str, ground: str, yes: bool) -> None:
    """Forget CUSTOMER: key and name are destroyed, and what is sealed opens in no copy of the data.

    Without --yes it tells what would stay and why, and destroys nothing. While a legal hold stands it is refused.
    """
    if not yes:
        session.say(_holds_on(session, customer), "would_stay")
        raise MalformedRequest(field="--yes", shape="missing", fix="it cannot be undone: say --yes")
    session.say(session.bank.erase(customer, ground=ground), "erased")


@rights.command(name="hold")
@on_bank
@click.argument("customer")
@click.argument("name")
@click.option("--basis", required=True, help="Which law, order or case asks for it.")
@click.option("--covers", required=True, help="What must be kept, in words that the customer reads.")
@click.option("--by", required=True, help="Who sets it.")
@click.option("--until", metavar="DATE", required=True, help="The last day on which it stands, within ten years.")
def rights_hold(session: Session, *, customer: str, until: str, **said: str) -> None:
    """Set a legal hold of this NAME: until it ends or is lifted, CUSTOMER is not forgotten, and reads why."""
    end = session.bank.calendar.parse(until, field="--until")
    session.say(_told(session.bank.rights.set_hold(customer, Hold(until=end, **said))), "held")


@rights.command(name="lift-hold")
@on_bank
@click.argument("customer")
@click.argument("name")
@click.option("--by", required=True, help="Who lifts it.")
def rights_lift_hold(session: Session, *, customer: str, name: str, by: str) -> None:
    """Lift the legal hold of this NAME on CUSTOMER before its end."""
    session.say(_told(session.bank.rights.lift_hold(customer, name, by=by)), "hold_lifted")


@rights.command(name="holds")
@on_bank
@click.argument("customer")
def rights_holds(session: Session, *, customer: str) -> None:
    """List the legal holds on CUSTOMER that stand."""
    session.say(_holds_on(session, customer), "would_stay")


@rights.command(name="delegate")
@on_bank
@click.argument("customer")
@click.argument("name")
@click.option(
    "--authority",
    type=click.Choice(get_args(DelegateAuthority)),
    default="named",
    show_default=True,
    help="On whose word.",
)
@click.option("--evidence", default="", help="What the bank has seen of a power of attorney, or of a guardian.")
@click.option("--may", type=click.Choice(get_args(May)), default="view", show_default=True, help="How far it goes.")
@click.option("--until", metavar="DATE", required=True, help="The last day on which they may, within ten years.")
def rights_delegate(session: Session, *, customer: str, until: str, **said: Any) -> None:
    """Let somebody of this NAME act for CUSTOMER in what is said about consent (docs/rights.md)."""
    end = session.bank.calendar.parse(until, field="--until")
    session.bank.rights.appoint(customer, Delegation(until=end, **said))
    session.say(_delegates_of(session, customer), "delegates")


@rights.command(name="end-delegate")
@on_bank
@click.argument("customer")
@click.argument("name")
def rights_end_delegate(session: Session, *, customer: str, name: str) -> None:
    """End what the delegate of this NAME may do for CUSTOMER; it holds for their next page and their next word."""
    session.bank.rights.end_delegate(customer, name)
    session.say(_delegates_of(session, customer), "delegates")


@rights.command(name="delegates")
@on_bank
@click.argument("customer")
def rights_delegates(session: Session, *, customer: str) -> None:
    """List who may act for CUSTOMER now, how far and until when."""
    session.say(_delegates_of(session, customer), "delegates")


@rights.command(name="export")
@on_bank
@click.argument("customer")
@click.option("--to", type=a_file, help="Write it into a new file that only you can read, and do not print it.")
def rights_export(session: Session, *, customer: str, to: Path | None) -> None:
    """Give everything that the bank holds about CUSTOMER and is theirs, as one JSON document (docs/rights.md).

    It is one id's own: of a person of several ids, and of who shares an account, each is exported by itself.
    """
    _refuse_to_overwrite(to)
    made = session.bank.rights.export(customer)
    _write(msgspec.json.encode(made), to=to)
    if to is None:
        return
    counts = {part: len(getattr(made, part)) for part in ("consents", "events", "decisions", "outcomes", "uses")}
    session.say({"customer": made.customer, "file": str(to), **counts}, "exported")


@rights.command(name="receipt")
@on_bank
@click.argument("customer")
@click.argument("entry", type=click.IntRange(1), required=False)
@click.option("--to", type=a_file, help="Write it into a new file, and do not print it.")
def rights_receipt(session: Session, *, customer: str, entry: int | None, to: Path | None) -> None:
    """Give the signed receipt of what CUSTOMER said about consent in ENTRY of their journal, or last (docs/rights.md).

    `checkpoint --public-key` prints the key that verifies it.
    """
    made = session.bank.rights.receipt(customer, entry)
    if made.receipt.not_stated:
        click.echo(terminal.text_for_people("not_stated", made.receipt.not_stated), err=True)
    _write(receipt_bytes(made), to=to)


@rights.command(name="prove")
@on_bank
@click.argument("customer")
@click.option("--against", type=a_file, help="A checkpoint.  [default: one of the last day, or a new one]")
@click.option("--to", type=a_file, help="Write it into a new file that only you can read, and do not print it.")
def rights_prove(session: Session, *, customer: str, against: Path | None, to: Path | None) -> None:
    """Prove that the log of uses and the consent history of CUSTOMER are whole (docs/rights.md).

    A script checks the file without the bank: nothing is missing, nothing was added, and the order is kept.
    """
    _refuse_to_overwrite(to)
    made = session.bank.rights.prove(customer, against=None if against is None else _text_of(against))
    _write(proof_bytes(made), to=to)
    if to is not None:
        later = len(made.entries) - made.place.n
        session.say(
            {"customer": customer, "file": str(to), "entries": len(made.entries), "after_checkpoint": later}, "proved"
        )


@rights.command(name="import")
@on_bank
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--customer", metavar="NEW", help="What they are called here.  [default: as in the file]")
@click.option(
    "--with", "sharing", metavar="OTHER", multiple=True, help="Who may share an account or a key with them; repeatable."
)
def rights_import(session: Session, *, path: Path, customer: str | None, sharing: tuple[str, ...]) -> None:
    """Take in what `rights export` wrote, for a customer who is not known here yet.

    The same file again finishes an import that was interrupted, and changes nothing else.
    """
    taken = session.bank.rights.bring(path.read_bytes(), customer=customer, sharing=sharing)
    session.say(taken, "brought")
    sys.exit(BAD_INPUT if taken.dead_letters else 0)


@rights.command(name="inferences")
@on_bank
@click.argument("customer")
@as_of
def rights_inferences(session: Session, *, customer: str, as_of: str | None) -> None:
    """Show what is concluded about CUSTOMER: what for, from what, and what they say is wrong (docs/rights.md)."""
    bank, now = session.bank, session.bank.now()
    session.say(bank.rights.inferences(customer, now=now, as_of=session.as_of(as_of, now=now)), "inferences")


@rights.command(name="correct")
@on_bank
@click.argument("customer")
@click.argument("inference")
@click.option("--right", is_flag=True, help="It was right after all.")
def rights_correct(session: Session, *, customer: str, inference: str, right: bool) -> None:
    """Record that CUSTOMER says that INFERENCE is wrong, as `rights inferences` names it; from the next decision on."""
    session.bank.rights.correct(customer, InferenceSaid(inference=inference, wrong=not right))
    session.say(session.bank.rights.inferences(customer), "inferences")


def _holds_on(session: Session, customer: str) -> dict[str, object]:
    return {"customer": customer, "holds": [_told(one) for one in session.bank.rights.holds(customer)]}


def _delegates_of(session: Session, customer: str) -> dict[str, object]:
    told = [
        {**asdict(one.delegation), "until": text_of(one.ends), "recorded": text_of(one.recorded)}
        for one in session.bank.rights.delegates(customer)
    ]
    return {"customer": customer, "delegates": told}


def _told(one: StandingHold) -> dict[str, object]:
    said = {**asdict(one.hold), "until": text_of(one.hold.until)}
    return {**said, "recorded": text_of(one.recorded), "actor": one.actor}


def _refuse_to_overwrite(to: Path | None) -> None:
    if to is not None and to.exists():
        raise MalformedRequest(field="--to", shape="a file that is there already", fix="name a new one")


def _write(document: bytes, *, to: Path | None) -> None:
    """Print a document, or write it into a new file that only its owner can read."""
    _refuse_to_overwrite(to)
    if to is None:
        click.echo(document)
        return
    with open(to, "xb", opener=partial(os.open, mode=0o600)) as file:
        file.write(document)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise MalformedRequest(
            field="--against", shape="bytes that are no UTF-8", fix="name a file that `checkpoint --to` wrote"
        ) from error


def _key_of(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise MalformedRequest(field="--public-key", shape="not hexadecimal", fix="give 64 digits") from error


COMMANDS = (replay, verify, checkpoint, backup, keys, rights)
