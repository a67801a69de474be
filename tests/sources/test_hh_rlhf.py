"""hh-rlhf: every quirk of the real rows, and the count of their dialogue nodes."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefdata.core.errors import InputError
from prefdata.core.finding import Skip
from prefdata.core.records import Conversation, Message, Preference
from prefdata.sources.hh_rlhf import parse, split_pair
from prefdata.sources.reasons import RowFault
from tests.sources.reading import lines, read, reasons, source, texts

SLICE = "harmless-base.test.rows-0000-1799"
NAMES = {"user": "Human", "assistant": "Assistant"}


def render(turns: Conversation) -> str:
    return "".join(f"\n\n{NAMES[turn.role]}: {turn.content}" for turn in turns)


def pair(chosen: str, rejected: str) -> dict[str, str]:
    return {"chosen": chosen, "rejected": rejected}


# A turn's text: anything but the border itself, without white space at its ends.
turn_texts = (
    st.text(min_size=1)
    .map(str.strip)
    .filter(lambda text: text and "\n\nHuman:" not in text and "\n\nAssistant:" not in text)
)
turns = st.builds(Message, st.sampled_from(["user", "assistant"]), turn_texts)


@given(st.lists(turns, min_size=1, max_size=8).map(tuple))
def test_a_dialogue_is_read_as_the_turns_that_it_was_written_from(dialogue: Conversation) -> None:
    assert parse(render(dialogue)) == dialogue


@given(st.lists(turns, max_size=6).map(tuple), turn_texts, turn_texts)
def test_a_pair_is_its_two_dialogues_again(history: Conversation, better: str, worse: str) -> None:
    asked = (*history, Message("user", "and then?"))
    whole = [(*asked, Message("assistant", answer)) for answer in (better, worse)]
    if better == worse:
        with pytest.raises(RowFault):
            split_pair(*map(render, whole))
        return

    found = split_pair(*map(render, whole))

    assert found.prompt == asked
    assert [found.prompt + completion.messages for completion in found.completions] == whole


@pytest.mark.parametrize(
    "inside",
    [
        "Human: she said so",
        "a line\nHuman: one newline is no border",
        "two paragraphs\n\nof one turn",
        "Human:",
        "a\n\n\nhuman: lower case",
        "\u200bzero width\ufeff and \xa0 inside",
    ],
)
def test_what_looks_like_a_border_stays_inside_its_turn(inside: str) -> None:
    dialogue = (Message("user", "a"), Message("assistant", inside))

    assert parse(render(dialogue)) == dialogue


@pytest.mark.parametrize("text", ["no marker at all", "", "  \n\n ", "System: x\n\nHuman: a"])
def test_a_dialogue_that_does_not_begin_with_a_role_is_a_bad_row(text: str) -> None:
    with pytest.raises(RowFault) as fault:
        parse(text)

    assert fault.value.reason == "source_no_role_marker"


@pytest.mark.parametrize("start", ["", "\n", "\n\n", "\n\n\n"])
def test_blank_lines_before_the_first_role_do_not_count(start: str) -> None:
    assert parse(f"{start}Human: a\n\nAssistant: b") == parse("\n\nHuman: a\n\nAssistant: b")


def test_the_edge_rows_are_kept_or_skipped_for_the_right_reason(fixtures: Path) -> None:
    records, skips = read("hh_rlhf", path=fixtures / "hh-rlhf.edge.fixture.jsonl")

    assert {int(skip.row.rpartition(":")[2]): skip.reason for skip in skips} == {
        2: "source_identical_completions",
        3: "source_empty_completion",
        8: "source_no_answer",
        9: "source_no_role_marker",
        10: "source_histories_differ",
        11: "source_no_answer",
    }
    assert [skip.row for skip in skips if skip.bad] == ["hh-rlhf.edge.fixture.jsonl:9"]
    assert len(records) == 6


def test_a_completion_may_hold_two_assistant_messages(fixtures: Path) -> None:
    records, _ = read("hh_rlhf", path=fixtures / "hh-rlhf.edge.fixture.jsonl")

    assert [m.content for m in records[1].chosen] == ["b", "c"]
    assert [m.content for m in records[1].rejected] == ["d"]


def test_the_first_answer_is_preferred_and_the_shared_history_is_the_prompt(tmp_path: Path) -> None:
    history = "\n\nHuman: a\n\nAssistant: b\n\nHuman: c"
    path = lines(
        tmp_path / "rows.jsonl", [pair(f"{history}\n\nAssistant: x ", f"{history}\n\nAssistant: y")]
    )

    ([record], _) = read("hh_rlhf", path=path)

    assert [m.content for m in record.prompt] == ["a", "b", "c"]
    assert texts(record) == ["x", "y"]
    assert [completion.rank for completion in record.completions] == [1, 2]
    assert (record.kind, record.lang, record.origin.kind) == ("pair", "en", "hh")


def test_the_prompt_never_takes_the_last_turn_of_either_side(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "rows.jsonl",
        [pair("\n\nHuman: a\n\nAssistant: b\n\nAssistant: c", "\n\nHuman: a\n\nAssistant: b")],
    )

    ([record], _) = read("hh_rlhf", path=path)

    assert [m.content for m in record.prompt] == ["a"]
    assert [len(completion.messages) for completion in record.completions] == [2, 1]


def test_an_empty_turn_in_the_history_leaves_the_row_out(tmp_path: Path) -> None:
    history = "\n\nHuman: a\n\nAssistant: \n\nHuman: c"
    path = lines(
        tmp_path / "rows.jsonl", [pair(f"{history}\n\nAssistant: x", f"{history}\n\nAssistant: y")]
    )

    assert reasons(read("hh_rlhf", path=path)[1]) == {"source_empty_turn": 1}


def test_red_team_attempts_are_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="not meant for preference modeling"):
        source("hh_rlhf", subset="red-team-attempts")


def test_red_team_rows_are_refused_whatever_the_file_is_called(tmp_path: Path) -> None:
    path = lines(tmp_path / "rows.jsonl", [{"transcript": "…", "rating": 3.0}])

    with pytest.raises(InputError, match="not pairs"):
        read("hh_rlhf", path=path)


def test_an_unknown_subset_is_answered_with_the_nearest_known_one() -> None:
    with pytest.raises(ValueError, match="did you mean 'harmless-base'"):
        source("hh_rlhf", subset="harmles-base")


def test_a_folder_gives_each_file_its_subset_and_split(tmp_path: Path) -> None:
    for name in ("harmless-base/test", "helpful-base/train", "red-team-attempts/red_team"):
        row = pair(f"\n\nHuman: {name}\n\nAssistant: x", f"\n\nHuman: {name}\n\nAssistant: y")
        lines(tmp_path / f"{name}.jsonl.gz", [row])

    everything, _ = read("hh_rlhf", path=tmp_path)
    one, _ = read("hh_rlhf", path=tmp_path, subset="helpful-base")
    test, _ = read("hh_rlhf", path=tmp_path, split="test")

    places = {(r.origin.config, r.origin.split) for r in everything}
    assert places == {("harmless-base", "test"), ("helpful-base", "train")}
    assert [r.origin.config for r in one] == ["helpful-base"]
    assert [r.origin.config for r in test] == ["harmless-base"]


def test_rows_that_continue_one_dialogue_share_its_group(root: Path) -> None:
    records, _ = read("hh_rlhf", path=root / "data/quickstart/pairs.hh.jsonl")
    first = [m.content for m in records[2].prompt][:1]

    assert len({r.group for r in records if [m.content for m in r.prompt][:1] == first}) == 1


# Real rows: 1,800 of harmless-base/test, with the row numbers of every quirk.


@pytest.fixture(scope="module")
def real(shared_data: Path) -> list[Preference | Skip]:
    path = shared_data / f"hh-rlhf/{SLICE}.jsonl.gz"
    return list(source("hh_rlhf", path=path, subset="harmless-base", split="test").records())


@pytest.fixture(scope="module")
def quirks(shared_data: Path) -> dict[str, Any]:
    path = shared_data / f"hh-rlhf/{SLICE}.edge-cases.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def raw(shared_data: Path) -> list[dict[str, str]]:
    import gzip

    with gzip.open(shared_data / f"hh-rlhf/{SLICE}.jsonl.gz", "rt", encoding="utf-8") as rows:
        return [json.loads(row) for row in rows]


def nodes(texts: list[Conversation]) -> set[Conversation]:
    """Each turn with the turns before it, once; turns without text are not nodes."""
    return {text[: n + 1] for text in texts for n, turn in enumerate(text) if turn.content}


def whole(record: Preference) -> list[Conversation]:
    return [record.prompt + completion.messages for completion in record.completions]


def test_exactly_the_rows_with_an_empty_last_turn_are_skipped(
    real: list[Preference | Skip], quirks: dict[str, Any]
) -> None:
    skipped = {n: item.reason for n, item in enumerate(real) if isinstance(item, Skip)}

    assert skipped == {n: "source_empty_completion" for n, _ in quirks["last_assistant_turn_empty"]}
    assert len(real) == 1800


def test_the_kept_rows_have_all_nodes_but_those_that_only_skipped_rows_have(
    real: list[Preference | Skip], raw: list[dict[str, str]]
) -> None:
    kept = nodes([text for item in real if isinstance(item, Preference) for text in whole(item)])
    per_row = [nodes([parse(row["chosen"]), parse(row["rejected"])]) for row in raw]
    every = set().union(*per_row)
    left = [
        found for found, item in zip(per_row, real, strict=True) if isinstance(item, Preference)
    ]
    only_skipped = every - set().union(*left)

    assert len(every) == 10_433
    assert sum(len(node[-1].content) for node in every) == 1_412_189
    assert kept == every - only_skipped
    assert len(kept) == 10_433 - len(only_skipped)


def test_no_character_of_a_real_turn_is_lost(
    raw: list[dict[str, str]], quirks: dict[str, Any]
) -> None:
    turns = [turn for row in raw for side in ("chosen", "rejected") for turn in parse(row[side])]

    assert len(turns) == quirks["turns_total"]
    assert len({turn.content for turn in turns}) == quirks["turns_distinct_stripped"]
    assert sum(len(turn.content) for turn in turns) == quirks["turn_chars_total"]


def test_the_same_role_twice_running_is_kept_in_exactly_the_known_rows(
    raw: list[dict[str, str]], quirks: dict[str, Any]
) -> None:
    twice = [
        [n, side]
        for n, row in enumerate(raw)
        for side in ("chosen", "rejected")
        if any(one.role == other.role for one, other in pairwise(parse(row[side])))
    ]

    assert twice == quirks["same_role_twice_running"]


def test_markers_inside_turns_stay_in_exactly_the_known_rows(
    raw: list[dict[str, str]], quirks: dict[str, Any]
) -> None:
    inside = [
        [n, side]
        for n, row in enumerate(raw)
        for side in ("chosen", "rejected")
        if any("Human:" in t.content or "Assistant:" in t.content for t in parse(row[side]))
    ]

    assert inside == quirks["role_marker_inside_a_turn"]


def test_histories_of_different_length_still_share_their_beginning(
    real: list[Preference | Skip], quirks: dict[str, Any]
) -> None:
    for n in quirks["history_differs_between_chosen_and_rejected"]:
        record = real[n]
        assert isinstance(record, Preference)
        assert len(record.chosen) != len(record.rejected)
        assert all(m.role == "assistant" for m in (*record.chosen, *record.rejected))


def test_every_kept_pair_is_two_whole_dialogues_again(
    real: list[Preference | Skip], raw: list[dict[str, str]]
) -> None:
    for item, row in zip(real, raw, strict=True):
        if isinstance(item, Preference):
            assert whole(item) == [parse(row["chosen"]), parse(row["rejected"])]


def test_every_real_record_has_an_id_of_its_own(real: list[Preference | Skip]) -> None:
    records = [item for item in real if isinstance(item, Preference)]

    assert len({record.id for record in records}) == len(records) == 1796
    assert {(r.origin.config, r.origin.split) for r in records} == {("harmless-base", "test")}
