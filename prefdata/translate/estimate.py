"""What a translation would cost, counted before anything is sent."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefdata.core.records import Preference
from prefdata.core.stage import Context, Translator
from prefdata.store.files import write_json
from prefdata.translate.memory import memory_file
from prefdata.translate.shared import open_memory
from prefdata.translate.tree import Node, Tree

if TYPE_CHECKING:
    from prefdata.translate.stage import Translate

WINDOW = 5000
SPEEDS = "speeds.json"  # tokens a second of translators on this machine, by fingerprint
# English text has about four characters a token in the vocabularies of Japanese models; 3.5 keeps
# the room for an answer on the safe side. Japanese takes about 1.1 tokens for each English one.
CHARACTERS_PER_TOKEN = 3.5
TARGET_PER_SOURCE = 1.1
FORM_TOKENS = 30  # about what tags, reminder and chat marks add to a turn and its translation


def source_tokens(text: str) -> int:
    """Return about how many tokens a source text has, rounded up; every back end counts alike."""
    return -(-len(text.encode("utf-8", "surrogatepass")) * 2 // 7)


def room(text: str) -> int:
    """Return `max_tokens` for a text: 64 and 2.5 times its tokens.

    Enough for any faithful translation, and little enough that a loop ends early.
    """
    return 64 + -(-source_tokens(text) * 5 // 2)


def load_of(nodes: Iterable[Node]) -> Counter[str]:
    """Return `{to_send, source_tokens, context_tokens, target_tokens}` of nodes, parents first."""
    load: Counter[str] = Counter(to_send=0, source_tokens=0, context_tokens=0, target_tokens=0)
    held: dict[Node, int] = {}
    for node in nodes:
        source = source_tokens(node.text)
        target = round(source * TARGET_PER_SOURCE)
        before = 0
        if node.parent is not None:
            before = held.get(node.parent) or sum(map(_held_alone, [*node.path()]))
        held[node] = before + _held_alone(node)
        load.update(to_send=1, source_tokens=source, context_tokens=before, target_tokens=target)
    return load


def _held_alone(node: Node) -> int:
    tokens = source_tokens(node.text)
    return tokens + round(tokens * TARGET_PER_SOURCE) + FORM_TOKENS


def tokens_each(load: Mapping[str, int]) -> float:
    """Return how many tokens a request of a load holds at its end, the constant prompt apart.

    A prefix cache stores the prompt once. What the two sides of a pair share is counted for each:
    they rarely run at the same moment.
    """
    tokens = sum(load[name] for name in ("source_tokens", "context_tokens", "target_tokens"))
    return tokens / max(load["to_send"], 1) + FORM_TOKENS


def estimate(
    config: Translate.Config, context: Context, records: Iterable[Preference]
) -> dict[str, Any]:
    """Return `{nodes, distinct, hits, to_send, source_tokens, …, at_once, hours}`.

    `nodes` are turns with text as the records hold them; a trunk counts once for each record.
    `context_tokens` is what earlier turns and their translations add to the prompts (the prompt
    itself and its worked examples come on top; a prefix cache spares most of both).
    `tokens_each` is what a request holds, `at_once` how many the back end runs side by side: None
    where it is not a model in this process, or nothing tells. `hours` is None without a known
    throughput.
    """
    counts: Counter[str] = Counter(nodes=0, distinct=0, hits=0)
    counts.update(load_of(()))
    seen = _Seen()
    rest = iter(records)
    known = _Known(config, context)
    while window := list(islice(rest, WINDOW)):
        tree, _ = Tree.of(
            (r for r in window if r.lang != "ja"), context=config.context == "history"
        )
        counts["nodes"] += tree.turns
        for kind, nodes in tree.kinds().items():
            new = [node for node in nodes if seen.is_new(kind, node)]
            hits = known.hits(kind, new)
            counts.update(distinct=len(new), hits=len(hits))
            counts.update(load_of(node for node in new if node.key not in hits))
    seconds = config.tokens_per_second or known.tokens_per_second
    hours = round(counts["target_tokens"] / seconds / 3600, 3) if seconds else None
    each = tokens_each(counts)
    return {
        **counts,
        "tokens_each": round(each) if counts["to_send"] else None,
        "at_once": at_once(config, context, each) if counts["to_send"] else None,
        "hours": hours,
    }


def at_once(config: Translate.Config, context: Context, tokens: float) -> int | None:
    """Return how many requests of so many tokens a translator runs at once, None if unknown."""
    translator = config.translator.load()
    own = getattr(translator, "at_once", None)
    return own(config.translator.config(), context, tokens) if own else None


class _Seen:
    """The nodes counted so far, in a temporary file: memory does not grow with the source."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript("CREATE TABLE seen (key BLOB PRIMARY KEY) WITHOUT ROWID; BEGIN;")

    def is_new(self, kind: str, node: Node) -> bool:
        """Tell whether a node of a source kind comes for the first time, and note it."""
        key = kind.encode() + node.key
        return self._db.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount > 0


class _Known:
    """Which nodes the memory has, without building a translator that loads a model."""

    def __init__(self, config: Translate.Config, context: Context) -> None:
        self.config, self.context = config, context
        self._translator: Translator | None = None

    @property
    def translator(self) -> Translator:
        if self._translator is None:
            self._translator = self.config.translator.create(self.context)
        return self._translator

    @property
    def tokens_per_second(self) -> float | None:
        speeds = _speeds(self.context.cache)
        return speeds.get(self.translator.fingerprint) if speeds else None

    def hits(self, kind: str, nodes: list[Node]) -> set[bytes]:
        from prefdata.translate.stage import fingerprint

        if not nodes or not memory_file(self.context.cache).is_file():
            return set()
        with open_memory(self.context) as memory:
            name = fingerprint(self.translator, kind, self.config.context)
            maker = next((m for m in memory.makers() if m.fingerprint == name), None)
            return set(memory.look_up([node.key for node in nodes], maker))


def note_speed(translator: Translator, cache: Path, tokens_per_second: float) -> None:
    """Keep what was measured of a translator on this machine."""
    speeds = {**_speeds(cache), translator.fingerprint: round(tokens_per_second, 1)}
    write_json(cache / SPEEDS, speeds)


def _speeds(cache: Path) -> dict[str, float]:
    try:
        found = json.loads((cache / SPEEDS).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
