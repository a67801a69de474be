"""What the first look keeps of every entry: digests, numbers, flags; 60 bytes each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from prefdata.core.errors import LicenseDenied
from prefdata.publish import columns as c
from prefdata.publish.columns import U64
from prefdata.publish.views import derive
from prefdata.store.signatures import Signatures, normal


@dataclass
class Seen:
    """What the first look keeps of every entry, in lists of arrays."""

    id: list[U64] = field(default_factory=list)
    group: list[U64] = field(default_factory=list)
    link: list[U64] = field(default_factory=list)
    text: list[U64] = field(default_factory=list)
    options: list[U64] = field(default_factory=list)
    source: list[npt.NDArray[np.int16]] = field(default_factory=list)
    pairs: list[npt.NDArray[np.int32]] = field(default_factory=list)
    tie: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    own_test: list[npt.NDArray[np.bool_]] = field(default_factory=list)


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


def joined(parts: list[Any]) -> Any:
    """Return the parts as one array; they are given up."""
    whole = np.concatenate(parts)
    parts.clear()
    return whole


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
    seen.id.append(c.id_digests(table.column("id")))
    seen.group.append(c.id_digests(table.column("group")))
    first = c.first_user_turns(table.column("prompt"))
    asked = first.is_valid().to_numpy(zero_copy_only=False)
    seen.link.append(np.where(asked, c.string_digests(first), np.uint64(0)))
    if near is not None:
        near.add([normal(text or "") for text in first.to_pylist()])
    seen.text.append(c.mixed(prompts + c.sums(c.mixed(answers ^ c.mixed(order)), edges)))
    seen.options.append(c.mixed(prompts ^ c.sums(c.mixed(answers), edges)))
    source = pc.dictionary_encode(c.whole(table.column("source")))
    names.see(table)
    codes = [names.numbers[name] for name in source.dictionary.to_pylist()]
    seen.source.append(np.array(codes, np.int16)[source.indices.to_numpy(zero_copy_only=False)])
    pairs = np.bincount(derive(table).row, minlength=len(table)).astype(np.int32)
    seen.pairs.append(pairs)
    seen.tie.append((pairs == 0) & pc.equal(table.column("kind"), "pair").to_numpy())
    own = pc.equal(table.column("split"), "test").fill_null(False)
    seen.own_test.append(c.whole(own).to_numpy(zero_copy_only=False))
