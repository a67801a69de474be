"""The stage: windows of records through tree, memory and translator, and records rebuilt."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from prefdata.config.settings import RUNTIME, Settings, component_of
from prefdata.core.finding import Drop, Outcome
from prefdata.core.origin import Layer
from prefdata.core.records import Preference, digest
from prefdata.core.stage import Context, Kind, Translator
from prefdata.translate.describe import describe
from prefdata.translate.entry import Entry
from prefdata.translate.estimate import at_once, estimate, load_of, note_speed, tokens_each
from prefdata.translate.ladder import RUNGS, Ladder
from prefdata.translate.memory import memory_file
from prefdata.translate.progress import Progress
from prefdata.translate.rebuild import TARGET, rebuild
from prefdata.translate.shared import open_memory
from prefdata.translate.tree import Node, Placed, Tree
from prefdata.translate.work import Window


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
        self.progress = Progress(context)

    @property
    def translator(self) -> Translator:
        """Return the back end, built when it is first needed."""
        if self._translator is None:
            self._translator = self.config.translator.create(self.context)
        return self._translator

    def __call__(self, batch: Sequence[Preference]) -> Outcome:
        """Translate one window of records."""
        self.progress.begin(len(batch))
        tree, placed = Tree.of(
            (record for record in batch if record.lang != TARGET),
            context=self.config.context == "history",
        )
        entries = self._translate(tree, placed) if placed else {}
        return self._rebuild(batch, iter(placed), entries)

    def _translate(self, tree: Tree, placed: Sequence[Placed]) -> dict[Node, Entry]:
        entries: dict[Node, Entry] = {}
        expect = getattr(self.translator, "expect", None)
        if expect:
            expect(tokens_each(load_of(tree)))
        with open_memory(self.context) as memory:
            for kind, nodes in tree.kinds().items():
                maker = memory.maker(self.fingerprint(kind), layer=self.translator.layer)
                window = Window(
                    nodes,
                    translator=self.translator,
                    memory=memory,
                    maker=maker,
                    ladder=self._ladder(),
                    report=partial(self.progress.show, placed=placed),
                )
                window.run()
                entries.update(window.entries)
                self.progress.add(window)
        return entries

    @property
    def facts(self) -> dict[str, Any]:
        """Return what the run took, for the step's manifest; a resumed run tells of its own part.

        `hits` are nodes that the memory had, `seconds` the time since the stage was built.
        """
        return self.progress.facts()

    def fingerprint(self, kind: str) -> str:
        """Return what decides the translations of a source kind, beside the texts themselves."""
        return fingerprint(self.translator, kind, self.config.context)

    def _ladder(self) -> Ladder:
        return ladder_of(self.config, self.translator)

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
            else:
                kept.append(made)
        self.progress.totals["records"] += len(batch)
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
        translator = config.translator.load()
        static = getattr(translator, "content_key", None)
        own = static(config.translator.config(), context) if static else ""
        if getattr(translator, "checked", True):
            own = digest(own, ladder_of(config, translator).version)
        people = ""
        if memory_file(context.cache).is_file():
            with open_memory(context) as memory:
                people = memory.people()
        return digest("translate", own, people) if own or people else ""

    estimate = staticmethod(estimate)
    at_once = staticmethod(at_once)
    note_speed = staticmethod(note_speed)
    describe = staticmethod(describe)


def ladder_of(config: Translate.Config, translator: Any) -> Ladder:
    """Return the ladder of a stage's settings; a file of translations is taken as it is."""
    checks = config.checks and getattr(translator, "checked", True)
    return Ladder(attempts=config.attempts, checks=checks, profile=config.profile)


def fingerprint(translator: Translator, kind: str, context: str) -> str:
    """Return the fingerprint that stands in records and names a maker in the memory."""
    of_kind = getattr(translator, "fingerprint_of", None)
    own = of_kind(kind) if of_kind else translator.fingerprint
    return digest("translation", own, context)
