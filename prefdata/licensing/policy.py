"""What a release may be made of, and how a plain tree says it.

There is no field by which something undisclosed becomes allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prefdata.core.errors import InputError
from prefdata.licensing.evidence import GRADES
from prefdata.licensing.fields import names, number
from prefdata.licensing.license_book import OUTPUT_RULES, License

TARGETS = ("train_local", "publish_dataset", "publish_model")
GATES = ("fail", "exclude")
Outbound = str | Mapping[str, str] | None

TERMS = "LicenseRef-"  # what the ids of terms begin with, and no output rule does
# Accepted output rules where a policy does not say otherwise: R13's column for permissive-only.
# `none` is accepted everywhere, `unknown` nowhere.
_ACCEPTED: Mapping[str, Sequence[str]] = {
    "train_local": ("notice", "derivative_model"),
    "publish_dataset": (),
    "publish_model": (),
}


@dataclass(frozen=True)
class Policy:
    """One policy, complete.

    What a file leaves out is as in permissive-only, for silence must loosen nothing.
    `outbound` is one license, a map from artifact to license, or None (each record keeps its
    own). `strict_outputs` denies the output rules that are not accepted; otherwise they are
    reviewed.
    """

    name: str
    targets: tuple[str, ...] = ("publish_dataset",)
    outbound: Outbound = "MIT"
    commercial: bool = True
    share_alike: bool = False
    output_rules: Mapping[str, Sequence[str]] = field(default_factory=lambda: _ACCEPTED)
    strict_outputs: bool = True
    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    min_evidence: str = "B"
    max_evidence_age_days: float = 365
    gate: str = "exclude"
    base_model_terms: tuple[str, ...] = ()

    def accepts(self, terms: License, target: str) -> bool:
        """Tell whether terms on outputs are accepted for a target: by their rule or by their id.

        Terms of which only an extract is held are accepted by their id alone: whoever does so knows
        of which text the recipients get no copy.
        """
        accepted = self.output_rules.get(target, _ACCEPTED[target])
        return terms.id in accepted or (terms.output_rule in accepted and not terms.extract_of)

    def as_tree(self) -> dict[str, Any]:
        """Return the policy as plain JSON values, complete and in a fixed order."""
        return {
            "name": self.name,
            "target": list(self.targets),
            "outbound": dict(self.outbound)
            if isinstance(self.outbound, Mapping)
            else self.outbound,
            "commercial": "required" if self.commercial else "optional",
            "share_alike": "allowed" if self.share_alike else "forbidden",
            "output_rules": {t: ["none", *self.output_rules.get(t, _ACCEPTED[t])] for t in TARGETS},
            "other_outputs": "deny" if self.strict_outputs else "review",
            "allow": list(self.allow),
            "deny": list(self.deny),
            "min_evidence": self.min_evidence,
            "max_evidence_age_days": self.max_evidence_age_days,
            "gate": self.gate,
            "base_model_terms": list(self.base_model_terms),
            "on_undisclosed": "deny",
        }


CHOICES = {
    "commercial": ("required", "optional"),
    "share_alike": ("allowed", "forbidden"),
    "other_outputs": ("deny", "review"),
    "on_undisclosed": ("deny", "quarantine"),
    "min_evidence": GRADES,
    "gate": GATES,
}
OTHERS = (
    "name", "target", "outbound", "output_rules", "allow", "deny", "max_evidence_age_days",
    "base_model_terms", "description",
)  # fmt: skip


def policy_of(tree: Any, base: Policy) -> Policy:
    """Return `base` with the fields of a plain tree.

    Raises:
        InputError: a field is unknown, of a wrong type, or has an unknown value.
    """
    if not isinstance(tree, Mapping):
        raise InputError("a policy is a mapping")
    for key, value in tree.items():
        if key not in CHOICES and key not in OTHERS:
            raise InputError(f"unknown key {key!r} in a policy", fix="see licenses/README.md")
        if key in CHOICES and value is not None and value not in CHOICES[key]:
            raise InputError(f"{key} is {value!r}", fix="one of: " + ", ".join(CHOICES[key]))
    days = number(tree, "max_evidence_age_days")
    return Policy(
        name=str(tree.get("name", base.name)),
        targets=_targets(tree.get("target"), base.targets),
        outbound=_outbound(tree["outbound"]) if "outbound" in tree else base.outbound,
        commercial=_is(tree, "commercial", "required", base.commercial),
        share_alike=_is(tree, "share_alike", "allowed", base.share_alike),
        output_rules=_output_rules(tree.get("output_rules"), base.output_rules),
        strict_outputs=_is(tree, "other_outputs", "deny", base.strict_outputs),
        allow=_list(tree, "allow", base.allow),
        deny=_list(tree, "deny", base.deny),
        min_evidence=str(tree.get("min_evidence") or base.min_evidence),
        max_evidence_age_days=base.max_evidence_age_days if days is None else days,
        gate=str(tree.get("gate") or base.gate),
        base_model_terms=_list(tree, "base_model_terms", base.base_model_terms),
    )


def _is(tree: Mapping[str, Any], key: str, word: str, base: bool) -> bool:
    return base if tree.get(key) is None else tree[key] == word


def _targets(value: Any, base: tuple[str, ...]) -> tuple[str, ...]:
    if value is None:
        return base
    found = names(value, "target")
    for target in found:
        if target not in TARGETS:
            raise InputError(f"unknown target {target!r}", fix="known: " + ", ".join(TARGETS))
    if not found:
        raise InputError("target is empty", fix="known: " + ", ".join(TARGETS))
    return found


def _outbound(value: Any) -> Outbound:
    if value is None or value == "per-record":
        return None
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, Mapping) and all(isinstance(v, str) for v in value.values()):
        return {str(key): str(stated) for key, stated in value.items()}
    raise InputError(
        f"outbound is {value!r}", fix="give a license, a map from source to license, or per-record"
    )


def _output_rules(value: Any, base: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
    if value is None:
        return base
    if not isinstance(value, Mapping):
        raise InputError("output_rules is no mapping", fix="target: [rule, …]")
    accepted = dict(base)
    for target, rules in value.items():
        _targets(target, ())
        given = names(rules, "output_rules")
        known = {rule for rule in OUTPUT_RULES if rule != "unknown"}
        unknown = {name for name in given if name not in known and not name.startswith(TERMS)}
        if unknown or rules is None:
            raise InputError(
                f"output_rules cannot accept {sorted(unknown) or rules}",
                fix="name rules, or terms by their id; what nobody has read is never accepted",
            )
        accepted[target] = tuple(rule for rule in given if rule != "none")
    return accepted


def _list(tree: Mapping[str, Any], key: str, base: tuple[str, ...]) -> tuple[str, ...]:
    return base if tree.get(key) is None else names(tree[key], key)
