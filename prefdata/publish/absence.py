"""Why a pair of one release is not in another one, as far as the other one's files tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from prefdata.core.records import pair_id
from prefdata.publish.columns import U64, id_digests
from prefdata.publish.entries import entries_of
from prefdata.publish.views import derive
from prefdata.store.dataset import MANIFEST, Dataset
from prefdata.store.files import read_json
from prefdata.store.shards import batches

_DROPS = ["id", "reasons", "record.kind", "record.completions.list.element.rank"]
_OF_PUBLISH = ("settings.contradictions", "settings.languages")  # others leave every record in


class Absence:
    """Why pairs of one release, `there`, are not in the other, `here`.

    Where the steps that `here` was built from lie beside it, their drop logs tell; else its
    manifest tells what it dropped more of, and the reasons are joined by "or".
    """

    def __init__(
        self,
        here: Path,
        manifests: tuple[Mapping[str, Any], Mapping[str, Any]],
        texts: U64,
        changed: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Read the drop logs; `manifests` are (there, here), `texts` the digests of `here`."""
        self.there, self.here = manifests
        self.texts = np.sort(texts)
        self.revisions = [
            {source["id"]: source["revisions"] for source in manifest.get("sources", [])}
            for manifest in manifests
        ]
        self.steps = list(_steps_beside(here, self.here))
        self.is_whole = len(self.steps) == len(self.here["steps"])
        self.dropped = dict(_dropped(self.steps))
        self.settings = [
            step
            for step, fields in changed.items()
            if step != "publish" or any(name in fields for name in _OF_PUBLISH)
        ]

    def why(self, pair: str, source: str, lang: str, text: np.uint64) -> str:
        """Return the reason for one pair; `text` is the digest of its texts."""
        there, here = (known.get(source) for known in self.revisions)
        if pair in self.dropped:
            return self.dropped[pair]
        if here is not None and there != here:
            return "source revision"
        if lang not in self.here["settings"]["languages"]:
            return "settings of publish"
        dropped = self._dropped_by_publish(source)
        if "duplicate_exact" in dropped and _holds(self.texts, text):
            return "publish: duplicate_exact"
        if "contradicting_labels" in dropped and _holds(self._let_through, _digest(pair)):
            return "publish: contradicting_labels"
        if self.settings:
            return f"settings of {', '.join(self.settings)}"
        return "source" if self.is_whole else " or ".join(self._more(source)) or "source"

    def _dropped_by_publish(self, source: str) -> Mapping[str, int]:
        own = {s["id"]: s["dropped"] for s in self.here.get("sources", [])}
        found: Mapping[str, int] = own.get(source, {})
        return found

    @cached_property
    def _let_through(self) -> U64:
        """Return the digests of the pairs that the last step before publishing has kept."""
        last = [step for step in self.steps if step.kind == "preferences"][-1:]
        found = [
            id_digests(derive(table).id)
            for step in last
            for _, table in entries_of(step, self.here["settings"]["languages"])
        ]
        return np.sort(np.concatenate([*found, np.empty(0, np.uint64)]))

    def _more(self, source: str) -> Iterator[str]:
        """Yield what `here` has more of than `there`, for a source: reasons, or fewer rows."""
        before, after = (_counts(manifest, source) for manifest in (self.there, self.here))
        if after[_READ] < before[_READ]:
            yield "source"
        yield from (
            reason for reason, n in after.items() if reason != _READ and n > before.get(reason, 0)
        )


_READ = "rows read"


def _counts(manifest: Mapping[str, Any], source: str) -> dict[str, int]:
    """Return how many rows of a source were read, and what every step dropped of it."""
    found = {_READ: 0}
    for step in manifest["steps"]:
        own = step["counts"]["sources"].get(source, {"kept": 0, "dropped": 0, "reasons": {}})
        if step.get("group") == "sources":
            found[_READ] += own["kept"] + own["dropped"]
        found |= {f"{step['id']}: {code}": n for code, n in own["reasons"].items()}
    for published in manifest.get("sources", []):
        if published["id"] == source:
            found |= {f"publish: {code}": n for code, n in published["dropped"].items()}
    return found


def _digest(name: str) -> np.uint64:
    digest: np.uint64 = id_digests(pa.array([name]))[0]
    return digest


def _holds(ordered: U64, digest: np.uint64) -> bool:
    at = int(np.searchsorted(ordered, digest))
    return at < len(ordered) and bool(ordered[at] == digest)


def _steps_beside(release: Path, manifest: Mapping[str, Any]) -> Iterator[Dataset]:
    """Yield the steps that a release was built from, where they lie beside it, in their order.

    A build folder keeps the steps of older releases, too; the keys tell which are whose.
    """
    beside = {}
    for path in sorted(release.resolve().parent.glob(f"*/{MANIFEST}")):
        known = read_json(path)
        beside[known.get("id"), known.get("key")] = Dataset(path.parent)
    for step in manifest["steps"]:
        if (step["id"], step["key"]) in beside:
            yield beside[step["id"], step["key"]]


def _dropped(steps: Sequence[Dataset]) -> Iterator[tuple[str, str]]:
    """Yield (pair, ``step: reason``) of everything that steps have dropped."""
    for step in steps:
        for shard in step.dropped_shards():
            for table in batches(shard, columns=_DROPS):
                for row in table.to_pylist():
                    why = f"{step.id}: {row['reasons'][0]}"
                    yield from ((pair, why) for pair in _pairs_of(row))


def _pairs_of(drop: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ids of the pairs that a dropped record would have given."""
    record = drop["record"]
    if record is None or record["kind"] == "pair":
        yield drop["id"]
        return
    places = range(len(record["completions"]))
    for better, worse in permutations(places, 2):
        yield pair_id(drop["id"], record["kind"], better, worse)
