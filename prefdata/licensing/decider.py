"""Layers of the pipeline before the one decision function: resolve, decide, say why, remember."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from hashlib import sha256
from typing import Any

from prefdata.core.origin import Layer
from prefdata.core.verdict import Decision, Verdict
from prefdata.licensing.case import CONTENT, read_inputs
from prefdata.licensing.decide import decide_group, reasons_of
from prefdata.licensing.decision_files import decisions_for
from prefdata.licensing.policy import Policy
from prefdata.licensing.reason import codes
from prefdata.licensing.registry import Registry
from prefdata.licensing.registry_files import registry_files
from prefdata.licensing.unlock import remedy
from prefdata.store.files import sha256 as file_sha256


@dataclass
class Decider:
    """One registry, one policy, one day. Decides each combination of layers once."""

    registry: Registry
    policy: Policy
    as_of: date
    _decided: dict[tuple[Layer, ...], Decision] = field(default_factory=dict)
    _travels: dict[tuple[tuple[Layer, ...], tuple[str, ...]], bool] = field(default_factory=dict)

    @cached_property
    def fingerprint(self) -> str:
        """Return a digest of everything beside the layers that decides: policy, registry, day."""
        hasher = sha256(json.dumps(self.policy.as_tree(), sort_keys=True).encode())
        hasher.update(self.as_of.isoformat().encode())
        for folder in self.registry.folders:
            for path in registry_files(folder):
                hasher.update(f"{path.relative_to(folder).as_posix()}\0".encode())
                hasher.update(file_sha256(path).encode())
        return hasher.hexdigest()

    def case(self, layers: Sequence[Layer]) -> dict[str, Any]:
        """Return the case of a record with these layers; it has a prompt, answers and a label."""
        resolved = {
            json.dumps(case, sort_keys=True): case
            for layer in layers
            for case in self.registry.resolve(layer, self.as_of)
        }
        return {
            "layers": [resolved[key] for key in sorted(resolved)],
            "record_contains": list(CONTENT),
            "decisions": decisions_for(self.registry, layers, self.as_of),
        }

    def decide(self, layers: Sequence[Layer]) -> Decision:
        """Return the decision on a record with these layers."""
        key = tuple(layers)
        if key not in self._decided:
            group = read_inputs(self.case(key)).groups[0]
            self._decided[key] = decide_group(group, self.policy, self.registry.book)
        return self._decided[key]

    def may_travel(
        self, layers: Sequence[Layer], roles: tuple[str, ...], makers: Sequence[str]
    ) -> bool:
        """Tell whether the layers of some roles, with who made them, are allowed alone (R18)."""
        own = tuple(layer for layer in layers if layer.role in (*roles, *makers))
        if not any(layer.role in roles for layer in own):
            return False
        key = (own, roles)
        if key not in self._travels:
            inputs = {**self.case(own), "record_contains": list(roles)}
            group = read_inputs(inputs).groups[0]
            verdict = decide_group(group, self.policy, self.registry.book).verdict
            self._travels[key] = verdict == Verdict.ALLOW
        return self._travels[key]

    def blocking(self, layers: Sequence[Layer]) -> list[str]:
        """Return the codes that keep a record from being allowed, the heaviest first."""
        group = read_inputs(self.case(layers)).groups[0]
        found = reasons_of(group, self.policy, self.registry.book)
        return list(codes(reason for reason in found if reason.verdict != Verdict.ALLOW))

    def under(self, target: str) -> Decider:
        """Return a decider that judges another target by the same policy."""
        return Decider(self.registry, replace(self.policy, targets=(target,)), self.as_of)

    def blame(self, layers: Sequence[Layer], code: str) -> list[str]:
        """Return the artifacts of the layers that have a reason by themselves."""
        found = []
        for layer in layers:
            reasons = self.alone(layer).reasons
            if code in reasons and layer.artifact not in found:
                found.append(layer.artifact)
        return found

    def alone(self, layer: Layer) -> Decision:
        """Return the decision on one layer as if the record held nothing else."""
        cases = self.registry.resolve(layer, self.as_of)
        roles = [case["role"] for case in cases if case["role"] in CONTENT]
        filler = [] if roles else [_NEUTRAL]
        inputs = {"layers": [*cases, *filler], "record_contains": roles}
        return decide_group(read_inputs(inputs).groups[0], self.policy, self.registry.book)

    def drop_detail(self, layers: Sequence[Layer], decision: Decision) -> tuple[str, str]:
        """Return (root reason, which artifact it is about) of a record that is not allowed."""
        code = decision.reasons[0]
        return code, ", ".join(self.blame(layers, code)) or f"verdict {decision.verdict}"

    def sentence(self, layers: Sequence[Layer], decision: Decision) -> str:
        """Return one line: verdict, who is to blame for which reason."""
        parts = []
        for code in decision.reasons:
            artifacts = self.blame(layers, code)
            if artifacts:
                parts.append(f"{code} ({', '.join(artifacts)})")
        return f"{decision.verdict}: " + ", ".join(parts or decision.reasons)

    def unlock(self, layers: Sequence[Layer], decision: Decision) -> list[dict[str, str]]:
        """Return what evidence would free a record: one row a reason and artifact."""
        if decision.verdict == Verdict.ALLOW:
            return []
        return [
            {"reason": code, "artifact": artifact, "needs": remedy(code)}
            for code in decision.reasons
            if remedy(code)
            for artifact in self.blame(layers, code) or [""]
        ]


_NEUTRAL = {
    "role": "response",
    "artifact": "",
    "license": "CC0-1.0",
    "coverage": "data",
    "evidence": [
        {"kind": "license_file", "by": "rights_holder", "at_revision": "same", "age_days": 0}
    ],
}
