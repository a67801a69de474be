from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefdata.translate.protect import MARK, protect, restore


@pytest.mark.parametrize(
    "span",
    [
        "```python\nprint(1)\n```",
        "`ls -l`",
        "``a ` b``",
        "https://example.com/a_b?c=1&d=2",
        "www.example.org/path",
        "jane.doe+x@mail.example.com",
        "$x^2 + y_1$",
        "$2^2-5=0$",
        "$$\\int_0^1 x\\,dx$$",
        "\\(a+b\\)",
        "\\begin{align}a&=b\\end{align}",
        '<a href="https://example.com">',
        "</div>",
        "<br/>",
    ],
)
def test_a_span_is_hidden_and_comes_back_byte_for_byte(span: str) -> None:
    protected = protect(f"Look at {span} now.")

    assert span not in protected.text
    [(mark, kept)] = protected.spans
    assert kept == span
    assert restore(protected, f"今{mark}を見てください。").text == f"今{span}を見てください。"


@pytest.mark.parametrize(
    "text",
    ["It costs $5, not $6.", "As shown [1][2].", "a < b and c > d", "Mail me @home", "5 * 3 `"],
)
def test_prose_stays_prose(text: str) -> None:
    assert protect(text).text == text


@pytest.mark.parametrize(
    ("answer", "count"),
    [("何もありません。", 0.0), ("⟦C1⟧と⟦C1⟧です。", 2.0)],
    ids=["lost", "doubled"],
)
def test_a_lost_or_doubled_mark_is_found(answer: str, count: float) -> None:
    restored = restore(protect("Run `ls`."), answer)

    assert [(code, measured) for code, measured, _, _ in restored.lost] == [("code_altered", count)]


@pytest.mark.parametrize("written", ["⟦ C1 ⟧", "[[C1]]", "【C1】", "⟦\uff23\uff11⟧"])
def test_a_mark_in_another_spelling_is_still_the_mark(written: str) -> None:
    assert restore(protect("Run `ls`."), f"{written}を実行。").text == "`ls`を実行。"


@given(st.text(max_size=200))
def test_a_text_with_its_own_marks_in_place_comes_back_whole(text: str) -> None:
    protected = protect(text)

    restored = restore(protected, protected.text)
    assert restored.text == text
    assert not restored.lost


def test_a_text_that_holds_marks_of_its_own_is_left_alone() -> None:
    text = "What does ⟦C1⟧ mean in `code`?"

    assert protect(text).text == text
    assert MARK.search(text)


@pytest.mark.parametrize(
    "opener",
    ["\\[", "\\(", "$$a ", "<!--", "<a ", "\\begin{a}", "a@", "a.", "```", "~~~", "http://"],
)
def test_a_text_of_openers_is_protected_in_bounded_time(opener: str) -> None:
    text = opener * (100_000 // len(opener))
    begun = time.process_time()
    protected = protect(text)
    assert restore(protected, protected.text).text == text
    assert time.process_time() - begun < 20.0
