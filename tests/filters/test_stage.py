"""The filter stage over records: blind, conserving, repairing, deciding by profile."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given

from prefdata.config.settings import Settings
from prefdata.core.finding import Finding
from prefdata.core.records import Completion, Message, Original, Preference
from prefdata.core.stage import Context
from prefdata.filters.judge import rules_digest
from prefdata.filters.screen import Screen
from prefdata.filters.stage import FilterStage
from prefdata.filters.view import Comparison, blind
from prefdata.store.arrow import encode, encode_drops
from prefdata.text.mecab import Road, Words, forget, parser
from tests.records import a_pair, answer, preferences, say

ENGLISH = ("How do I get to the station?", "Go straight for five minutes.", "No idea.")
GOOD = ("駅へはどう行けばいいですか？", "5分ほどまっすぐ進んでください。", "わかりません。")


def stage(**settings: Any) -> FilterStage:
    return FilterStage(FilterStage.Config.from_tree(settings), Context())


DEFAULT = stage()


def judged(record: Preference, **settings: Any) -> tuple[Preference, ...] | tuple[str, ...]:
    outcome = stage(**settings)([record])
    return tuple(outcome.kept) or outcome.dropped[0].reasons


def test_a_good_translation_is_kept_with_its_measurements() -> None:
    (record,) = judged(a_pair(*GOOD, english=ENGLISH))
    assert isinstance(record, Preference)
    assert "length_ratio_low" in {f.code for f in record.findings}
    assert {f.action for f in record.findings} == {"none"}


def test_a_broken_side_drops_the_whole_pair_and_names_the_side() -> None:
    drop = stage()([a_pair(GOOD[0], GOOD[1], "No idea.", english=ENGLISH)]).dropped[0]
    assert drop.reasons == ("untranslated",)
    assert (drop.findings[0].side, drop.findings[0].measured) == ("rejected", 0.0)
    assert drop.findings[0].limit == 0.3


@pytest.mark.parametrize(
    "changed",
    [
        "text/style.py",
        "text/limits.yaml",
        "filters/pairs.py",
        "filters/speaker.py",
        "filters/drift.py",
    ],
)
def test_a_changed_rule_is_another_step_and_a_changed_report_is_not(
    changed: str, root: Path, tmp_path: Path
) -> None:
    package = shutil.copytree(root / "prefdata", tmp_path / "prefdata")
    with (package / changed).open("a", encoding="utf-8") as file:
        file.write("# another rule\n")
    asked = "from prefdata.filters.judge import rules_digest; print(rules_digest())"
    command = [sys.executable, "-c", asked]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    is_same = found.stdout.strip() == rules_digest()
    assert is_same == (changed == "filters/drift.py")


def test_equal_completions_of_different_english_have_collapsed() -> None:
    assert judged(a_pair(GOOD[0], GOOD[1], GOOD[1], english=ENGLISH))[0] == "pair_collapsed"


def test_the_root_cause_comes_first() -> None:
    english = ("What time is it?", "It is noon.", "Late.")
    reasons = judged(a_pair("", "正午です。", "遅いです。", english=english))
    assert reasons[0] == "empty_output"


def test_a_preamble_is_taken_off_and_recorded() -> None:
    broken = (GOOD[0], "以下は日本語訳です。\n\n" + GOOD[1], GOOD[2])
    (record,) = judged(a_pair(*broken, english=ENGLISH))
    assert isinstance(record, Preference)
    assert record.chosen[0].content == GOOD[1]
    repairs = [f for f in record.findings if f.action == "repair"]
    assert [(f.code, f.side) for f in repairs] == [("meta_commentary", "chosen")]
    assert judged(a_pair(*broken, english=ENGLISH), repair=False) == ("meta_commentary",)


def test_a_threshold_of_the_pipeline_wins() -> None:
    record = a_pair(GOOD[0], GOOD[1], "No idea.", english=ENGLISH)
    (kept,) = judged(record, thresholds={"untranslated": "flag"})
    assert isinstance(kept, Preference)
    assert [f.code for f in kept.findings if f.action == "flag"] == ["untranslated"]


def test_an_unknown_threshold_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean 'refusal"):
        stage(thresholds={"refusal.japanes": 1.0})


def test_native_rankings_are_judged_without_a_source() -> None:
    completions = tuple(
        Completion(answer(text), rank)
        for rank, text in enumerate(("いい天気です。", "はい。", "繝代Φ螻九〒縺吶"), 1)
    )
    record = a_pair(completions=completions, kind="ranking")
    drop = stage()([record]).dropped[0]
    assert drop.reasons == ("mojibake",)
    assert drop.findings[0].side == "completion_2"


def test_english_records_pass_untouched() -> None:
    record = a_pair("Hi", "Hello.", "Go away.", lang="en")
    assert judged(record) == (record,)


def test_a_summary_may_mix_registers_and_an_answer_may_not() -> None:
    mixed = "まず伸びをします。次に走る。水を飲みます。よく休むのだ。"
    english = ("How do I run?", "First stretch. Then run. Drink water. Rest well.", "Do not run.")
    record = a_pair("どう走ればいいですか？", mixed, "走らないでください。", english=english)
    assert judged(record) == ("register_inconsistent",)
    summary = replace(record, origin=replace(record.origin, kind="summarize"))
    assert isinstance(judged(summary)[0], Preference)


@given(preferences())
def test_in_is_kept_plus_dropped_for_any_record(record: Preference) -> None:
    outcome = DEFAULT([record])
    assert len(outcome.kept) + len(outcome.dropped) == 1


SIDES = [
    (GOOD, ENGLISH),
    ((GOOD[0], GOOD[1], "No idea."), ENGLISH),
    ((GOOD[0], GOOD[1], GOOD[1]), ENGLISH),
    ((GOOD[0], "54です。", "56です。"), ("What is 7 times 8?", "It is 56.", "It is 54.")),
]


@pytest.mark.parametrize(("japanese", "english"), SIDES)
def test_turning_the_preference_round_changes_no_verdict(
    japanese: tuple[str, str, str], english: tuple[str, str, str]
) -> None:
    record = a_pair(*japanese, english=english)
    turned = record.swapped()
    assert blind(record).view == blind(turned).view
    before, after = (found for _, found in DEFAULT.judged([record, turned]))
    swap = {"chosen": "rejected", "rejected": "chosen"}
    assert sorted((f.code, f.band, f.side, f.action) for f in before) == sorted(
        (f.code, f.band, swap.get(f.side, f.side), f.action) for f in after
    )


@given(preferences())
def test_no_filter_can_tell_which_completion_is_preferred(record: Preference) -> None:
    if record.kind == "pair":
        assert blind(record).view == blind(record.swapped()).view


HOSTILE = {
    "a long turn": ("The cat sat. " * 8_000, "猫が座った。" * 12_000),
    "one character": ("x", "あ" * 300_000),
    "NUL": ("a\x00b", "\x00あ\x00"),
    "line ends": ("a\r\nb\rc", "あ\r\nい\rう\n"),
    "emoji": ("😂", "😂" * 1000),
    "half-width kana": ("Camera.", "ｶﾒﾗ"),
    "Hebrew": ("Hello.", "שלום"),
    "mojibake": ("Hello.", "ã‚«ãƒ•ã‚§"),
    "an unclosed fence": ("Use it.", "```\n使う"),
    "nothing": ("", ""),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("lang", ["translated", "native"])
def test_a_hostile_text_gets_a_verdict_and_can_be_stored(name: str, lang: str) -> None:
    source, target = HOSTILE[name]
    english = (source, "Yes.", source) if lang == "translated" else None
    record = a_pair(target, "はい。", target, english=english)
    outcome = DEFAULT([record])
    assert len(outcome.kept) + len(outcome.dropped) == 1
    assert len(encode(list(outcome.kept))) == len(outcome.kept)
    assert len(encode_drops(list(outcome.dropped))) == len(outcome.dropped)


def test_half_a_character_is_dropped() -> None:
    """None comes this far: sources and the translator's ladder refuse it, no file could hold it."""
    (drop,) = DEFAULT(
        [a_pair("い", "あ\ud83dい", "う", english=("\udc00x", "Yes.", "No."))]
    ).dropped
    assert "mojibake" in drop.reasons


def test_fifty_turns_are_judged_one_by_one() -> None:
    record = a_pair("はい、続けてください。", "わかりました。", "No idea.", english=ENGLISH)
    prompt = record.prompt * 50
    assert record.original is not None
    long = replace(
        record, prompt=prompt, original=replace(record.original, prompt=record.original.prompt * 50)
    )
    (drop,) = DEFAULT([long]).dropped
    assert {f.turn for f in drop.findings if f.side == "prompt"} == set(range(50))


class Shouting:
    """A foreign filter: completions with too many exclamation marks."""

    class Config(Settings):
        most: int = 3

    version: ClassVar[int] = 1
    reasons: ClassVar[tuple[str, ...]] = ("shouting",)

    def __init__(self, config: Config, context: Context) -> None:
        self.most = config.most

    def check(self, record: Comparison) -> list[Finding]:
        return [
            Finding("shouting", f"completion_{n}", 0, float(turns[0].target.count("！")), self.most)
            for n, turns in enumerate(record.completions)
            if turns[0].target.count("！") > self.most
        ]


def test_a_filter_of_ones_own_drops_by_the_side_that_the_record_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from prefdata import components

    monkeypatch.setitem(components.BUILT_IN["filters"], "shouting", f"{__name__}:Shouting")
    record = a_pair(GOOD[0], GOOD[1], "知らない！！！！", english=ENGLISH)
    own = stage(filters=[{"use": "shouting"}])
    drop = own([record]).dropped[0]
    assert drop.reasons == ("shouting",)
    assert drop.findings[0].side == "rejected"
    assert own([record.swapped()]).dropped[0].findings[0].side == "chosen"


def test_a_task_of_spelling_leaves_before_translation() -> None:
    screen = Screen(Screen.Config.from_tree({}), Context())
    kept = a_pair("Where is the station?", "Straight on.", "No idea.", lang="en")
    rhyme = a_pair("What rhymes with moon?", "June.", "Sun.", lang="en", row="2")
    outcome = screen([kept, rhyme])
    assert [r.id for r in outcome.kept] == [kept.id]
    assert outcome.dropped[0].reasons == ("language_dependent_task",)


def quickstart_nodes(root: Path) -> list[dict[str, Any]]:
    path = root / "data" / "quickstart" / "translations.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def record_of(nodes: list[dict[str, Any]], line: int) -> Preference:
    """Return one pair of the quick start, from its nodes."""
    own = {(n["side"], n["turn"]): n for n in nodes if n["line"] == line}
    shared = [own[key] for key in sorted(own) if key[0] == "shared"]
    sides = [[own[key] for key in sorted(own) if key[0] == side] for side in ("chosen", "rejected")]

    def say(found: list[dict[str, Any]], lang: str) -> tuple[Message, ...]:
        return tuple(Message(n["role"], n[lang]) for n in found)

    japanese = tuple(Completion(say(side, "ja"), n) for n, side in enumerate(sides, 1))
    original = Original("en", say(shared, "en"), (say(sides[0], "en"), say(sides[1], "en")))
    base = a_pair(row=str(line))
    return replace(base, prompt=say(shared, "ja"), completions=japanese, original=original)


def test_the_quick_start_loses_what_was_planted_and_nothing_else(root: Path) -> None:
    nodes = quickstart_nodes(root)
    planted = {n["line"]: n["planted"] for n in nodes if "planted" in n}
    expected = {line: code for line, code in planted.items() if code != "meta_commentary"}
    expected |= {17: "language_dependent_task", 51: "language_dependent_task"}
    found = {}
    for line in sorted({n["line"] for n in nodes} - {53}):  # line 53 has an empty side
        dropped = DEFAULT([record_of(nodes, line)]).dropped
        if dropped:
            found[line] = dropped[0].reasons[0]
    assert found == expected


class Counting:
    """A road through MeCab that remembers which texts went over it."""

    def __init__(self, road: Road) -> None:
        self.road = road
        self.parsed: list[str] = []

    def words(self, texts: Sequence[str]) -> list[Words]:
        self.parsed += texts
        return self.road.words(texts)


def test_every_text_is_parsed_once_a_shared_prompt_and_a_repeated_answer_too() -> None:
    english = (ENGLISH[0], "It is not far. I can show you.", "No idea.")
    japanese = ("駅への道順は？", "遠くありません。ご案内できます。", "存じません。")
    pair = a_pair(*japanese, english=english)
    again = a_pair("別の道は？", *japanese[1:], english=("Another way?", *english[1:]), row="2")
    forget()
    parser()._road = counting = Counting(parser()._road)
    try:
        stage()([pair, pair.swapped(), again])
    finally:
        parser()._road = counting.road
    assert Counter(counting.parsed) == Counter({*japanese, "別の道は？"})


def test_an_assistant_that_changes_its_register_between_turns_is_inconsistent() -> None:
    japanese = say(
        "葉先が茶色いです。",
        "空気が乾いています。水をやってください。霧吹きも役に立ちます。",
        "切るべきですか？",
    )
    english = say("The tips are brown.", "The air is dry. Water it. Mist helps.", "Cut them?")
    plain, polite = "切ってもいいぜ。はさみを使うんだ。すぐ治るよ。", "切ってもかまいません。"
    record = replace(
        a_pair(),
        prompt=japanese,
        completions=(Completion(answer(plain), 1), Completion(answer(polite), 2)),
        original=Original("en", english, (answer("You can. Use scissors."), answer("You can."))),
    )
    (drop,) = FilterStage(FilterStage.Config.from_tree({}), Context())([record]).dropped
    found = [(f.side, f.band) for f in drop.findings if f.code == "register_inconsistent"]
    assert found == [("chosen", "speaker")]
