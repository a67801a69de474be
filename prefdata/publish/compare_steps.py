"""Two manifests compared: what was made differently, and what was dropped for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def reasons_of(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Return each step's reasons with their counts in both."""
    counts = [
        {f"{s['id']}: {code}": n for s in m["steps"] for code, n in s["counts"]["reasons"].items()}
        | {f"publish: {code}": n for code, n in m["counts"]["reasons"].items()}
        for m in (a, b)
    ]
    names = sorted({*counts[0], *counts[1]})
    return {name: (counts[0].get(name, 0), counts[1].get(name, 0)) for name in names}


def steps_of(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, dict[str, tuple[Any, Any]]]:
    """Return for each step what was made differently; keys alone differ with their inputs."""
    sides = [{s["id"]: _flat(s) for s in m["steps"]} for m in (a, b)]
    for side, manifest in zip(sides, (a, b), strict=True):
        side["publish"] = _flat({"settings": manifest["settings"]})
        prompts = (manifest.get("translator") or {}).get("prompts", {})
        for step in manifest["steps"]:
            if step["use"] == "translate":
                side[step["id"]] |= {f"prompt {kind}": p["digest"] for kind, p in prompts.items()}
    found = {}
    for name in dict.fromkeys([*sides[0], *sides[1]]):
        left, right = sides[0].get(name, {}), sides[1].get(name, {})
        fields = dict.fromkeys([*left, *right])
        differ = {f: (left.get(f), right.get(f)) for f in fields if left.get(f) != right.get(f)}
        if differ:
            found[name] = differ
    return found


def _flat(step: Mapping[str, Any]) -> dict[str, Any]:
    """Return a step's component, version and settings under dotted names."""
    flat = {name: step[name] for name in ("use", "version") if name in step}

    def walk(prefix: str, value: Any) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(f"{prefix}.{name}", inner)
        else:
            flat[prefix] = value

    walk("settings", step["settings"])
    return flat
