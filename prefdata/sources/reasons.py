"""Why a source row yields no record: the closed list of ``source_*`` codes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """What a code means; `bad` rows are broken and count against `max_bad_rows`."""

    meaning: str
    bad: bool = False


REASONS: dict[str, Reason] = {
    "source_bad_json": Reason("the line is not JSON, or was cut off", bad=True),
    "source_invalid_text": Reason(
        "the row holds bytes that are not UTF-8, a lone surrogate or a NUL", bad=True
    ),
    "source_missing_column": Reason("a column that a record needs is not in the row", bad=True),
    "source_wrong_type": Reason("a column holds another type than the source's", bad=True),
    "source_bad_value": Reason("a value is outside of what the source may hold", bad=True),
    "source_no_role_marker": Reason(
        "a dialogue does not begin with a role marker, so nobody knows who speaks", bad=True
    ),
    "source_no_answer": Reason("a dialogue does not end with an assistant turn"),
    "source_no_prompt": Reason("there is no user turn before the completions, or it is empty"),
    "source_empty_turn": Reason("a turn before the completions is empty"),
    "source_empty_completion": Reason("a completion is empty"),
    "source_too_few_completions": Reason("fewer than two completions are left to compare"),
    "source_identical_completions": Reason("the completions are the same text"),
    "source_histories_differ": Reason(
        "the two dialogues differ before their last user turn, so they share no prompt"
    ),
    "source_tie": Reason("nobody preferred any completion"),
    "source_disagreement": Reason("the verdicts of the two orders disagree"),
    "source_no_verdict": Reason("there is no verdict, or the judge failed to give one"),
    "source_no_score": Reason("the row has no score to rank by"),
    "source_removed_text": Reason("nothing is left of the prompt but [removed] or [deleted]"),
    "source_other_layout": Reason("the row has another layout than the one asked for"),
    "source_other_split": Reason("the row is of another split than the one asked for"),
}


class RowFault(Exception):
    """A row yields no record; raised while one row is read and turned into a `Skip` there.

    `detail` names columns and types, never content: rows may be offensive or personal.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
