"""What a translation would cost, counted before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Iterable
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


def source_tokens(text: str) -> int:
    """Return about how many tokens a source text has, rounded up; every back end counts alike."""
    return -(-len(text.encode("utf-8", "surrogatepass")) * 2 // 7)


def room(text: str) -> int:
    """Return `max_tokens` for a text: 64 and 2.5 times its tokens.

    Enough for any faithful translation, and little enough that a loop ends early.
    """
    return 64 + -(-source_tokens(text) * 5 // 2)


def estimate(
    config: Translate.Config, context: Context, records: Iterable[Preference]
) -> dict[str, Any]:
    """Return `{nodes, distinct, hits, to_send, source_tokens, target_tokens, hours}`.

    `nodes` are turns with text as the records hold them; a trunk counts once for each record.
    `context_tokens` is what earlier turns and their translations add to the prompts (the prompt
    itself and its worked examples come on top; a prefix cache spares most of both).
    `hours` is None without a known throughput.
    """
    counts = dict.fromkeys(
        ("nodes", "distinct", "hits", "to_send", "source_tokens", "target_tokens"), 0
    )
    counts["context_tokens"] = 0
    seen: set[tuple[str, bytes]] = set()
    rest = iter(records)
    known = _Known(config, context)
    while window := list(islice(rest, WINDOW)):
        tree, _ = Tree.of(
            (r for r in window if r.lang != "ja"), context=config.context == "history"
        )
        counts["nodes"] += tree.turns
        for kind, nodes in tree.kinds().items():
            new = [node for node in nodes if (kind, node.key) not in seen]
            seen.update((kind, node.key) for node in new)
            hits = known.hits(kind, new)
            counts["distinct"] += len(new)
            counts["hits"] += len(hits)
            _add(counts, [node for node in new if node.key not in hits])
    seconds = config.tokens_per_second or known.tokens_per_second
    hours = counts["target_tokens"] / seconds / 3600 if seconds else None
    return {**counts, "hours": None if hours is None else round(hours, 3)}


def _add(counts: dict[str, int], nodes: list[Node]) -> None:
    length: dict[Node, int] = {}
    for node in nodes:
        tokens = source_tokens(node.text)
        counts["to_send"] += 1
        counts["source_tokens"] += tokens
        counts["target_tokens"] += round(tokens * TARGET_PER_SOURCE)
        before = 0
        if node.parent is not None:
            before = length.get(node.parent) or _tokens_up_to(node.parent)
        length[node] = before + round(tokens * (1 + TARGET_PER_SOURCE))
        counts["context_tokens"] += before


def _tokens_up_to(node: Node) -> int:
    turns = [*node.path(), node]
    return round(sum(source_tokens(turn.text) for turn in turns) * (1 + TARGET_PER_SOURCE))


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
