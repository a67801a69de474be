"""What the first look keeps of every entry: digests, numbers, flags; 48 bytes each, on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from prefdata.core.errors import LicenseDenied
from prefdata.publish import columns as c
from prefdata.publish.views import derive
from prefdata.store.signatures import Signatures, normal

# Digests of its id, group, first user turn, texts and ranks, and texts in any order.
_DIGESTS = ("id", "group", "link", "text", "options")
COLUMNS = dict.fromkeys(_DIGESTS, np.uint64) | {
    "source": np.int16,
    "pairs": np.int32,
    "tie": np.bool_,
    "own_test": np.bool_,
}


class Seen:
    """What the first look keeps of every entry: `COLUMNS`, each in a file of its own."""

    def __init__(self, files: Mapping[str, IO[bytes]]) -> None:
        self.files = files

    def add(self, **columns: Any) -> None:
        """Take the columns of the next entries."""
        for name, file in self.files.items():
            file.write(np.ascontiguousarray(columns[name], COLUMNS[name]).data)

    def __getitem__(self, name: str) -> Any:
        """Read a column of all entries."""
        file = self.files[name]
        file.seek(0)
        return np.fromfile(file, COLUMNS[name])


@dataclass
class Names:
    """The few distinct values of a source: its number, its kinds, revisions and licenses."""

    numbers: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, set[str]] = field(default_factory=dict)
    revisions: dict[str, set[str]] = field(default_factory=dict)
    licenses: dict[str, set[str]] = field(default_factory=dict)

    def see(self, table: pa.Table) -> None:
        """Take note of a table's sources."""
        names = ["source", "source_kind", "revision", "license"]
        grouped = table.group_by(names, use_threads=False)
        for row in grouped.aggregate([]).to_pylist():
            self.numbers.setdefault(row["source"], len(self.numbers))
            self.kinds.setdefault(row["source"], set()).add(row["source_kind"])
            self.revisions.setdefault(row["source"], set()).add(row["revision"])
            self.licenses.setdefault(row["source"], set()).add(row["license"])


def look(table: pa.Table, seen: Seen, names: Names, near: Signatures | None = None) -> None:
    """Add a table of entries; `near` takes their first user turns.

    Raises:
        LicenseDenied: a record carries no license, so that no gate has let it through.
    """
    if table.column("license").null_count:
        raise LicenseDenied(
            "records without a license are never published",
            "the stage 'publish'",
            "put the stage 'license_gate' before it",
        )
    completions = c.whole(table.column("completions"))
    messages, ranks, _ = completions.flatten().flatten()
    edges = c.spans(completions)
    answers = c.conversation_digests(messages)
    order = ranks.to_numpy(zero_copy_only=False).astype(np.uint64)
    prompts = c.mixed(c.conversation_digests(table.column("prompt")))
    first = c.first_user_turns(table.column("prompt"))
    asked = first.is_valid().to_numpy(zero_copy_only=False)
    if near is not None:
        near.add([normal(text or "") for text in first.to_pylist()])
    source = pc.dictionary_encode(c.whole(table.column("source")))
    names.see(table)
    codes = [names.numbers[name] for name in source.dictionary.to_pylist()]
    pairs = np.bincount(derive(table).row, minlength=len(table))
    own = pc.equal(table.column("split"), "test").fill_null(False)
    seen.add(
        id=c.id_digests(table.column("id")),
        group=c.id_digests(table.column("group")),
        link=np.where(asked, c.string_digests(first), np.uint64(0)),
        text=c.mixed(prompts + c.sums(c.mixed(answers ^ c.mixed(order)), edges)),
        options=c.mixed(prompts ^ c.sums(c.mixed(answers), edges)),
        source=np.array(codes)[source.indices.to_numpy(zero_copy_only=False)],
        pairs=pairs,
        tie=(pairs == 0) & pc.equal(table.column("kind"), "pair").to_numpy(),
        own_test=c.whole(own).to_numpy(zero_copy_only=False),
    )
