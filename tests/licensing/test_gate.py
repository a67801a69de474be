"""The gate keeps what is allowed, drops or stops at the rest, and says who is to blame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prefdata.core.errors import ConfigError, LicenseDenied, LicenseReview
from prefdata.core.origin import Layer
from prefdata.licensing.gate import GateSettings, LicenseGate
from prefdata.licensing.pointers import pointer_of
from prefdata.store.arrow import decode, encode, read_drops
from tests.licensing.builds import CALM, CONTEXT, HH, a_record, some_records, three


def gate(**settings: Any) -> LicenseGate:
    return LicenseGate(GateSettings.from_tree({"policy": "permissive-only", **settings}), CONTEXT)


def test_allowed_records_get_their_license_and_the_others_are_dropped_by_name() -> None:
    records = some_records()

    kept, drops = gate(outbound="MIT").table(encode(records))

    assert len(kept) + len(drops) == len(records)
    assert {record.license for record in decode(kept)} == {"MIT"}
    for drop in read_drops(drops):
        assert drop["reasons"] == ["UNDISCLOSED"]
        assert "openai/webgpt_comparisons" in drop["detail"]


def test_fail_mode_stops_and_names_sources_and_codes() -> None:
    with pytest.raises(LicenseDenied) as error:
        gate(gate="fail").table(encode(some_records()))

    assert error.value.exit_code == 3
    assert "UNDISCLOSED (openai/webgpt_comparisons)" in str(error.value)


def test_fail_mode_ends_with_4_where_only_a_person_is_missing() -> None:
    records = [a_record(1, three("Anthropic/hh-rlhf", "0" * 40, CALM), "Anthropic/hh-rlhf")]

    with pytest.raises(LicenseReview) as error:
        gate(gate="fail").table(encode(records))

    assert (error.value.exit_code, "EVIDENCE_REVISION_MISMATCH" in str(error.value)) == (4, True)


def test_an_empty_shard_passes() -> None:
    kept, drops = gate().table(encode([]))

    assert (len(kept), len(drops)) == (0, 0)


def test_a_translators_terms_count_for_every_record_it_touched() -> None:
    openai = Layer("translator", "openai/gpt-4o")
    records = [a_record(1, three("Anthropic/hh-rlhf", HH, openai), "Anthropic/hh-rlhf")]

    kept, drops = gate().table(encode(records))

    assert len(kept) == 0
    assert next(iter(read_drops(drops)))["detail"] == "openai/gpt-4o"


def test_what_decides_beside_the_settings_enters_the_key(tmp_path: Path) -> None:
    config = GateSettings.from_tree({})
    one = LicenseGate.content_key(config, CONTEXT)

    assert one == LicenseGate.content_key(config, CONTEXT)
    assert one != LicenseGate.content_key(GateSettings.from_tree({"outbound": "ISC"}), CONTEXT)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"policy": "permisive-only"}, "did you mean 'permissive-only'"),
        ({"target": "publish_all"}, "known: train_local"),
    ],
)
def test_a_wrong_policy_is_a_mistake_with_a_hint(settings: Any, told: str) -> None:
    with pytest.raises(Exception, match="unknown") as error:
        gate(**settings).table(encode(some_records(1)))

    assert told in str(error.value)
    assert error.value.exit_code == ConfigError.exit_code  # type: ignore[attr-defined]


def test_foresight_names_what_would_free_a_source() -> None:
    webgpt = some_records()[-1].origin.layers
    told = LicenseGate.foresee(GateSettings.from_tree({}), CONTEXT, [webgpt])

    assert told["verdict"] == "deny"
    assert any("UNDISCLOSED (openai/webgpt_comparisons)" in line for line in told["unlock"])


SUMMARIES = "openai/summarize_from_feedback"


def summary(writer: str) -> tuple[Layer, ...]:
    return (
        Layer("source_text", f"{SUMMARIES} reddit_posts", "b8f7d16"),
        Layer("response", f"{SUMMARIES} {writer}", "b8f7d16"),
        Layer("label", f"{SUMMARIES} labels_and_model_summaries", "b8f7d16"),
        CALM,
    )


def test_a_pointer_carries_label_and_answers_only_where_their_layers_are_allowed() -> None:
    decider = gate(outbound="MIT").decider
    of_models = pointer_of(
        a_record(1, summary("labels_and_model_summaries"), SUMMARIES), [], decider
    )
    of_people = pointer_of(a_record(1, summary("human_reference"), SUMMARIES), [], decider)
    webgpt = pointer_of(some_records()[-1], ["UNDISCLOSED"], decider)

    assert (of_models["ranks"], of_models["completions"] is None) == ([1, 2], False)
    assert (of_people["ranks"], of_people["completions"]) == ([1, 2], None)
    assert (webgpt["ranks"], webgpt["scores"], webgpt["completions"]) == (None, None, None)
    assert "prompt" not in of_models
    assert not decider.may_travel((), ("label",), ())
