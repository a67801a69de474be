"""The work on one window: hits from the memory, the rest through the translator, in order.

A node is asked for as soon as its parent is durable; there is no barrier. Finished nodes are
committed in groups, at the latest when nothing else is ready, and only then are their children
let go. So whatever was answered and committed is never asked for again.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from prefdata.core.errors import PrefdataError
from prefdata.core.records import Message
from prefdata.core.stage import Answer, Request, Translator
from prefdata.translate.entry import Attempt, Entry, Item, Maker
from prefdata.translate.ladder import UNDURABLE, Judged, Ladder
from prefdata.translate.memory import Memory
from prefdata.translate.protect import Protected, protect
from prefdata.translate.tree import ROOT, Node, order

COMMIT_ROWS = 32
COMMIT_SECONDS = 0.02
PROGRESS_SECONDS = 1.0
SHORT_PATH = 2  # earlier turns shown again after a request was too long


@dataclass(slots=True)
class _Draft:
    """A node under way: the attempts so far and, on the rung that splits, its parts."""

    node: Node
    protected: Protected
    tried: list[Attempt] = field(default_factory=list)
    rung: int = 0
    parts: list[Answer | None] = field(default_factory=list)
    hints: tuple[str, ...] = ()


class Window:
    """Translates the nodes of one source kind; `entries` holds what is known of each."""

    def __init__(
        self,
        nodes: Sequence[Node],
        *,
        translator: Translator,
        memory: Memory,
        maker: Maker,
        ladder: Ladder,
        report: Callable[[Window], None],
    ) -> None:
        self.translator, self.memory, self.maker = translator, memory, maker
        self.ladder, self.report = ladder, report
        self.counts: Counter[str] = Counter(nodes=len(nodes))
        self.reasons: Counter[str] = Counter()
        self.entries: dict[Node, Entry] = {}
        self._drafts: dict[str, _Draft] = {}
        self._requests: list[Request] = []
        self._pending: list[Item] = []
        self._finished: list[Node] = []
        self._under_way = 0
        self._last_commit = self._last_report = time.monotonic()
        self._remember(nodes)
        todo = [node for node in nodes if node not in self.entries]
        self._place = order(todo)
        self._ready = [(self._place[n], n) for n in todo if self._is_ready(n)]
        heapify(self._ready)

    def _remember(self, nodes: Sequence[Node]) -> None:
        """Take from the memory what it has, judged again if the checks have changed since."""
        found = self.memory.look_up([node.key for node in nodes], self.maker)
        for node in nodes:
            entry = found.get(node.key)
            if entry is None:
                continue
            if entry.origin == "human" or entry.ladder in (self.ladder.version, ""):
                self.entries[node] = entry
                self.counts["hits"] += 1
            else:
                self._judge_again(node, entry)

    def _judge_again(self, node: Node, entry: Entry) -> None:
        """Use what was answered before; what the present checks refuse goes up the ladder."""
        draft = _Draft(node, protect(node.text))
        for attempt in entry.attempts or (Attempt(entry.text),):
            draft.tried.append(attempt)
            judged = self.ladder.judge(node, draft.protected, attempt)
            if judged.text is not None or self._next_rung(draft) is None:
                self.entries[node] = self.ladder.close(draft.tried, judged, None)
                self.counts["hits"] += 1
                return
        draft.rung = self._next_rung(draft) or 0
        self._drafts[node.key.hex()] = draft

    def _is_ready(self, node: Node) -> bool:
        parent = self.entries.get(node.parent) if node.parent else None
        return node.parent is None or (parent is not None and parent.text is not None)

    def run(self) -> None:
        """Work until every node has an entry or hangs below one that has none."""
        gc.freeze()  # records and tree live to the end: the collector need not walk them again
        try:
            for answer in self.translator.translate(self._feed()):
                if answer is not None:
                    self._under_way -= 1
                    self.counts["output_tokens"] += answer.output_tokens or 0
                    self._take(answer)
                if self._commit_is_due():
                    self._commit()
                self._report_if_due()
        finally:  # whatever ends the run, what was answered is kept
            self._commit()
            gc.unfreeze()
        left = self._under_way + len(self._requests) + len(self._ready)
        if left:
            raise PrefdataError(
                f"the translator ended with {left:,} requests open",
                type(self.translator).__name__,
                "every request is answered, a failed one with text None; what was answered is kept",
            )
        self.report(self)

    def _feed(self) -> Iterator[Request | None]:
        """Yield requests as they become ready; None while only answers can help."""
        while True:
            if not self._requests and not self._ready and self._finished:
                self._commit()
            if not self._requests and self._ready:
                self._start(heappop(self._ready)[1])
            if self._requests:
                self._under_way += 1
                self.counts["sent"] += 1
                yield self._requests.pop()
            elif self._under_way:
                yield None
            else:
                return

    def _start(self, node: Node) -> None:
        key = node.key.hex()
        if key not in self._drafts:
            whole = self.ladder.checks
            self._drafts[key] = _Draft(node, protect(node.text) if whole else Protected(node.text))
        self._ask(key, self._drafts[key])

    def _ask(self, key: str, draft: _Draft) -> None:
        """Queue the request of a draft's rung, or one for each paragraph."""
        path = tuple(
            (Message(n.role, n.text), Message(n.role, self.entries[n].text or ""))
            for n in draft.node.path()
        )
        if any(attempt.finish_reason == "too_long" for attempt in draft.tried):
            path = path[-SHORT_PATH:]
        texts = [draft.protected.text]
        keys = [key]
        if self.ladder.rungs[draft.rung].split:
            texts = _paragraphs(draft.protected.text)
            keys = [f"{key}/{n}" for n in range(len(texts))]
        draft.parts = [None] * len(texts)
        self.counts["characters"] += len(draft.node.text)
        for part, text in reversed(list(zip(keys, texts, strict=True))):
            self._requests.append(
                Request(part, draft.node.role, text, path, draft.node.kind, draft.rung, draft.hints)
            )

    def _take(self, answer: Answer) -> None:
        key, _, part = answer.key.partition("/")
        draft = self._drafts[key]
        draft.parts[int(part or 0)] = answer
        if any(known is None for known in draft.parts):
            return
        answer = _joined([known for known in draft.parts if known is not None])
        draft.tried.append(
            Attempt(answer.text, answer.finish_reason, self.ladder.rungs[draft.rung].name)
        )
        judged = self.ladder.judge(draft.node, draft.protected, draft.tried[-1], answer.detail)
        given_up = answer.finish_reason in UNDURABLE
        rung = None if given_up else self._next_rung(draft)
        if judged.text is not None or rung is None:
            self._finish(key, judged, answer)
        else:
            self.counts["retries"] += 1
            draft.hints = tuple(code for code, *_ in judged.findings)
            draft.rung = rung
            self._ask(key, draft)

    def _next_rung(self, draft: _Draft) -> int | None:
        return self.ladder.next(draft.tried, len(_paragraphs(draft.protected.text)))

    def _finish(self, key: str, judged: Judged, answer: Answer) -> None:
        draft = self._drafts.pop(key)
        node = draft.node
        entry = self.ladder.close(draft.tried, judged, answer)
        self.entries[node] = entry
        self.counts["finished" if entry.text is not None else "failed"] += 1
        self.reasons.update(code for code, *_ in entry.findings[:1])
        self._finished.append(node)
        if answer.finish_reason not in UNDURABLE:
            parent = node.parent.key if node.parent else ROOT
            self._pending.append(Item(node.key, parent, node.role, node.text, entry))

    def _commit_is_due(self) -> bool:
        if len(self._finished) >= COMMIT_ROWS:
            return True
        return bool(self._finished) and time.monotonic() - self._last_commit >= COMMIT_SECONDS

    def _commit(self) -> None:
        """Make finished nodes durable, then let their children go."""
        if self._pending:
            self.memory.store(self._pending, self.maker)
        for node in self._finished:
            if self.entries[node].text is None:
                continue
            for child in node.children:
                if child in self._place and child not in self.entries:
                    heappush(self._ready, (self._place[child], child))
        self._pending, self._finished = [], []
        self._last_commit = time.monotonic()

    def _report_if_due(self) -> None:
        now = time.monotonic()
        if now - self._last_report >= PROGRESS_SECONDS:
            self._last_report = now
            self.report(self)


def _paragraphs(text: str) -> list[str]:
    return [part for part in text.split("\n\n") if part.strip()]


def _joined(answers: Sequence[Answer]) -> Answer:
    """Return the answers to the parts of a text as one."""
    if len(answers) == 1:
        return answers[0]
    reason = next((a.finish_reason for a in answers if a.finish_reason != "stop"), "stop")
    text = None
    if all(a.text is not None for a in answers):
        text = "\n\n".join((a.text or "").strip() for a in answers)
    detail = next((a.detail for a in answers if a.detail), "")
    return Answer(answers[0].key, text, reason, detail=detail, layer=answers[0].layer)
