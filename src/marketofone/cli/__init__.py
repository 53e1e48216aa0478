"""How do I use it? The command line: exit codes 0 done, 1 said no, 2 bad usage, 3 bad input."""

import click

from marketofone.cli import changes, customers, demo, evaluate, importing, letters, oversight, own, project, proof
from marketofone.cli.session import Commands


@click.group(cls=Commands)
@click.version_option(package_name="marketofone")
def main() -> None:
    """Treat every bank customer as a market of one."""


for room in (project, demo, own, importing, letters, customers, oversight, proof, changes, evaluate):
    for command in room.COMMANDS:
        main.add_command(command)
