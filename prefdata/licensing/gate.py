"""The license gate: decide each combination of layers once, keep what the policy allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from prefdata.config.settings import Settings
from prefdata.core.errors import LicenseDenied, LicenseReview
from prefdata.core.origin import Layer
from prefdata.core.stage import Context, Kind
from prefdata.core.verdict import Decision, Verdict
from prefdata.licensing.decider import Decider
from prefdata.licensing.policies import find_policy
from prefdata.licensing.policy import TARGETS, Policy, policy_of
from prefdata.licensing.registry import registry_of
from prefdata.licensing.unlock import told
from prefdata.store.arrow import drops_of_table, layers_from_text


class GateSettings(Settings):
    """Settings of `license_gate`; what is absent comes from the policy."""

    policy: str = Field(
        default="permissive-only",
        description="permissive-only, commercial, research, quickstart, or a policy file",
    )
    outbound: str | dict[str, str] | None = Field(
        default=None,
        description="the release's license, a map from source to license, or per-record",
    )
    target: str | tuple[str, ...] | None = Field(
        default=None, description=f"what is done with the records: {', '.join(TARGETS)}"
    )
    gate: Literal["fail", "exclude"] | None = Field(
        default=None, description="fail: stop at the first forbidden record; exclude: leave it out"
    )
    release: Literal["full", "pointers"] = Field(
        default="full",
        description="pointers: rows that are left out are listed in the release by source, row and "
        "SHA-256, with what of ours may travel; `prefdata rebuild` makes them whole",
    )


class LicenseGate:
    """Decide the license of every record; only what the policy allows goes on.

    Kept records get their `license`, an SPDX expression. In `exclude` mode the others are dropped
    with the license reason; in `fail` mode they stop the build.
    """

    Config = GateSettings
    version: ClassVar[int] = 1
    reads: ClassVar[Kind] = "preferences"
    writes: ClassVar[Kind] = "preferences"

    def __init__(self, config: GateSettings, context: Context) -> None:
        self.config = config
        self.context = context

    @cached_property
    def decider(self) -> Decider:
        """Return what decides; built when first used, so that workers build their own."""
        return decider_of(self.config, self.context)

    @staticmethod
    def content_key(config: GateSettings, context: Context) -> str:
        """Return a digest of the policy, the registry's files and the day that ages count to."""
        return decider_of(config, context).fingerprint

    @staticmethod
    def foresee(
        config: GateSettings, context: Context, combinations: Sequence[tuple[Layer, ...]]
    ) -> dict[str, Any]:
        """Return `{verdict, reasons, unlock}` of a source with these combinations of layers.

        Under `exclude` the verdict is the best combination's, since the others are left out;
        under `fail` the worst's. `unlock` says for each blocking reason what would free whom.
        """
        decider = decider_of(config, context)
        decided = [(layers, decider.decide(layers)) for layers in dict.fromkeys(combinations)]
        verdicts = [decision.verdict for _, decision in decided] or [Verdict.DENY]
        is_exclude = decider.policy.gate == "exclude"
        can_go = is_exclude and Verdict.ALLOW in verdicts
        reasons = [code for _, decision in decided for code in decision.reasons]
        rows = [row for layers, decision in decided for row in decider.unlock(layers, decision)]
        return {
            "verdict": str(Verdict.ALLOW if can_go else max(verdicts)),
            "reasons": list(dict.fromkeys(reasons)),
            "unlock": told(rows),
        }

    @staticmethod
    def excludes(config: GateSettings, context: Context) -> bool:
        """Tell whether the gate leaves out what is not allowed, instead of stopping."""
        return policy_from(config, context).gate == "exclude"

    @staticmethod
    def lists_pointers(config: GateSettings) -> bool:
        """Tell whether the release lists what is left out, so that nothing left is no failure."""
        return config.release == "pointers"

    def table(self, table: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Return (allowed rows with their license, drops of the others).

        Raises:
            LicenseDenied: a row is denied and the gate is `fail`.
            LicenseReview: a row waits for a person and the gate is `fail`.
        """
        encoded = pc.dictionary_encode(table.column("layers")).combine_chunks()
        texts = encoded.dictionary.to_pylist() if len(table) else []
        decisions = [self.decider.decide(layers_from_text(text)) for text in texts]
        if self.decider.policy.gate == "fail":
            self._stop(texts, decisions)
        return _split(table, encoded, texts, decisions, self.decider)

    def _stop(self, texts: list[str], decisions: list[Decision]) -> None:
        worst = max((decision.verdict for decision in decisions), default=Verdict.ALLOW)
        if worst == Verdict.ALLOW:
            return
        lines = [
            self.decider.sentence(layers_from_text(text), decision)
            for text, decision in zip(texts, decisions, strict=True)
            if decision.verdict != Verdict.ALLOW
        ]
        error = LicenseDenied if worst == Verdict.DENY else LicenseReview
        raise error(
            f"the policy {self.decider.policy.name} does not allow these records: "
            + "; ".join(lines),
            self.context.step,
            "leave the source out, use 'gate: exclude', or add the missing evidence "
            "(prefdata plan says which)",
        )


def _split(
    table: pa.Table,
    encoded: pa.DictionaryArray,
    texts: list[str],
    decisions: list[Decision],
    decider: Decider,
) -> tuple[pa.Table, pa.Table]:
    indices = encoded.indices
    allowed = pa.array([d.verdict == Verdict.ALLOW for d in decisions], pa.bool_())
    licenses = pa.array([d.expression for d in decisions], pa.string())
    mask = allowed.take(indices) if texts else pa.array([], pa.bool_())
    column = licenses.take(indices) if texts else pa.array([], pa.string())
    position = table.schema.get_field_index("license")
    kept = table.set_column(position, table.schema.field(position), column).filter(mask)
    refused = table.filter(pc.invert(mask))
    which = pc.filter(indices, pc.invert(mask)).to_pylist() if texts else []
    details = {n: decider.drop_detail(layers_from_text(texts[n]), decisions[n]) for n in set(which)}
    codes = [details[n][0] for n in which]
    return kept, drops_of_table(refused, codes, [details[n][1] for n in which])


def policy_from(config: GateSettings, context: Context) -> Policy:
    """Return the policy that a gate's settings mean.

    Raises:
        ConfigError: there is no such policy, or a setting is wrong.
    """
    base = find_policy(config.policy, context.base, context.licenses)
    changes: Mapping[str, Any] = {
        key: value
        for key, value in (
            ("outbound", config.outbound), ("target", config.target), ("gate", config.gate),
        )
        if value is not None
    }  # fmt: skip
    return policy_of(changes, base)


def decider_of(config: GateSettings, context: Context) -> Decider:
    """Return what decides under a gate's settings."""
    as_of = date.fromisoformat(context.as_of) if context.as_of else datetime.now(UTC).date()
    return Decider(registry_of(context.licenses), policy_from(config, context), as_of)
