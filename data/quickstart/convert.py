"""Turn a table of translations by line, side and turn into one of dialogue nodes.

Usage: python convert.py PAIRS TRANSLATIONS OUTPUT [TRANSLATOR]

PAIRS is in hh-rlhf's layout. TRANSLATIONS has `side`, `turn`, `role`, `en`, `ja` and the place of
the pair, `line` or `row`. OUTPUT is what `prefdata memory import` and the `memory` translator read:
one object a node, ``{role, source, context, target, translator, revision}``, where `context` is the
list of earlier turns, each ``{role, content}``. A node that several pairs share is written once.
Standard library only.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

TRANSLATOR = "anthropic/claude"
ROLES = {"Human": "user", "Assistant": "assistant"}

Turn = dict[str, str]


def turns_of(dialogue: str) -> list[Turn]:
    """Return the turns of a dialogue: split at role markers only, white space stripped."""
    parts = re.split(r"\n\n(Human|Assistant):", dialogue)[1:]
    return [
        {"role": ROLES[name], "content": content.strip()}
        for name, content in zip(parts[::2], parts[1::2], strict=True)
    ]


def nodes(
    pairs: Iterable[dict[str, str]],
    translations: Iterable[dict[str, Any]],
    translator: str = TRANSLATOR,
) -> Iterator[dict[str, Any]]:
    """Yield each distinct node once, in the order of the translations.

    The n-th pair is the one of the n-th distinct `line` or `row`, in ascending order.

    Raises:
        ValueError: a translation is of another text than its pair's, or two of one node differ.
    """
    rows = list(translations)
    places = sorted({place_of(row) for row in rows})
    dialogues = {
        place: {side: turns_of(pair[side]) for side in ("chosen", "rejected")}
        for place, pair in zip(places, pairs, strict=True)
    }
    seen: dict[str, str] = {}
    for row in rows:
        side = "chosen" if row["side"] == "shared" else row["side"]
        turns = dialogues[place_of(row)][side]
        turn = turns[row["turn"]]
        if turn != {"role": row["role"], "content": row["en"]}:
            raise ValueError(f"{place_of(row)} {row['side']} {row['turn']}: not the pair's text")
        context = turns[: row["turn"]]
        node = json.dumps([*context, turn])
        if node not in seen:
            seen[node] = row["ja"]
            yield {
                "role": row["role"],
                "source": row["en"],
                "context": context,
                "target": row["ja"],
                "translator": translator,
                "revision": "",
            }
        elif seen[node] != row["ja"]:
            raise ValueError(f"{place_of(row)} {row['side']} {row['turn']}: two translations")


def place_of(row: dict[str, Any]) -> int:
    """Return the pair that a translation belongs to."""
    return int(row["line"] if "line" in row else row["row"])


def read(path: str | Path) -> list[Any]:
    """Return the objects of a JSON Lines file."""
    with Path(path).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def convert(
    pairs: str | Path,
    translations: str | Path,
    output: str | Path,
    translator: str = TRANSLATOR,
) -> int:
    """Write the nodes of a translated file of pairs and return how many there are."""
    found = list(nodes(read(pairs), read(translations), translator))
    with Path(output).open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(node, ensure_ascii=False) + "\n" for node in found)
    return len(found)


if __name__ == "__main__":
    convert(*sys.argv[1:])
