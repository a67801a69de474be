"""The protocols: what a component must be. A class that simply has these, is one.

Every component has `Config`, a `prefdata.config.Settings` model, and `version`, an int that is
raised when the same settings give other results. Components are built as
``Component(config, context)``, once per worker; heavy libraries are imported there.

A component may also have ``content_key(config, context) -> str`` (a static method): what, beside
its settings, decides its result, such as the digest of a file it reads. It enters the step's key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

from prefdata.core.finding import Finding, Outcome, Skip
from prefdata.core.origin import Layer
from prefdata.core.records import Message, Preference, Role

if TYPE_CHECKING:
    from prefdata.store.dataset import Dataset

# What a step's folder holds: preference records, labeled rows, or files of its own (a release,
# a model).
Kind: TypeAlias = Literal["preferences", "labels", "artifact"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth showing while a step runs: progress, retries, a finished shard."""

    step: str
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)


def ignore(event: Event) -> None:
    """Drop an event: the default listener."""


@dataclass(frozen=True, slots=True)
class Context:
    """What every component is given beside its settings.

    `base` is the folder of the pipeline file, against which relative paths are read. `cache` holds
    the translation memory. `licenses` is the user's own registry folder, if any; `as_of` the day
    (YYYY-MM-DD) to which the age of evidence counts, `released` the date that a release carries.
    `worker` names a process of another machine, which must not write where others write.
    `step` and `key` are the id and the content key of the step that the component works for.
    """

    pipeline: str = ""
    seed: int = 0
    base: Path = Path()
    cache: Path = Path("data/cache")
    licenses: Path | None = None
    as_of: str | None = None
    released: str | None = None
    limit: int | None = None
    listen: Callable[[Event], None] = ignore
    step: str = ""
    key: str = ""
    worker: str = ""

    def path(self, name: str | Path) -> Path:
        """Return `name` as a path, relative ones against the pipeline file's folder."""
        return self.base / Path(name).expanduser()

    def report(self, kind: str, **data: Any) -> None:
        """Tell whoever listens that something happened in this step."""
        self.listen(Event(self.step, kind, data))


class Source(Protocol):
    """Rows of one upstream data set as preference records.

    `source` is the data set's entry in the license registry; records carry it as
    `origin.source`.
    """

    Config: ClassVar[type[Any]]
    version: ClassVar[int]
    source: str

    def records(self) -> Iterator[Preference | Skip]:
        """Yield records and skips in the source's own order, streaming."""
        ...

    def layers(self) -> Sequence[tuple[Layer, ...]]:
        """Return the combinations of layers its records can have, without reading any row."""
        ...


class ShardStage(Protocol):
    """A stage that sees one batch at a time; parallel over shards.

    Optional: ``layers(config, context)`` (static), what the stage adds to its records' layers;
    ``parallel = False``: it runs in the parent process and is called once a shard, with all of it;
    `cpus` and `gpus`: what a worker needs (1 and 0).
    """

    Config: ClassVar[type[Any]]
    version: ClassVar[int]
    reads: ClassVar[Kind]
    writes: ClassVar[Kind]

    def __call__(self, batch: Sequence[Preference]) -> Outcome:
        """Return what is kept, in order, and what is dropped; nothing else may vanish."""
        ...


class TableStage(Protocol):
    """A stage that sees one shard as an Arrow table; parallel over shards."""

    Config: ClassVar[type[Any]]
    version: ClassVar[int]
    reads: ClassVar[Kind]
    writes: ClassVar[Kind]

    def table(self, table: Any) -> tuple[Any, Any]:
        """Return (kept table, drop table) for a pyarrow table of the schema that it reads."""
        ...


class DatasetStage(Protocol):
    """A stage that sees everything once and leaves an artifact: a release, a model.

    Optional: `folder` names the place of the artifact in the build folder, where the newest always
    lies (its ``manifest.json`` carries `context.key` as ``key``); without it the artifact stays in
    the step's own folder. ``resumable = True``: after a kill, `run` is given the same folder again,
    as it was left; otherwise it is empty. Static methods: ``plan(config, context)`` raises what is
    wrong with the settings before any work is done; ``lacks(config, context, inputs)`` (their
    names) returns as errors what is not there yet, packages (`MissingExtra`) and files, which
    `plan` lists and a build refuses; ``foresee(config, context, combinations)`` returns what
    licenses will say, `{verdict, reasons}`.
    """

    Config: ClassVar[type[Any]]
    version: ClassVar[int]

    def run(self, inputs: Mapping[str, Dataset], out: Path) -> None:
        """Write the artifact into `out`, an empty folder that becomes visible when whole."""
        ...


class Filter(Protocol):
    """A check over one record; it cannot see which completion is preferred.

    Optional: ``check_batch(records)`` returns the findings of each record of a batch, in order, for
    what does many at once more cheaply: a model, a server. It is called instead of `check`. The
    static method ``rules(config)`` returns its limits, a `prefdata.text.limits.Rule` for each
    ``code.band`` of its findings: with it, a pipeline's `thresholds` and ``drops --what-if`` move
    them like any other.
    """

    Config: ClassVar[type[Any]]
    version: ClassVar[int]
    reasons: ClassVar[tuple[str, ...]]

    def check(self, record: Any) -> Sequence[Finding]:
        """Return every finding; empty if nothing was seen. The profile decides."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """One node of a dialogue to be translated.

    `path` holds the earlier turns, source and translation, from the root down; empty where the
    context is not to be shown. `attempt` counts from 0; the rungs of the ladder differ by it.
    """

    key: str
    role: Role
    text: str
    path: tuple[tuple[Message, Message], ...] = ()
    kind: str = ""
    attempt: int = 0
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a translator made of a request.

    `text` is None if there is no translation; `finish_reason` is the server's own word (``stop``,
    ``length``) or ``missing``. Token counts are None where the back end does not tell. `layer` is
    whoever made this very text, where that is not the translator's own layer: a file of
    translations by several hands.
    """

    key: str
    text: str | None
    finish_reason: str = "stop"
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    detail: str = ""
    layer: Layer | None = None


@runtime_checkable
class Translator(Protocol):
    """A back end. Answers come in any order, as they finish.

    `fingerprint` names what decides the text: model, revision, prompt, decoding. A method
    ``fingerprint_of(kind) -> str`` (optional) does so for one source kind, where prompts differ.
    ``expect(tokens)`` (optional) is told before the work how many tokens a request holds.
    `layer` is the model's entry in the license registry.
    """

    fingerprint: str
    layer: Layer | None

    def translate(self, requests: Iterable[Request | None]) -> Iterator[Answer | None]:
        """Take requests as they become ready and yield an answer for each.

        None among the requests means that nothing is ready before one of those under way is
        answered; whoever answers each request before taking the next one never meets it. A back
        end that waits yields None now and then, so that the caller makes durable what it has.
        """
        ...


class Task(Protocol):
    """A picklable value: one shard in, one shard out. The engine reads its needs.

    A task may be called for the same shard again, on any machine that sees the same folders; its
    output becomes visible whole or not at all.
    """

    @property
    def cpus(self) -> float:
        """Return the processor cores that one worker takes."""
        ...

    @property
    def gpus(self) -> float:
        """Return the GPUs that one worker takes."""
        ...

    @property
    def parallel(self) -> bool:
        """Tell whether workers may run it side by side on one machine."""
        ...

    def __call__(self, shard: int) -> int:
        """Do the work of one shard and return its number."""
        ...


class Engine(Protocol):
    """Where shard tasks run."""

    def map(self, task: Task, shards: Sequence[int]) -> Iterator[int]:
        """Run the task over the shards and yield each as it is done, in any order."""
        ...
