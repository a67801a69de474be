"""Rows of pairs and rankings, as TRL and most data sets lay them out.

A pair is ``{prompt, chosen, rejected}``, or ``{chosen, rejected}`` of whole texts or conversations
whose shared beginning is the prompt. A ranking is ``{prompt, completions, ranks | scores}``. A
prompt is text (one user turn) or a conversation: a list of ``{role, content}``. A completion is
text, one assistant message, a list of them, or ``{content, rank, scores}`` as prefdata publishes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prefdata.core.records import Completion, Conversation, Message
from prefdata.sources.columns import column, items, number, wrong_type
from prefdata.sources.reasons import RowFault
from prefdata.sources.record import Ranked, pair, shared_length

ROLES = ("system", "user", "assistant")


def read_pair(row: Mapping[str, Any]) -> Ranked:
    """Return a pair with an explicit or implicit prompt.

    Raises:
        RowFault: a column is missing or of another type, or the dialogues share no prompt.
    """
    if "prompt" not in row and all(isinstance(row.get(s), str) for s in ("chosen", "rejected")):
        return plain_pair(row["chosen"], row["rejected"])
    better = completion(column(row, "chosen"), "chosen")
    worse = completion(column(row, "rejected"), "rejected")
    if _is_answer(better) and _is_answer(worse):
        return pair(prompt(column(row, "prompt")), better, worse)
    if not better or not worse:
        raise RowFault("source_empty_completion")
    if better == worse:
        raise RowFault("source_identical_completions")
    shared = shared_length(better, worse)
    if not _is_answer(better[shared:]) or not _is_answer(worse[shared:]):
        raise RowFault("source_histories_differ", f"from turn {shared} on")
    return pair(better[:shared], better[shared:], worse[shared:])


def plain_pair(better: str, worse: str) -> Ranked:
    """Return a pair of two texts that begin alike: the prompt ends at the last shared white space.

    Raises:
        RowFault: they share no beginning, or are dialogues with role markers.
    """
    if better.lstrip().startswith("Human:"):
        raise RowFault("source_other_layout", "dialogues with role markers: read them with hh_rlhf")
    if better == worse:
        raise RowFault("source_identical_completions")
    shared = better[: shared_length(better, worse)]
    end = max(shared.rfind(space) for space in " \n\t\u3000") + 1
    return pair(
        (Message("user", shared[:end].strip()),),
        (Message("assistant", better[end:].strip()),),
        (Message("assistant", worse[end:].strip()),),
    )


def read_ranking(row: Mapping[str, Any]) -> Ranked:
    """Return a ranking; empty completions leave it, ties share the better rank.

    Raises:
        RowFault: see `read_pair`; the lists are not equally long, or all completions tie.
    """
    given = items(row, "completions")
    texts = [completion(item, "a completion") for item in given]
    if not all(_is_answer(messages) for messages in texts):
        raise RowFault("source_bad_value", "a completion holds a turn that is not the assistant's")
    numbers = _numbers(row, given)
    named = _scores(row, given)
    kept = [n for n, messages in enumerate(texts) if any(m.content.strip() for m in messages)]
    ranks = ranks_of([numbers[n] for n in kept])
    if len(kept) > 1 and len(set(ranks)) == 1:
        raise RowFault("source_tie")
    completions = tuple(
        Completion(texts[n], rank, named[n]) for n, rank in zip(kept, ranks, strict=True)
    )
    return Ranked(
        prompt(column(row, "prompt")), completions, kind="ranking", margin=_margin(completions)
    )


def ranks_of(values: Sequence[float]) -> list[int]:
    """Return ranks from 1 on, the smallest value first; ties share the better rank.

    >>> ranks_of([3, 1, 1, 7])
    [3, 1, 1, 4]
    """
    return [1 + sum(other < value for other in values) for value in values]


def prompt(value: Any) -> Conversation:
    """Return a prompt: text is one user turn."""
    if isinstance(value, str):
        return (Message("user", value),)
    return conversation(value, "prompt")


def completion(value: Any, name: str) -> Conversation:
    """Return a completion, or the whole conversation that ends with it."""
    if isinstance(value, str):
        return (Message("assistant", value),)
    if isinstance(value, dict) and isinstance(value.get("content"), list):
        return conversation(value["content"], name)
    return conversation([value] if isinstance(value, dict) else value, name)


def conversation(value: Any, name: str) -> Conversation:
    """Return a list of messages.

    Raises:
        RowFault: it is none.
    """
    if not isinstance(value, list):
        raise wrong_type(name, value, "text or a list of messages")
    return tuple(_message(item, name) for item in value)


def _message(value: Any, name: str) -> Message:
    if not isinstance(value, dict):
        raise wrong_type(f"a message of {name}", value, "an object with role and content")
    role, content = column(value, "role"), column(value, "content")
    if role not in ROLES:
        raise RowFault("source_bad_value", f"a role of {name} is none of {', '.join(ROLES)}")
    if not isinstance(content, str):
        raise wrong_type(f"the content of {name}", content, "text")
    return Message(role, content)


def _is_answer(messages: Conversation) -> bool:
    return all(message.role == "assistant" for message in messages)


def _numbers(row: Mapping[str, Any], given: Sequence[Any]) -> list[float]:
    """Return what to rank by, less is better: ranks, or else scores turned round."""
    if "ranks" in row:
        return _list_of_numbers(row, "ranks", len(given))
    if "scores" in row:
        return [-score for score in _list_of_numbers(row, "scores", len(given))]
    nested = [item.get("rank") if isinstance(item, dict) else None for item in given]
    if any(rank is None for rank in nested):
        raise RowFault("source_missing_column", "neither ranks nor scores are there")
    return [number(rank, "rank") for rank in nested]


def _list_of_numbers(row: Mapping[str, Any], name: str, length: int) -> list[float]:
    values = [number(value, name) for value in items(row, name)]
    if len(values) != length:
        raise RowFault("source_bad_value", f"{len(values)} {name} for {length} completions")
    return values


def _scores(row: Mapping[str, Any], given: Sequence[Any]) -> list[tuple[tuple[str, float], ...]]:
    if "scores" in row:
        values = _list_of_numbers(row, "scores", len(given))
        return [(("score", value),) for value in values]
    return [_nested_scores(item) for item in given]


def _nested_scores(item: Any) -> tuple[tuple[str, float], ...]:
    """Return the scores of a published completion: a mapping, or Parquet's list of pairs."""
    found = item.get("scores") if isinstance(item, dict) else None
    if isinstance(found, dict):
        found = list(found.items())
    if not isinstance(found, list):
        return ()
    if not all(isinstance(entry, (list, tuple)) and len(entry) == 2 for entry in found):
        raise RowFault("source_wrong_type", "scores are not a mapping of names to numbers")
    return tuple((str(name), number(value, "a score")) for name, value in found)


def _margin(completions: Sequence[Completion]) -> float | None:
    """Return best less worst score; None unless each completion has exactly one."""
    scores = [c.scores[0][1] for c in completions if len(c.scores) == 1]
    if not scores or len(scores) < len(completions):
        return None
    return max(scores) - min(scores)
