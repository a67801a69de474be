"""The prompt: data files to the chat that a model is sent, and the digest that names it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from prefdata.core.errors import ConfigError, nearest
from prefdata.core.records import Role, digest
from prefdata.core.stage import Request

PROMPTS = Path(__file__).with_name("prompts")
FILES = ("prompt.yaml", "kinds.yaml", "examples.yaml")
Message: TypeAlias = Mapping[str, str]  # role and content, as chat models take them

# A text that gives orders about translating or about the form of an answer: 2 to 95 % of such
# texts are obeyed rather than translated, depending on the model (WMT24 injection suite).
_ORDERS = re.compile(
    r"\btranslat(?:e|ion|ing)\b|\b(?:ignore|disregard|forget) (?:all |any |the |your |these )*"
    r"(?:previous|above|prior|earlier|instructions?)"
    r"|\b(?:reply|respond|answer|output) (?:only|in|with)\b"
    r"|\bdo(?: not|n't) (?:answer|respond|reply)\b|\byou are (?:now )?(?:an?|the) \w+"
    r"|\b(?:system|previous) prompt\b|\bin (?:json|english|french|spanish|japanese|one word)\b",
    re.IGNORECASE,
)


def talks_to_the_translator(text: str) -> bool:
    """Tell whether a text gives orders that a translator might follow instead of translating."""
    return _ORDERS.search(text) is not None


@dataclass(frozen=True)
class KindPrompt:
    """What every request of one source kind begins with; `digest` covers all that it may use."""

    first: tuple[Message, ...]
    strict: tuple[Message, ...]
    digest: str


class Prompt:
    """One version of the prompt, read from a folder."""

    def __init__(self, folder: Path) -> None:
        read = [_read(folder / name) for name in FILES]
        self.form, self.kinds, self.examples = read
        self._made: dict[str, KindPrompt] = {}
        for kind in self.kinds:
            self.of(kind)

    def of(self, kind: str) -> KindPrompt:
        """Return the constant part for a source kind; `default` for one without its own."""
        if kind not in self._made:
            spec = self.kinds.get(kind) or self.kinds["default"]
            system = self.form["system"].replace("{register}", spec["register"]).strip()
            parts = [system, self.form["turn"], self.form["hard"], *self.form["speakers"].values()]
            sets = {}
            for name in ("first", "strict"):
                chosen = [self._example(key) for key in spec[name]]
                sets[name] = ({"role": "system", "content": system}, *self._shown(chosen))
                parts += [name, *(text for e in chosen for text in e.values())]
            self._made[kind] = KindPrompt(sets["first"], sets["strict"], digest("prompt", *parts))
        return self._made[kind]

    def _example(self, key: str) -> dict[str, str]:
        if key not in self.examples:
            raise ConfigError.unknown("worked example", key, list(self.examples))
        return dict(self.examples[key])

    def _shown(self, examples: Sequence[Mapping[str, str]]) -> list[Message]:
        chat: list[Message] = []
        for example in examples:
            chat.append({"role": "user", "content": self.turn(example["role"], example["source"])})
            chat.append({"role": "assistant", "content": example["target"]})
        return chat

    def turn(self, role: Role | str, text: str, form: str = "turn") -> str:
        """Return a source turn in the form that the model is shown."""
        shown: str = self.form[form].replace("{speaker}", self.form["speakers"][role])
        return shown.replace("{text}", text)

    def constant(self, kind: str, *, strict: bool = False) -> tuple[Message, ...]:
        """Return the messages that every request of a source kind begins with."""
        made = self.of(kind)
        return made.strict if strict else made.first

    def turns(self, request: Request, *, strict: bool = False) -> list[Message]:
        """Return the messages of the request's own: the earlier turns, then the turn."""
        messages: list[Message] = []
        for source, translation in request.path:
            messages.append({"role": "user", "content": self.turn(source.role, source.content)})
            messages.append({"role": "assistant", "content": translation.content})
        form = "hard" if strict or talks_to_the_translator(request.text) else "turn"
        messages.append({"role": "user", "content": self.turn(request.role, request.text, form)})
        return messages


def load_prompt(name: str, base: Path = Path()) -> Prompt:
    """Return a shipped prompt by its version, or one of the user's by its folder.

    Raises:
        ConfigError: there is no such prompt, or one of its files is wrong.
    """
    shipped = sorted(path.name for path in PROMPTS.iterdir() if path.is_dir())
    folder = PROMPTS / name if name in shipped else base / Path(name).expanduser()
    if not folder.is_dir():
        raise ConfigError(
            f"there is no prompt {name!r}",
            fix=f"{nearest(name, shipped)}; or give a folder with {', '.join(FILES)}",
        )
    return _load(folder)


@lru_cache(maxsize=8)
def _load(folder: Path) -> Prompt:
    try:
        return Prompt(folder)
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"the prompt lacks a part: {error}",
            str(folder),
            f"see {PROMPTS / 'v1'} for the form",
        ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read the prompt: {error}", str(path)) from error
    if not isinstance(tree, dict):
        raise ConfigError("a prompt file is a mapping", str(path))
    return tree
