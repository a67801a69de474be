"""How a build's records were translated: what the translate stage tells of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from prefdata import components
from prefdata.core.stage import Context
from prefdata.store.dataset import MANIFEST, Dataset
from prefdata.store.files import read_json

STAGE = "translate"


@dataclass(frozen=True)
class Translated:
    """What decided the translations, for the lineage; empty where no model was asked.

    `prompts` maps a source kind to the digest of its prompt; ``default`` serves the others.
    `decoding` is the SHA-256 of the decoding settings as canonical JSON; the manifest has both in
    words.
    """

    prompts: Mapping[str, str] = field(default_factory=dict)
    decoding: str | None = None

    def prompt(self, kind: str) -> str | None:
        """Return the digest of the prompt that texts of a source kind were translated with."""
        return self.prompts.get(kind, self.prompts.get("default"))


def describe(steps: Sequence[Mapping[str, Any]], context: Context) -> dict[str, Any] | None:
    """Return the translator with model, revision, decoding and prompts; None without one.

    The translate stage describes itself: ``describe(config, context)``, a static method.
    """
    step = next((step for step in steps if step["use"] == STAGE), None)
    if step is None:
        return None
    component = components.load("stages", STAGE)
    found: dict[str, Any] = component.describe(
        component.Config.from_tree(step["settings"]), context
    )
    return found


def translated(records: Dataset, context: Context) -> Translated:
    """Return how the records of a step were translated, from the build that it lies in."""
    listed = records.path.parent / "build.json"
    steps = read_json(listed)["steps"] if listed.is_file() else []
    manifests = [listed.parent / step["path"] / MANIFEST for step in steps]
    found = describe([read_json(path) for path in manifests if path.is_file()], context)
    if found is None or "decoding" not in found:
        return Translated()
    decoding = json.dumps(found["decoding"], sort_keys=True, separators=(",", ":"))
    prompts = {kind: prompt["digest"] for kind, prompt in found.get("prompts", {}).items()}
    return Translated(prompts, sha256(decoding.encode()).hexdigest())
