"""Commands about changes: what one would have changed."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from marketofone.cli import terminal
from marketofone.cli.proof import workers_option
from marketofone.cli.session import SAID_NO, Session, to_read
from marketofone.domain.errors import MalformedDocument
from marketofone.services.proof.changes import Change

a_document = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@to_read
@click.option("--actions", type=a_document, metavar="NEW.toml", help="Instead of actions.toml.")
@click.option("--guardrails", type=a_document, metavar="NEW.toml", help="Instead of guardrails.toml.")
@click.option("--version", type=click.IntRange(0), metavar="N", help="Instead of the version that decided.")
@click.option("--markdown", is_flag=True, help="Print it for a page, such as that of a pull request.")
@click.option("--check", is_flag=True, help="End with 1 if anything changes.")
@workers_option
def diff(
    session: Session,
    *,
    actions: Path | None,
    guardrails: Path | None,
    version: int | None,
    markdown: bool,
    check: bool,
    workers: int,
) -> None:
    """Say which past decisions a change would have changed, for whom, and which way their worth moves.

    Each decision is made again from what it rested on, with one thing replaced. Writes nothing. See docs/changes.md.
    """
    if sum(one is not None for one in (actions, guardrails, version)) != 1:
        raise click.UsageError("name one of --actions, --guardrails and --version")
    if version is not None:
        change = session.bank.change_of_version(version)
    elif actions is not None:
        change = Change(document="actions.toml", text=_text_of(actions))
    else:
        change = Change(document="guardrails.toml", text=_text_of(guardrails or Path()))
    with terminal.Progress(quiet=session.as_json) as progress:
        found = session.bank.diff(
            change, workers=workers, step=lambda done, all_: progress.step(done, all_, "decisions again")
        )
    if markdown and not session.as_json:
        terminal.say_markdown("diff_markdown", found)
    else:
        session.say(found, "diff")
    sys.exit(SAID_NO if check and found.changes else 0)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise MalformedDocument(field=file.name, shape="bytes that are no UTF-8", fix="save it as UTF-8") from error


COMMANDS = (diff,)
