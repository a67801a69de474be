from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from prefdata.core.records import Preference
from prefdata.translate.tree import Tree, order
from tests.translate.records import record

texts = st.sampled_from(["a", "b", "c", "d", " a ", ""])
records = st.lists(
    st.builds(
        lambda row, prompt, one, two, kind: record(str(row), prompt, one, two, kind=kind),
        st.integers(0, 9),
        st.lists(texts, min_size=1, max_size=5),
        texts,
        texts,
        st.sampled_from(["hh", "webgpt"]),
    ),
    max_size=12,
)


def test_chosen_and_rejected_share_their_trunk_and_longer_dialogues_go_on_from_it() -> None:
    tree, placed = Tree.of(
        [record("1", ["Hi"], "Yes", "No"), record("2", ["Hi", "Yes", "Why"], "So", "Because")]
    )

    assert len(tree) == 6
    assert placed[0].prompt[0] is placed[1].prompt[0]
    assert placed[0].completions[0][0] is placed[1].prompt[1]


def test_the_same_words_in_another_place_are_another_node() -> None:
    tree, _ = Tree.of(
        [record("1", ["Go on"], "Yes", "No"), record("2", ["Hi", "A", "Go on"], "Yes", "No")]
    )

    assert len(tree) == 3 + 5


def test_without_context_the_same_words_are_one_node() -> None:
    tree, _ = Tree.of(
        [record("1", ["Go on"], "Yes", "No"), record("2", ["Hi", "A", "Go on"], "Yes", "No")],
        context=False,
    )

    assert len(tree) == 5
    assert all(node.parent is None for node in tree)


@given(records)
def test_every_turn_with_text_has_its_node_and_no_two_nodes_are_alike(
    given_records: list[Preference],
) -> None:
    tree, placed = Tree.of(given_records)

    paths = {(node.kind, *((n.role, n.text) for n in [*node.path(), node])) for node in tree}
    assert len(paths) == len(tree)
    for place in placed:
        for side, messages in [
            (place.prompt, place.record.prompt),
            *(
                (c, r.messages)
                for c, r in zip(place.completions, place.record.completions, strict=True)
            ),
        ]:
            assert [n.text if n else "" for n in side] == [m.content.strip() for m in messages]


@given(records)
def test_the_order_puts_parents_first_and_keeps_trunk_groups_together(
    given_records: list[Preference],
) -> None:
    tree, _ = Tree.of(given_records)
    places = order(list(tree))
    queue = sorted(tree, key=places.__getitem__)

    position = {node: n for n, node in enumerate(queue)}
    assert all(position[n.parent] < position[n] for n in tree if n.parent)
    roots = [([*node.path(), node])[0] for node in queue]
    changes = sum(a is not b for a, b in itertools.pairwise(roots))
    assert changes == max(len(set(map(id, roots))) - 1, 0)
