"""The dataset card, Japanese then English: measured facts only, safe whatever the data holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import yaml

from prefdata.core.records import Conversation, Preference
from prefdata.publish.head import cite_as, head_of
from prefdata.publish.templates import environment

SHOWN = 400  # characters of a turn in a sample
SAMPLES = 3
DEFAULT = "default"  # the prompt of source kinds that have none of their own

# Name: content and use, each in Japanese and English.
_CONFIGS = {
    "pairs": (
        "プロンプトと二つの応答",
        "prompt, chosen and rejected",
        "報酬モデル、DPO（TRL の RewardTrainer, DPOTrainer）",
        "reward models, DPO (TRL: RewardTrainer, DPOTrainer)",
    ),
    "unpaired": (
        "応答ごとに一行、良否の真偽値",
        "one completion a row, with a bool label",
        "KTO（TRL の KTOTrainer）",
        "KTO (TRL: KTOTrainer)",
    ),
    "labels": (
        "一つの文字列と 1 / 0",
        "one text a row, with label 1 or 0",
        "分類器（1 = chosen, 0 = rejected）",
        "classifiers (1 = chosen, 0 = rejected)",
    ),
    "rankings": (
        "三つ以上の応答と順位",
        "three or more completions with their ranks",
        "順位の学習、RRHF",
        "learning from ranks, RRHF",
    ),
    "sft": (
        "良いほうの応答だけの対話",
        "the preferred answers as conversations",
        "教師あり微調整（TRL の SFTTrainer）",
        "supervised fine-tuning (TRL: SFTTrainer)",
    ),
}
_SPECIAL = re.compile(r"([\\`*_\[\]<>|#~$!{}])")


def card_of(manifest: Mapping[str, Any], samples: Sequence[Preference], audit: Any) -> str:
    """Return the text of ``README.md``.

    Args:
        manifest: the release's manifest.
        samples: records to show, best from sources without a content warning.
        audit: the license bundle's `Bundle`, None where there is none.
    """
    title = manifest["settings"]["title"] or manifest["pipeline"]["name"]
    fields: dict[str, str] = {"license": "other"}
    if audit is not None:
        known = {name: getattr(audit, name) for name in ("license", "license_name", "license_link")}
        fields = {name: value for name, value in known.items() if value}
    head = yaml.safe_dump(head_of(manifest, title, fields), allow_unicode=True, sort_keys=False)
    body = environment().get_template("card.md.j2").render(_facts(manifest, samples, audit, title))
    return f"---\n{head}---\n\n{re.sub(chr(10) + '{3,}', chr(10) * 2, body).strip()}\n"


def _facts(
    manifest: Mapping[str, Any], samples: Sequence[Preference], audit: Any, title: str
) -> dict[str, Any]:
    rows = manifest["counts"]["rows"]
    settings = manifest["settings"]
    translator = {"model": "", "revision": "", "use": ""} | (manifest["translator"] or {})
    told = {source["id"]: source for source in (audit.sources if audit else ())}
    template = settings["template"]
    return {
        "title": markdown(title),
        "repo": settings["repo_id"] or "USER/NAME",
        "n": "{:,}".format,
        "md": markdown,
        "pairs": sum(rows.get("pairs", {}).values()),
        "splits": list(dict.fromkeys(split for splits in rows.values() for split in splits)),
        "configs": [
            {"name": name, "rows": own, "total": sum(own.values())}
            | dict(zip(("ja", "en", "use_ja", "use_en"), _CONFIGS[name], strict=True))
            for name, own in rows.items()
        ],
        "languages": settings["languages"],
        "ranked": "rankings" in rows,
        "every_pair": any(s["settings"].get("rankings") == "all" for s in manifest["steps"]),
        "near": settings["splits"]["near"],
        "markers": ", ".join(code(template[role]) for role in ("system", "user", "assistant")),
        "separator": code(template["separator"].replace("\n", "\\n")),
        "margin": settings["margin"],
        "moved": sum(source["moved_to_test"] for source in manifest["sources"]),
        "sources": [_source(source, told.get(source["id"], {})) for source in manifest["sources"]],
        "warnings": _statements(told, "content_warning"),
        "uses": _statements(told, "intended_use"),
        "expression": audit.expression if audit else "",
        "terms": [code(term) for term in audit.terms] if audit else [],
        "merkle_root": audit.merkle_root if audit else "",
        "has_audit": audit is not None,
        "steps": [
            _step(step)
            for step in (*manifest["steps"], _own_step(manifest))
            if step["kind"] == "preferences"
        ],
        "translated": any(record.original for record in samples) or bool(translator["use"]),
        "translator": translator,
        "decoding": ", ".join(f"{k} {v}" for k, v in translator.get("decoding", {}).items()),
        "prompts": _prompts(translator, {k for s in manifest["sources"] for k in s["kinds"]}),
        "samples": [_sample(record) for record in samples],
        "cited_as": markdown(cite_as(manifest)),
        "version": manifest["prefdata"],
        "key": manifest["key"],
    }


def _source(source: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    name = markdown(told.get("title") or source["id"])
    url = told.get("url")
    return {
        "link": f"[{name}]({url})" if str(url).startswith("http") else name,
        "revision": ", ".join(
            code(revision[:12]) for revision in told.get("revisions") or source["revisions"]
        ),
        "cited": ", ".join(
            markdown(part) for part in (told.get("creator"), told.get("title"), url) if part
        ),
        "license": told.get("license") or ", ".join(source["licenses"]),
        "records": source["records"],
        "pairs": sum(source["pairs"].values()),
    }


def _statements(told: Mapping[str, Any], name: str) -> list[dict[str, str]]:
    return [{"id": key, "text": own[name]} for key, own in told.items() if own.get(name)]


def _own_step(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": "publish", "kind": "preferences", "counts": manifest["counts"]}


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    counts = step["counts"]
    most = sorted(counts["reasons"].items(), key=lambda item: (-item[1], item[0]))[:5]
    return {
        **{name: counts[name] for name in ("in", "kept", "dropped")},
        "id": step["id"],
        "reasons": [f"{code(reason)} {n:,}" for reason, n in most],
    }


def _prompts(translator: Mapping[str, Any], used: Set[str]) -> list[dict[str, str]]:
    """Return the distinct prompts of the source kinds that are published."""
    known = translator.get("prompts", {})
    kinds: dict[str, list[str]] = {}
    texts: dict[str, str] = {}
    for kind in sorted(used):
        prompt = known.get(kind) or known.get(DEFAULT)
        if prompt:
            kinds.setdefault(prompt["digest"], []).append(kind)
            texts[prompt["digest"]] = prompt["system"]
    return [
        {"digest": key, "kinds": ", ".join(kinds[key]), "block": fenced(texts[key])}
        for key in kinds
    ]


def _sample(record: Preference) -> dict[str, str]:
    lines = _lines("prompt", record.prompt)
    lines += _lines("chosen", record.chosen)
    lines += _lines("rejected", record.rejected)
    if record.original:
        lines += ["", f"({record.original.lang})", *_lines("prompt", record.original.prompt)]
        lines += _lines("chosen", record.original.completions[0])
        lines += _lines("rejected", record.original.completions[-1])
    return {"source": record.origin.source, "id": record.id, "block": fenced("\n".join(lines))}


def _lines(side: str, conversation: Conversation) -> list[str]:
    return [f"[{side}] {m.role}: {_cut(m.content)}" for m in conversation]


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def markdown(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line, in a table too."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def code(text: str) -> str:
    """Return a short text as inline code, whatever back ticks or bars it holds."""
    flat = " ".join(str(text).splitlines()).replace("|", "\\|")
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", flat)), default=0))
    pad = " " if flat.startswith("`") or flat.endswith("`") or flat != flat.strip() else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}"


def fenced(text: str) -> str:
    """Return a text as a code block whose fence no line of it can end."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def write_card(out: Path, text: str) -> None:
    """Write ``README.md``."""
    (out / "README.md").write_bytes(text.encode("utf-8", "replace"))
