"""The dated record of campaigns: one file a day, each campaign below the one before."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]


def add(folder: Path, *, title: str, text: str) -> Path:
    """Add a campaign that ended now; gives the file of the day."""
    now = datetime.now(tz=UTC)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{now:%Y-%m-%d}.md"
    before = path.read_text(encoding="utf-8") if path.exists() else f"# Campaign of {now:%Y-%m-%d}\n"
    path.write_text(f"{before}\n## {now:%H:%M} UTC, {title}\n\n{text}", encoding="utf-8")
    return path


def commit() -> str:
    """Name the commit that a campaign runs on."""
    asked = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
