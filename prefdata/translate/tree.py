"""The dialogue tree: every turn of a window of records once, after the turns before it.

A pair is one trunk and two leaves; records that continue one another share a trunk. A node is
the unit of translation, and its key names it for ever: role and text of the turn and of every
turn before it (or of the turn alone, where the context is not shown).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from prefdata.core.records import Conversation, Message, Preference, Role

KEY_BYTES = 16
_TAGS = {"system": b"s", "user": b"u", "assistant": b"a"}
ROOT = b""


def node_key(parent: bytes, role: Role, text: str) -> bytes:
    """Return the key of a turn under a parent's key (`ROOT`: the first turn, or no context)."""
    encoded = text.encode("utf-8", "surrogatepass")
    return blake2b(parent + _TAGS[role] + encoded, digest_size=KEY_BYTES).digest()


@dataclass(slots=True, eq=False)
class Node:
    """One turn to be translated; `text` is stripped and never empty.

    `parent` is the turn before it, None for a first turn and everywhere if context is not shown.
    `number` counts nodes of the tree in the order of records.
    """

    key: bytes
    number: int
    role: Role
    text: str
    kind: str
    parent: Node | None
    children: list[Node] = field(default_factory=list)

    def path(self) -> list[Node]:
        """Return the turns before this one, first turn first."""
        nodes: list[Node] = []
        node = self.parent
        while node is not None:
            nodes.append(node)
            node = node.parent
        return nodes[::-1]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the turns of one record lie in the tree; None for a turn without text."""

    record: Preference
    prompt: tuple[Node | None, ...]
    completions: tuple[tuple[Node | None, ...], ...]

    def nodes(self) -> Iterator[Node]:
        """Yield the record's nodes, prompt first."""
        for row in (self.prompt, *self.completions):
            yield from (node for node in row if node is not None)


class Tree:
    """The nodes of a window of records; equal turns in equal places are one node."""

    def __init__(self, *, context: bool = True) -> None:
        self.context = context
        self.turns = 0
        self._nodes: dict[str, dict[bytes, Node]] = {}

    @classmethod
    def of(
        cls, records: Iterable[Preference], *, context: bool = True
    ) -> tuple[Tree, list[Placed]]:
        """Build a tree and say where each record's turns lie in it."""
        tree = cls(context=context)
        return tree, [tree.place(record) for record in records]

    def place(self, record: Preference) -> Placed:
        """Add a record's turns and return their nodes."""
        kind = record.origin.kind
        prompt, last = self._chain(record.prompt, kind, None)
        completions = tuple(
            self._chain(completion.messages, kind, last)[0] for completion in record.completions
        )
        return Placed(record, prompt, completions)

    def _chain(
        self, messages: Conversation, kind: str, parent: Node | None
    ) -> tuple[tuple[Node | None, ...], Node | None]:
        nodes: list[Node | None] = []
        for message in messages:
            node = self._node(message, kind, parent)
            nodes.append(node)
            parent = node or parent
        return tuple(nodes), parent

    def _node(self, message: Message, kind: str, parent: Node | None) -> Node | None:
        text = message.content.strip()
        if not text:
            return None
        self.turns += 1
        if not self.context:
            parent = None
        known = self._nodes.setdefault(kind, {})
        key = node_key(parent.key if parent else ROOT, message.role, text)
        node = known.get(key)
        if node is None:
            number = len(self)
            node = known[key] = Node(key, number, message.role, text, kind, parent)
            if parent is not None:
                parent.children.append(node)
        return node

    def __len__(self) -> int:
        return sum(map(len, self._nodes.values()))

    def __iter__(self) -> Iterator[Node]:
        for nodes in self._nodes.values():
            yield from nodes.values()

    def kinds(self) -> dict[str, Sequence[Node]]:
        """Return the nodes of each source kind; a parent stands before its children."""
        return {kind: list(nodes.values()) for kind, nodes in self._nodes.items()}


def order(nodes: Sequence[Node]) -> dict[Node, tuple[int, int, int, int]]:
    """Return each node's place in the queue: trunk groups together, the longest first.

    A group is a first turn with all that follows from it. Length is the number of characters on
    the longest way from a node to a leaf, counted over `nodes` alone (parents before children):
    a long dialogue can only be worked turn by turn, so it must start early.
    """
    wanted = set(nodes)
    ahead: dict[Node, int] = {}
    root: dict[Node, Node] = {}
    for node in reversed(nodes):
        after = max((ahead[child] for child in node.children if child in wanted), default=0)
        ahead[node] = len(node.text) + after
    for node in nodes:
        parent = node.parent
        root[node] = root[parent] if parent in wanted and parent is not None else node
    return {
        node: (-ahead[root[node]], root[node].number, -ahead[node], node.number) for node in nodes
    }
