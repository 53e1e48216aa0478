"""Bank projects on the engine under test."""

from __future__ import annotations

import re
import shutil
from contextlib import closing
from pathlib import Path
from typing import Literal, NamedTuple

import postgres_server
from marketofone import wiring
from marketofone.projection.bank_config import read_settings
from marketofone.store.postgres.store import PostgresStore

EngineName = Literal["embedded", "postgresql"]
ENGINES: tuple[EngineName, ...] = ("embedded", "postgresql")


class Projects(NamedTuple):
    """Lays bank projects out on an engine, with the language model already fitted.

    ``stays`` says whether a database outlives the test in which it was made.
    """

    engine: EngineName
    fitted: Path
    stays: bool = False

    def lay_out(self, folder: Path) -> Path:
        wiring.lay_out(folder)
        (folder / wiring.DATA).mkdir(mode=0o700)
        for model in self.fitted.glob("language-*.bin"):
            shutil.copy(model, folder / wiring.DATA)
        return self._choose(folder)

    def twin(self, project: Path, folder: Path) -> Path:
        """Lay out another bank with the same documents, as empty as a new one."""
        shutil.copytree(project, folder, ignore=shutil.ignore_patterns("bank.sqlite*", "writer.lock", wiring.KEYS))
        return self._choose(folder)

    def copy(self, project: Path, folder: Path) -> Path:
        """Copy a bank that nobody has open, with its keys and everything it holds."""
        shutil.copytree(project, folder, ignore=shutil.ignore_patterns("copied"))
        if self.engine == "postgresql":
            address = read_settings((project / "bank.toml").read_text(encoding="utf-8")).engine
            self._choose(folder)
            with closing(PostgresStore(address)) as store:
                store.copy_to(str(folder / "copied"))
            there = read_settings((folder / "bank.toml").read_text(encoding="utf-8")).engine
            PostgresStore.load_from(str(folder / "copied"), address=there)
        return folder

    def to_restore(self, backup: Path) -> Path:
        """Name a new database in the documents of a backup, where the engine needs one."""
        return self._choose(backup)

    def _choose(self, folder: Path) -> Path:
        if self.engine == "postgresql":
            name_engine(folder, postgres_server.server().create(stays=self.stays))
        return folder


def name_engine(folder: Path, engine: str) -> None:
    """Write into ``bank.toml`` which engine keeps the data."""
    path = folder / "bank.toml"
    others = re.sub(r"(?m)^engine = .*\n", "", path.read_text(encoding="utf-8"))
    path.write_text(f'engine = "{engine}"\n{others}', encoding="utf-8")


def keep_half_for_control(project: Path) -> None:
    """Make both groups large: of 24 people, a tenth is nobody once in twelve banks, a half once in eight million."""
    _set(project, "control_share", 0.5)


def keep_nobody_for_control(project: Path) -> None:
    """Let the policy choose for all: what is shown is then no fair lot, in which doing nothing may win for days."""
    _set(project, "control_share", 0.0)


def explore_hardly_ever(project: Path) -> None:
    """Let the policy take what it thinks best: as laid out, one decision of fifty is drawn among all that is open."""
    _set(project, "exploration", 1e-9)


def decide_by(project: Path, policy: str) -> None:
    """Name the policy that decides."""
    path = project / "bank.toml"
    others = re.sub(r"(?m)^policy = .*\n", "", path.read_text(encoding="utf-8"))
    path.write_text(f'policy = "{policy}"\n{others}', encoding="utf-8")


def hear_answers_for(project: Path, days: int) -> None:
    """Say for how many days an answer to a decision counts."""
    path = project / "bank.toml"
    changed, times = re.subn(r"(?m)^outcome_days = [0-9]+", f"outcome_days = {days}", path.read_text(encoding="utf-8"))
    assert times == 1
    path.write_text(changed, encoding="utf-8")


def _set(project: Path, name: str, value: float) -> None:
    path = project / "bank.toml"
    text = path.read_text(encoding="utf-8")
    changed, times = re.subn(rf"(?m)^{name} = [0-9.]+", f"{name} = {value:.9f}", text)
    assert times == 1, name
    path.write_text(changed, encoding="utf-8")
