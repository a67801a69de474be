"""Reading releases: comparisons, leaks, text templates, length policies."""

from __future__ import annotations

from pathlib import Path

import pytest

from prefdata.core.errors import ConfigError, InputError, IntegrityError
from prefdata.core.records import Message
from prefdata.training.data import (
    comparisons_of,
    hold_out,
    ranked_pairs,
    refuse_leaks,
    release_of,
)
from prefdata.training.examples import Encoder, encode_all
from prefdata.training.settings import BaseModelSettings, Length
from prefdata.training.template import DEFAULT, render
from tests.training import toy


class Characters:
    """A tokenizer with one token a character."""

    def __call__(self, text: str, **options: object) -> dict[str, list[int]]:
        longest = options.get("max_length")
        return {
            "input_ids": [ord(c) for c in text][: longest if isinstance(longest, int) else None]
        }


def small_release(tmp_path: Path) -> Path:
    rows = toy.pairs(6, seed=3)
    return toy.release(tmp_path, pairs={"train": rows[:4], "validation": rows[4:]})


def test_pairs_of_one_prompt_are_one_comparison(tmp_path: Path) -> None:
    rows = [
        toy.pair_row(1, "質問", "よい", "ふつう"),
        toy.pair_row(1, "質問", "よい", "わるい"),
        toy.pair_row(1, "質問", "ふつう", "わるい"),
    ]
    (comparison,) = comparisons_of(toy.release(tmp_path, pairs={"train": rows}), "train")

    assert len(comparison.completions) == 3
    assert [(a, b) for a, b, _ in comparison.pairs] == [(0, 1), (0, 2), (1, 2)]


def test_rankings_give_all_pairs_or_the_best_and_the_worst(tmp_path: Path) -> None:
    release = toy.release(tmp_path, rankings={"train": toy.rankings(2, seed=1)})

    every = comparisons_of(release, "train", view="rankings")[0]
    ends = comparisons_of(release, "train", view="rankings", pairing="best_worst")[0]

    assert len(every.pairs) == 6
    assert ends.pairs == ((0, 3, 0.0),)
    assert set(every.scores[0]) == {"polite", "rude", "brief"}


def test_ties_give_no_pair() -> None:
    assert ranked_pairs([1, 1, 2], "all") == ((0, 2, 0.0), (1, 2, 0.0))
    assert ranked_pairs([1, 1], "best_worst") == ()


def test_a_dialogue_in_two_splits_is_refused(tmp_path: Path) -> None:
    rows = toy.pairs(3, seed=1)
    release = toy.release(tmp_path, pairs={"train": rows, "test": rows[:1]})
    splits = {s: comparisons_of(release, s) for s in ("train", "test")}

    with pytest.raises(IntegrityError, match="both train and test"):
        refuse_leaks(splits)


def test_the_same_prompt_under_another_group_is_refused_too(tmp_path: Path) -> None:
    row = toy.pairs(1, seed=1)[0]
    release = toy.release(
        tmp_path, pairs={"train": [row], "validation": [{**row, "group": "another"}]}
    )
    splits = {s: comparisons_of(release, s) for s in ("train", "validation")}

    with pytest.raises(IntegrityError, match="one dialogue"):
        refuse_leaks(splits)


def test_a_release_without_splits_is_split_by_group_whatever_the_order(tmp_path: Path) -> None:
    release = toy.release(tmp_path, pairs={"train": toy.pairs(200, seed=1)})
    rows = comparisons_of(release, "train")

    first, second = hold_out(rows, 0.1), hold_out(rows[::-1], 0.1)

    assert {c.group for c in first["test"]} == {c.group for c in second["test"]}
    assert 8 <= len(first["validation"]) <= 35
    refuse_leaks(first)


def test_a_folder_without_pairs_is_no_release(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no release"):
        release_of({}, "pairs", tmp_path)
    with pytest.raises(InputError, match="pairs: publish"):
        release_of({}, "pairs", None)


def test_a_text_is_what_the_labels_view_would_say() -> None:
    prompt = (Message("system", "短く"), Message("user", "天気は？"))

    text = render(DEFAULT, prompt, (Message("assistant", "晴れです。"),))

    assert text == "system: 短く\n\nuser: 天気は？\n\nassistant: 晴れです。"


@pytest.mark.parametrize("template", ["{% for %}", "{{ nothing }}"])
def test_a_template_that_does_not_work_is_a_configuration_error(template: str) -> None:
    with pytest.raises(ConfigError, match="input template"):
        render(template, (), ())


@pytest.mark.parametrize(("policy", "kept", "cut"), [("truncate", 4, 8), ("drop", 0, 0)])
def test_what_the_length_policy_does_is_counted(
    tmp_path: Path, policy: str, kept: int, cut: int
) -> None:
    rows = comparisons_of(small_release(tmp_path), "train")
    encoder = Encoder(Characters(), "{{ completion[0].content }}", 3)
    length = Length.model_construct(max=3, on_excess=policy)

    examples, counts = encode_all(encoder, rows, length)

    assert counts.n_in == counts.n_kept + counts.n_dropped
    assert len(examples) == counts.n_kept <= kept
    assert counts.n_truncated <= cut


def test_too_long_a_text_can_be_an_error(tmp_path: Path) -> None:
    rows = comparisons_of(small_release(tmp_path), "train")
    encoder = Encoder(Characters(), DEFAULT, 8)

    with pytest.raises(InputError, match="more than 8"):
        encode_all(encoder, rows, Length(max=8, on_excess="raise"))


def test_a_pair_whose_prompt_fills_the_limit_teaches_nothing_and_is_dropped(tmp_path: Path) -> None:
    rows = comparisons_of(small_release(tmp_path), "train")

    examples, counts = encode_all(Encoder(Characters(), DEFAULT, 8), rows, Length(max=8))

    assert not examples
    assert counts.n_dropped == 4


def test_remote_code_needs_a_pinned_revision() -> None:
    with pytest.raises(ValueError, match="40 hex digits"):
        BaseModelSettings(path="someone/model", trust_remote_code=True, revision="main")
    BaseModelSettings(path="someone/model", trust_remote_code=True, revision="0" * 40)
