"""The stage: windows of records through tree, memory and translator, and records rebuilt."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from prefdata.config.settings import RUNTIME, Settings, component_of
from prefdata.core.finding import Drop, Finding, Outcome
from prefdata.core.origin import Layer
from prefdata.core.records import (
    Completion,
    Conversation,
    Message,
    Original,
    Preference,
    digest,
    record_id,
)
from prefdata.core.stage import Context, Kind, Translator
from prefdata.translate.describe import describe
from prefdata.translate.entry import Entry
from prefdata.translate.estimate import estimate, note_speed
from prefdata.translate.ladder import RUNGS, Ladder
from prefdata.translate.memory import memory_file
from prefdata.translate.shared import open_memory
from prefdata.translate.tree import Node, Placed, Tree
from prefdata.translate.work import Window

TARGET = "ja"


class Translate:
    """Translates records into Japanese, every turn once, in its dialogue.

    Records that are Japanese already pass through untouched. A completion that cannot be
    translated leaves its ranking; a record with fewer than two left, or with a prompt that cannot
    be translated, is dropped.
    """

    version = 1
    reads: ClassVar[Kind] = "preferences"
    writes: ClassVar[Kind] = "preferences"
    parallel: ClassVar[bool] = False

    class Config(Settings):
        """Settings of the translation."""

        translator: component_of("translators")  # type: ignore[valid-type]  # built at run time
        context: Literal["history", "none"] = Field(
            default="history", description="whether earlier turns are shown to the translator"
        )
        attempts: int = Field(
            default=len(RUNGS), ge=1, le=len(RUNGS), description="rungs of the retry ladder in use"
        )
        checks: bool = Field(
            default=True, description="judge answers here, and ask again for what fails"
        )
        profile: str = Field(
            default="default", description="limits of these checks: strict, default or lenient"
        )
        tokens_per_second: Annotated[float | None, RUNTIME] = Field(
            default=None,
            gt=0,
            description="throughput for the hours of `plan`; else what `doctor --bench` measured",
        )

    def __init__(self, config: Config, context: Context) -> None:
        self.config = config
        self.context = context
        self._translator: Translator | None = None
        self.totals: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._started = 0.0

    @property
    def translator(self) -> Translator:
        """Return the back end, built when it is first needed."""
        if self._translator is None:
            self._translator = self.config.translator.create(self.context)
        return self._translator

    def __call__(self, batch: Sequence[Preference]) -> Outcome:
        """Translate one window of records."""
        self._started = self._started or time.monotonic()
        tree, placed = Tree.of(
            (record for record in batch if record.lang != TARGET),
            context=self.config.context == "history",
        )
        entries = self._translate(tree) if placed else {}
        return self._rebuild(batch, iter(placed), entries)

    def _translate(self, tree: Tree) -> dict[Node, Entry]:
        entries: dict[Node, Entry] = {}
        with open_memory(self.context) as memory:
            for kind, nodes in tree.kinds().items():
                maker = memory.maker(self.fingerprint(kind), layer=self.translator.layer)
                window = Window(
                    nodes,
                    translator=self.translator,
                    memory=memory,
                    maker=maker,
                    ladder=self._ladder(),
                    report=self._reporter(),
                )
                window.run()
                entries.update(window.entries)
                self.totals.update(window.counts)
        return entries

    @property
    def facts(self) -> dict[str, Any]:
        """Return what the run took, for the step's manifest; a resumed run tells of its own part.

        `hits` are nodes that the memory had, `seconds` the time since the stage was built.
        """
        if not self.totals["nodes"]:
            return {}
        names = ("nodes", "hits", "sent", "retries", "failed", "output_tokens")
        seconds = round(time.monotonic() - self._started, 1)
        return {**{name: self.totals[name] for name in names}, "seconds": seconds}

    def fingerprint(self, kind: str) -> str:
        """Return what decides the translations of a source kind, beside the texts themselves."""
        return fingerprint(self.translator, kind, self.config.context)

    def _ladder(self) -> Ladder:
        checked = self.config.checks and getattr(self.translator, "checked", True)
        config = self.config
        return Ladder(attempts=config.attempts, checks=checked, profile=config.profile)

    def _reporter(self) -> Callable[[Counter[str]], None]:
        def report(counts: Counter[str]) -> None:
            now = self.totals + counts
            seconds = time.monotonic() - self._started
            done = counts["hits"] + counts["finished"] + counts["failed"]
            rate = (done - counts["hits"]) / seconds if seconds else 0.0
            self.context.report(
                "progress",
                records=now["records"],
                nodes=now["hits"] + now["finished"] + now["failed"],
                of=now["nodes"],
                hits=now["hits"],
                sent=now["sent"],
                retries=now["retries"],
                failed=now["failed"],
                tokens_per_second=round(now["output_tokens"] / seconds, 1) if seconds else 0.0,
                seconds_left=round((counts["nodes"] - done) / rate) if rate else None,
                drops=dict(self._reasons),
            )

        return report

    def _rebuild(
        self, batch: Sequence[Preference], placed: Any, entries: dict[Node, Entry]
    ) -> Outcome:
        kept: list[Preference] = []
        dropped: list[Drop] = []
        for record in batch:
            if record.lang == TARGET:
                kept.append(record)
                continue
            made = rebuild(next(placed), entries, self.fingerprint(record.origin.kind),
                           self.translator.layer)  # fmt: skip
            if isinstance(made, Drop):
                dropped.append(made)
                self._reasons.update(made.reasons[:1])
            else:
                kept.append(made)
        self.totals["records"] += len(batch)
        return Outcome(kept, dropped)

    @staticmethod
    def layers(config: Config, context: Context) -> Sequence[Layer]:
        """Return the hands that a translation adds, for `plan`."""
        static = getattr(config.translator.load(), "layers", None)
        if static is not None:
            return tuple(static(config.translator.config(), context))
        translator = config.translator.create(context)
        return (translator.layer,) if translator.layer else ()

    @staticmethod
    def needs(config: Config) -> tuple[float, float]:
        """Return the CPUs and GPUs of one worker, for engines that place workers by them."""
        needs = getattr(config.translator.load(), "needs", None)
        return needs(config.translator.config()) if needs else (1.0, 0.0)

    @staticmethod
    def content_key(config: Config, context: Context) -> str:
        """Return what decides the result beside settings: files, prompts, people's corrections."""
        static = getattr(config.translator.load(), "content_key", None)
        own = static(config.translator.config(), context) if static else ""
        people = ""
        if memory_file(context.cache).is_file():
            with open_memory(context) as memory:
                people = memory.people()
        return digest("translate", own, people) if own or people else ""

    estimate = staticmethod(estimate)
    note_speed = staticmethod(note_speed)
    describe = staticmethod(describe)


def fingerprint(translator: Translator, kind: str, context: str) -> str:
    """Return the fingerprint that stands in records and names a maker in the memory."""
    of_kind = getattr(translator, "fingerprint_of", None)
    own = of_kind(kind) if of_kind else translator.fingerprint
    return digest("translation", own, context)


def rebuild(
    placed: Placed, entries: dict[Node, Entry], translation: str, layer: Layer | None
) -> Preference | Drop:
    """Return the record in Japanese, or why it cannot be had."""
    record = placed.record
    lost = _findings(record, "prompt", placed.prompt, entries)
    if lost:
        return Drop(record, tuple(lost))
    good: list[int] = []
    for n, nodes in enumerate(placed.completions):
        found = _findings(record, record.side(n), nodes, entries)
        lost += found
        if not found:
            good.append(n)
    if len(good) < 2:
        return Drop(record, tuple(lost))
    record = record.only(good)
    rows = [placed.completions[n] for n in good]
    used = [n for row in (placed.prompt, *rows) for n in row if n is not None]
    return replace(
        record,
        id=record_id(record.pair_key, TARGET),
        lang=TARGET,
        prompt=_spoken(record.prompt, placed.prompt, entries),
        completions=tuple(
            _completion(completion, row, entries)
            for completion, row in zip(record.completions, rows, strict=True)
        ),
        original=Original(
            record.lang, record.prompt, tuple(c.messages for c in record.completions)
        ),
        translation=translation,
        findings=(*record.findings, *(replace(f, action="flag") for f in lost),
                  *_repairs(placed, good, entries)),
        origin=replace(record.origin, layers=_layers(record, used, entries, layer)),
    )  # fmt: skip


def _findings(
    record: Preference, side: str, nodes: Sequence[Node | None], entries: dict[Node, Entry]
) -> list[Finding]:
    """Return why these turns have no translation, root cause first; empty if they have one."""
    found: list[Finding] = []
    for turn, node in enumerate(nodes):
        entry = entries.get(node) if node else None
        if node is None or (entry is not None and entry.text is not None):
            continue
        for code, measured, limit, detail in entry.findings if entry else ():
            found.append(Finding(code, side, turn, measured, limit, detail=detail))
    return found


def _completion(
    completion: Completion, nodes: Sequence[Node | None], entries: dict[Node, Entry]
) -> Completion:
    return replace(completion, messages=_spoken(completion.messages, nodes, entries))


def _spoken(
    messages: Conversation, nodes: Sequence[Node | None], entries: dict[Node, Entry]
) -> Conversation:
    return tuple(
        Message(message.role, (entries[node].text or "") if node else "")
        for message, node in zip(messages, nodes, strict=True)
    )


def _repairs(placed: Placed, good: Sequence[int], entries: dict[Node, Entry]) -> list[Finding]:
    sides = [("prompt", placed.prompt)]
    sides += [(placed.record.side(n), placed.completions[n]) for n in good]
    return [
        Finding(code, side, turn, action="repair")
        for side, nodes in sides
        for turn, node in enumerate(nodes)
        if node is not None
        for code in entries[node].repairs
    ]


def _layers(
    record: Preference, nodes: Sequence[Node], entries: dict[Node, Entry], layer: Layer | None
) -> tuple[Layer, ...]:
    hands = {entries[node].layer or layer for node in nodes}
    return (*record.origin.layers, *sorted(hand for hand in hands if hand is not None))
