"""Short ways to write cases: a sound layer, a record of three content layers, a policy."""

from __future__ import annotations

from typing import Any

from prefdata.licensing.decide import judge

CONTENT = ["source_text", "response", "label"]
SOUND = {"kind": "license_file", "by": "rights_holder", "at_revision": "same", "age_days": 30}
TERMS = {"kind": "tos", "by": "rights_holder", "at_revision": "same", "age_days": 30}
ANTHROPIC = "LicenseRef-prefdata-anthropic-commercial-2025-06-17"  # of which an extract is held
GEMMA = "LicenseRef-scancode-gemma-tou-2024-04-01"
LLAMA2 = "LicenseRef-scancode-llama-2-license-2023"
LLAMA31 = "LicenseRef-scancode-llama-3.1-license-2024"
OPENAI = "LicenseRef-scancode-openai-tou-20241211"
MODIFIED = "LicenseRef-prefdata-openai-modified-mit-2020"


def evidence(kind: str = "license_file", by: str = "rights_holder", **rest: Any) -> dict[str, Any]:
    """Return a piece of evidence, sound unless said otherwise."""
    return {**SOUND, "kind": kind, "by": by, **rest}


def layer(role: str, license: str | None = "MIT", **rest: Any) -> dict[str, Any]:  # noqa: A002
    """Return a layer with a declared license and sound evidence."""
    made: dict[str, Any] = {
        "role": role,
        "artifact": "x/data" if role in CONTENT else f"x/{role}",
        "status": "declared",
        "coverage": "data" if role in CONTENT else "weights",
        "evidence": [SOUND],
    }
    if license is not None:
        made["license"] = license
    return {**made, **rest}


def translator(license: str = "Apache-2.0", **rest: Any) -> dict[str, Any]:  # noqa: A002
    """Return a translator's layer."""
    return layer("translator", license, **rest)


def record(license: str | None = "MIT", *others: dict[str, Any], **rest: Any) -> dict[str, Any]:  # noqa: A002
    """Return inputs: three content layers alike, and other layers (a translator by default)."""
    content = [layer(role, license, **rest) for role in CONTENT]
    return {"layers": [*content, *(others or (translator(),))], "record_contains": CONTENT}


def policy(preset: str = "permissive-only", target: Any = "publish_dataset", **rest: Any) -> Any:
    """Return a policy; outbound is MIT unless said otherwise, none for work at home."""
    outbound = None if target == "train_local" else "MIT"
    return {"preset": preset, "target": target, "outbound": outbound, **rest}


def human(covers: list[str], scope: str = "x/data", **rest: Any) -> dict[str, Any]:
    """Return a human decision that applies, unless said otherwise."""
    return {
        "id": "d1",
        "decision": "allow",
        "covers": covers,
        "scope": scope,
        "revision_matches": True,
        "expired": False,
        **rest,
    }


def check(inputs: Any, asked: Any, verdict: str, *reasons: str) -> dict[str, Any]:
    """Assert the verdict of a case and some of its reasons; return what was found."""
    found = judge(inputs, asked).as_tree()
    assert found["verdict"] == verdict, found
    assert set(reasons) <= set(found["reasons"]), found
    return found
