"""One MeCab pass: what it counts, and that every road to the counts gives the same."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefdata.text import latin, mecab
from prefdata.text.features import Features, Pure, counter, features, printable
from prefdata.text.mecab import PROBE, analyze, analyze_all, dictionary, forget, prepare
from prefdata.text.register import register_of

TEXTS = [
    "",
    " ",
    PROBE,
    "ｱｲｳ",
    "😂😂",
    "a\x00b\n",
    "あ" * 3000,
    "\ud800い",
    "東京都庁。はい",
    "\u3000",
]
loops = st.lists(st.sampled_from(["とても", "猫", "、", "が", "走る", " "]), max_size=90).map(
    "".join
)
texts = st.text(st.sampled_from("猫が好きです。、Wi-Fi 23年の\n\x00漢字ヲ😂ｱー走った"), max_size=40)


once = cache(lambda kind: kind())  # one parser of each kind


@pytest.fixture(scope="module")
def pure() -> Pure:
    return Pure()


def by_nodes(text: str) -> Features:
    """Count the usual way: walk MeCab's nodes and read their features."""
    import fugashi

    folder = dictionary()
    tagger = by_nodes.__dict__.setdefault(
        "tagger", fugashi.Tagger(f'-r "{folder}/mecabrc" -d "{folder}"')
    )
    nodes = tagger(text if text.isprintable() else printable(text))
    words = [node.surface for node in nodes]
    content = ("名詞", "動詞", "形容詞", "形状詞", "副詞")
    return Features(
        len(words),
        sum(node.feature.pos1 in content for node in nodes),
        sum(node.is_unk for node in nodes),
        len(set(pairwise(words))),
    )


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_the_fast_road_counts_what_the_nodes_say(text: str, pure: Pure) -> None:
    assert pure.one(text) == by_nodes(text)


@given(texts)
def test_the_fast_road_counts_what_the_nodes_say_for_any_text(text: str) -> None:
    assert features([text]) == [by_nodes(text)]


@pytest.mark.skipif(find_spec("numba") is None, reason="the extra [fast] is not installed")
@given(st.lists(texts, max_size=4))
def test_the_accelerator_gives_the_same_numbers(found: list[str]) -> None:
    assert counter().many(found) == [by_nodes(text) for text in found]


@pytest.mark.skipif(find_spec("numba") is None, reason="the extra [fast] is not installed")
@given(st.lists(texts | loops, max_size=4))
def test_the_accelerator_gives_the_same_words(found: list[str]) -> None:
    from prefdata.text.accelerated import Accelerated

    prepared = [prepare(text) for text in [*TEXTS, *found]]
    accelerated = once(Accelerated).words(prepared)
    for words, pure in zip(accelerated, once(mecab.Pure).words(prepared), strict=True):
        assert words == pure
        assert words.surfaces[1:3] == pure.surfaces[1:3]
        assert [*words.surfaces] == [*pure.surfaces]


def test_without_the_accelerator_the_pure_road_is_taken_silently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "prefdata.text.accelerated", None)  # as if numba were missing
    counter.cache_clear()
    try:
        assert isinstance(counter(), Pure)
    finally:
        counter.cache_clear()


@given(st.text(st.sampled_from("ab9 '.,-\n\"(é’—"), max_size=30))
def test_words_are_counted_as_they_are_found(text: str) -> None:
    assert latin.count_english_words(text) == len(latin.english_words(text))


def test_equal_texts_are_parsed_once() -> None:
    first, second = analyze_all(["同じ文を二度読む。", "同じ文を二度読む。"])
    assert first is second is analyze("同じ文を二度読む。")


def test_the_pure_road_stays_without_the_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prefdata.text.accelerated", None)  # as if numba were missing
    parser = mecab.Parser()
    parser.accelerate()
    assert "".join(parser.words([prepare("猫が好きです。")])[0].surfaces) == "猫が好きです。"


def test_many_texts_take_the_compiled_road(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba", reason="the extra [fast] is not installed")
    monkeypatch.setattr(mecab, "_PAYS", 3)
    parser = mecab.Parser()
    kinds = [type(parser.words(["猫が", "走る。"])[0].surfaces) for _ in range(3)]
    assert kinds[0] is tuple
    assert kinds[2] is not tuple


def test_threads_share_one_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mecab, "_REMEMBERED", 20)
    texts = [f"{n}人が第{n}回の集まりに来ました。" for n in range(200)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: "".join(analyze(text).surfaces), texts * 4))
    assert found == texts * 4


def test_many_texts_are_forgotten_and_parsed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mecab, "_REMEMBERED", 3)
    forget()
    found = [analyze_all([f"{n}人です。", "猫です。"])[0].surfaces[0] for n in range(5)]
    assert found == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("text", "polite", "plain"),
    [
        ("簡単です。やってみましょう。できましたか？", 3, 0),
        ("簡単だ。やってみよう。できたのである。", 0, 3),
        ("終わり。東京都。", 0, 0),
        ("手順です。\n- 洗う。\n- 拭く。", 1, 0),
        ("彼は「やめろ。行くぞ！」と言いました。", 1, 0),
        ("食べないでください。座ってはいけません。", 2, 0),
        ("そうだよね。行くぞ。", 0, 2),
    ],
)
def test_registers_are_told_at_the_ends_of_sentences(text: str, polite: int, plain: int) -> None:
    assert register_of(analyze(text)) == (polite, plain)
