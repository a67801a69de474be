"""Names in pipeline files to classes, without importing what is not used.

Built-ins stand in one table; plug-ins join through entry points of the same groups
(``prefdata.sources``, ``.stages``, ``.filters``, ``.translators``, ``.engines``).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from prefdata.core.errors import ConfigError

BUILT_IN: dict[str, dict[str, str]] = {
    "sources": {
        "hh_rlhf": "prefdata.sources.hh_rlhf:HhRlhf",
        "webgpt_comparisons": "prefdata.sources.webgpt_comparisons:WebgptComparisons",
        "summarize_from_feedback": "prefdata.sources.summarize_from_feedback:SummarizeFromFeedback",
        "synthetic_instruct_gptj_pairwise": (
            "prefdata.sources.synthetic_instruct:SyntheticInstructGptjPairwise"
        ),
        "jsonl": "prefdata.sources.jsonl:Jsonl",
        "verdicts": "prefdata.sources.verdicts:Verdicts",
    },
    "stages": {
        "translate": "prefdata.translate.stage:Translate",
        "screen": "prefdata.filters.screen:Screen",
        "filter": "prefdata.filters.stage:FilterStage",
        "dedup": "prefdata.filters.dedup:Dedup",
        "license_gate": "prefdata.licensing.gate:LicenseGate",
        "relabel": "prefdata.label.relabel:Relabel",
        "publish": "prefdata.publish.release:Publish",
    },
    "filters": {
        "embedding": "prefdata.filters.embedding:Embedding",
        "back_translation": "prefdata.filters.back_translation:BackTranslation",
        "llm_judge": "prefdata.filters.llm_judge:LlmJudge",
    },
    "translators": {
        "memory": "prefdata.translate.memory_file:MemoryFile",
        "server": "prefdata.translate.server:Server",
        "vllm": "prefdata.translate.vllm:Vllm",
        "fake": "prefdata.translate.fake:Fake",
    },
    "engines": {
        "local": "prefdata.engines.local:LocalEngine",
        "ray": "prefdata.engines.ray:RayEngine",
    },
}

SINGULAR = {
    "sources": "source",
    "stages": "stage",
    "filters": "filter",
    "translators": "translator",
    "engines": "engine",
}


@cache
def _plug_ins(group: str) -> dict[str, EntryPoint]:
    """Return the plug-ins of a group by name.

    Raises:
        ConfigError: two packages, or a package and prefdata itself, claim one name.
    """
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=f"prefdata.{group}"):
        rival = "prefdata" if point.name in BUILT_IN[group] else None
        if point.name in found and found[point.name].value != point.value:
            rival = _package_of(found[point.name])
        if rival:
            raise ConfigError(
                f"the {SINGULAR[group]} {point.name!r} is claimed by {rival} and by "
                f"{_package_of(point)}",
                fix="uninstall one of the two packages",
            )
        found[point.name] = point
    return found


def _package_of(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def names(group: str) -> list[str]:
    """Return the names of a group, sorted; nothing is imported."""
    return sorted({*BUILT_IN[group], *_plug_ins(group)})


def load(group: str, name: str, *, where: str = "") -> Any:
    """Import and return the class behind a name.

    Raises:
        ConfigError: no component of that name, or its plug-in cannot be imported.
    """
    if name in BUILT_IN[group]:
        module, _, attribute = BUILT_IN[group][name].partition(":")
        return getattr(import_module(module), attribute)
    point = _plug_ins(group).get(name)
    if point is None:
        raise ConfigError.unknown(SINGULAR[group], name, names(group), where=where)
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"the {SINGULAR[group]} {name!r} of {_package_of(point)} cannot be imported: {error}",
            where,
            "repair or uninstall that package",
        ) from error
