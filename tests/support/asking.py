"""Bank projects whose purposes ask for what their own features and actions read, whatever the template asks for."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from marketofone.domain.event import SOURCES
from marketofone.projection.bank_config import DOCUMENTS, BankConfig, read_config
from marketofone.projection.purpose_reads import reads_by_purpose
from renaming import in_english_alone

_BLOCK = re.compile(r"(?ms)^\[purposes\.([\w-]+)\]\n.*?(?=^\[)")


def ask_for_all_that_is_read(project: Path) -> None:
    """Let each purpose of a project ask for all that is read for it; one for which nothing is read goes.

    What it asks for is said in English only.
    """
    in_english_alone(project)
    config = read_config({name: (project / name).read_text(encoding="utf-8") for name in DOCUMENTS})
    reads = {purpose: [of for of in SOURCES if of in found.all] for purpose, found in reads_by_purpose(config).items()}
    path = project / "consent.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(_BLOCK.sub(lambda block: _asking(block[0], reads[block[1]], config), text), encoding="utf-8")


def _asking(block: str, sources: Collection[str], config: BankConfig) -> str:
    known = [source for source in config.policy.sources if source in sources]
    if not known:
        return ""
    notice = f'notice = "We look at: {", ".join(config.policy.sources[of].words[0] for of in known)}."\n'
    plain = re.sub(r"(?m)^(sources|notice) = .*\n", "", block).rstrip("\n")
    return f"{plain}\n{notice}sources = {list(known)!r}\n\n".replace("'", '"')
