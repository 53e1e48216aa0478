"""The catalogue as a table, for the documentation."""

from __future__ import annotations

from marketofone.features.catalogue import Catalogue


def catalogue_table(catalogue: Catalogue) -> str:
    """Write the catalogue as a Markdown table, for ``docs/features.md``."""
    lines = [
        "| feature | what it is | how | unit | window | sources | owner | in context |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for feature in catalogue.features:
        windows = [window.text for window in (feature.window, feature.habit) if window is not None]
        cells = (
            f"`{feature.name}`",
            feature.title,
            feature.how.replace("_", " "),
            feature.unit,
            " against ".join(windows) or "ever",
            ", ".join(sorted(feature.lineage)),
            feature.owner,
            f"scale {catalogue.scales[feature.name]:g}" if feature.name in catalogue.scales else "",
        )
        lines.append(f"| {' | '.join(cell.replace('|', ' ') for cell in cells)} |")
    return "\n".join(lines) + "\n"
