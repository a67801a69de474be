"""A release of pointers alone: the license gate left nothing whole, so only places are listed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from prefdata.core.stage import Context
from prefdata.licensing.audit import find_gate, seal, write_bundle
from prefdata.licensing.gate import GateSettings
from prefdata.publish.card import markdown
from prefdata.publish.manifest import finish, manifest_of
from prefdata.store.dataset import Dataset
from prefdata.store.files import write_text

CARD = """\
---
license: {license}
license_name: {license_name}
license_link: {license_link}
---

# {pipeline}

このリリースには本文がありません。`pointers/` が、元のデータのどの行かを示します。
元のデータをお持ちなら `prefdata rebuild` で復元できます。理由は `audit/audit.md` にあります。

This release holds no texts: `pointers/` says which rows of the source it is about. Whoever has the
source makes it whole with `prefdata rebuild`; `audit/audit.md` says why nothing more may travel.

Merkle root over all records: `{merkle_root}`
"""


def is_pointers_alone(records: Dataset) -> bool:
    """Tell whether nothing is left to publish but a list of what was left out."""
    gate = find_gate(records)
    if gate is None or any(table.num_rows for table in records.tables(columns=["id"])):
        return False
    settings: GateSettings = GateSettings.from_tree(gate.manifest["settings"])
    return settings.release == "pointers"


def write_pointers_alone(records: Dataset, config: Any, context: Context, out: Path) -> None:
    """Write the release: pointers, audit bundle, a short card, the manifest."""
    started = time.monotonic()
    bundle = write_bundle(out, records, context)
    card = CARD.format(
        license=bundle.license,
        license_name=bundle.license_name,
        license_link=bundle.license_link,
        pipeline=markdown(context.pipeline),
        merkle_root=bundle.merkle_root,
    )
    write_text(out / "README.md", card)
    manifest = manifest_of(records.path.parent, config, context, None, [])
    finish(out, manifest, started)
    seal(out)
