"""Stage `dedup`: exact and near duplicates over all records, and contradicting labels.

Two passes in bounded memory. The first writes digests and MinHash signatures of every record to
disk (about 1.6 KB a record); the second streams the records again and leaves duplicates out. The
unit is the whole comparison: prompt and every completion must be near for a record to go, or else
two different answers under one long dialogue would count as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from prefdata.config.settings import Settings
from prefdata.core.finding import Action, Drop, Finding
from prefdata.core.records import Preference
from prefdata.core.stage import Context, Kind
from prefdata.filters.near import Index, Match
from prefdata.store.arrow import decode, encode, encode_drops
from prefdata.store.dataset import DROPPED, Dataset
from prefdata.store.shards import batches, shard_name, write_shard


class Dedup:
    """Drops all but one of equal and of nearly equal comparisons; flags contradicting labels.

    Examples: one prompt with the same two answers twice, whatever its width and white space, is
    `duplicate_exact`; with a full stop more in a long answer, `duplicate_near`; with はい。 once
    and いいえ。 once, neither, as short texts must be equal; with the two answers turned round, it
    is `contradicting_labels`.
    """

    class Config(Settings):
        """Settings of deduplication."""

        near: bool = Field(default=True, description="near duplicates, too")
        threshold: float = Field(
            default=0.85, ge=0.5, le=1, description="Jaccard of character 5-grams of every part"
        )
        shortest: int = Field(
            default=30, ge=5, description="a shorter part (characters) must be equal, not near"
        )
        contradictions: Literal["flag", "drop", "ignore"] = Field(
            default="flag", description="equal texts with the opposite preference"
        )

    version: ClassVar[int] = 1
    reads: ClassVar[Kind] = "preferences"
    writes: ClassVar[Kind] = "preferences"

    def __init__(self, config: Config, context: Context) -> None:
        self.config = config

    def run(self, inputs: Mapping[str, Dataset], out: Path) -> None:
        """Write the shards of all inputs again, without the duplicates, and the drop log."""
        shards = [shard for dataset in inputs.values() for shard in dataset.shards()]
        scratch = out / ".signatures"
        with Index(scratch, self.config.shortest, near=self.config.near) as index:
            for records in _records(shards):
                index.add(records)
            matches = index.matches(self.config.threshold)
        place = 0
        for number, shard in enumerate(shards):
            kept: list[Preference] = []
            drops: list[Drop] = []
            for table in batches(shard):
                for record in decode(table):
                    self._decide(record, matches.get(place, ()), kept, drops)
                    place += 1
            write_shard(out / shard_name(number), encode(kept))
            write_shard(out / DROPPED / shard_name(number), encode_drops(drops))

    def _decide(
        self, record: Preference, found: Sequence[Match], kept: list[Preference], drops: list[Drop]
    ) -> None:
        findings = (*(self._finding(match) for match in found), *record.findings)
        if any(finding.action == "drop" for finding in findings[: len(found)]):
            drops.append(Drop(record, findings))
        else:
            kept.append(replace(record, findings=findings) if found else record)

    def _finding(self, match: Match) -> Finding:
        action: Action = "drop"
        limit: float | None = self.config.threshold if match.code == "duplicate_near" else None
        if match.code == "contradicting_labels":
            own = self.config.contradictions
            action = "none" if own == "ignore" else own
        return Finding(
            match.code, "pair", measured=match.measured, limit=limit, action=action, detail=match.of
        )


def _records(shards: Sequence[Path]) -> Iterator[list[Preference]]:
    for shard in shards:
        for table in batches(shard):
            yield decode(table)
