from __future__ import annotations

import pytest

from prefdata.core.records import Role
from prefdata.translate.entry import Attempt
from prefdata.translate.ladder import Judged, Ladder
from prefdata.translate.protect import protect
from prefdata.translate.tree import Node, node_key

SOURCE = "Could you tell me how to boil an egg? I have never done it before."
GOOD = "卵のゆで方を教えていただけますか？今まで一度もやったことがないんです。"


def judged(answer: str | None, source: str = SOURCE, role: Role = "user", **kind: str) -> Judged:
    node = Node(node_key(b"", role, source), 0, role, source, "hh", None)
    return Ladder().judge(node, protect(source), Attempt(answer, **kind))


def test_a_good_answer_passes_as_it_is() -> None:
    assert judged(GOOD) == Judged(GOOD)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("", "empty_output"),
        ("   \n", "empty_output"),
        ("申し訳ありませんが、その文章の翻訳はできません。", "refusal"),
        ("I'm sorry, but I can't help with that request.", "refusal"),
        (SOURCE, "untranslated"),
        ("卵は沸騰したお湯で8分ゆでます。そのあと冷水で冷やします。", "answered_instead"),
        ("你可以告诉我怎么煮鸡蛋吗？这是我第一次做。", "off_target_language"),
        ("卵を" + "ゆでて" * 40 + "ください。", "repetition_loop"),
    ],
)
def test_a_bad_answer_is_told_by_its_code_and_measure(answer: str, code: str) -> None:
    found = judged(answer)

    assert found.text is None
    assert code in [finding[0] for finding in found.findings]


@pytest.mark.parametrize(
    "answer",
    ["以下は日本語訳です。\n\n" + GOOD, "日本語訳：" + GOOD, GOOD + "<|im_end|>", f"「{GOOD}」"],
)
def test_what_is_certain_is_repaired_and_recorded(answer: str) -> None:
    found = judged(answer)

    assert found.text == GOOD
    assert found.repairs


def test_a_bad_answer_in_other_tongues_keeps_citations_apart() -> None:
    source = "Salt lowers the freezing point of water [1], so roads stay wet [2]."
    answer = "塩は水の凝固点を下げるので [1]、道路は濡れたままです [1]。"

    found = judged(answer, source, "assistant")

    assert [finding[0] for finding in found.findings] == ["citation_mismatch"]


@pytest.mark.parametrize(
    ("reason", "code"),
    [("length", "truncated"), ("too_long", "too_long"), ("missing", "not_in_memory")],
)
def test_what_the_back_end_says_is_a_code(reason: str, code: str) -> None:
    assert judged(GOOD, finish_reason=reason).findings[0][0] == code


def test_each_rung_is_tried_once_and_splitting_needs_paragraphs() -> None:
    ladder = Ladder()
    tried: list[Attempt] = []
    order = []
    while (rung := ladder.next(tried, paragraphs=1)) is not None:
        order.append(ladder.rungs[rung].name)
        tried.append(Attempt("x", rung=order[-1]))

    assert order == ["first", "again", "strict"]
    assert ladder.next(tried, paragraphs=2) == 3
