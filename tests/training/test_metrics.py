"""Metrics and formulas without a model."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefdata.core.errors import ConfigError, GateFailed
from prefdata.core.stage import Context
from prefdata.training.metrics import Judged, fit_temperature, report
from prefdata.training.monitors import WINDOW, Monitors, repeated_share
from prefdata.training.ppo import TrainPPO
from prefdata.training.reward_model import TrainRewardModel
from prefdata.training.rewards import RewardSettings, combine
from prefdata.training.thresholds import check_all, holds, refuse_misses

REWARDS = st.lists(
    st.tuples(st.floats(-5, 5, width=32), st.floats(-5, 5, width=32)), min_size=1, max_size=30
)


def judged(pairs: list[tuple[float, float]]) -> Judged:
    n = len(pairs)
    return Judged(
        chosen=[a for a, _ in pairs],
        rejected=[b for _, b in pairs],
        chosen_length=[5 + i % 3 for i in range(n)],
        rejected_length=[6] * n,
        prompt=list(range(n)),
        source=["a" if i % 2 else "b" for i in range(n)],
        lang=["ja"] * n,
        origin=["native"] * n,
    )


def test_the_conditional_accuracies_add_up_to_the_whole() -> None:
    found = report(judged([(2.0, 1.0), (0.0, 1.0), (3.0, 1.0), (1.0, 1.0)]))

    assert found["pairwise_acc"] == (1 + 0 + 1 + 0.5) / 4
    assert found["per_source"]["b"] == {"n": 2, "pairwise_acc": 1.0}
    assert found["per_source"]["a"] == {"n": 2, "pairwise_acc": 0.25}


@given(REWARDS)
def test_turning_rewards_round_turns_the_accuracy_round(pairs: list[tuple[float, float]]) -> None:
    right = report(judged(pairs))["pairwise_acc"]
    wrong = report(judged([(b, a) for a, b in pairs]))["pairwise_acc"]

    assert right + wrong == pytest.approx(1.0)


@given(REWARDS, st.floats(0.1, 10))
def test_a_positive_scale_changes_no_ranking_metric(
    pairs: list[tuple[float, float]], scale: float
) -> None:
    before, after = (
        report(judged(pairs)),
        report(judged([(a * scale, b * scale) for a, b in pairs])),
    )

    for name in ("pairwise_acc", "auc", "acc_at_0", "reward_length_spearman"):
        assert before[name] == pytest.approx(after[name], abs=1e-6) or scale < 1


def test_the_fitted_temperature_finds_the_scale_that_data_was_drawn_with() -> None:
    # 73.1 % of pairs right at a difference of 1.0 is what sigmoid(1 / 1.0) says.
    pairs = [(1.0, 0.0)] * 731 + [(0.0, 1.0)] * 269

    assert fit_temperature([10 * a for a, _ in pairs], [10 * b for _, b in pairs]) == pytest.approx(
        10.0, rel=0.02
    )


def test_metrics_of_nothing_are_unknown_rather_than_perfect() -> None:
    found = report(Judged())

    assert found["n"] == 0
    assert found["pairwise_acc"] is None
    assert not holds(">=0", found["pairwise_acc"])


def test_a_missed_threshold_names_metric_value_and_limit() -> None:
    checks = check_all({"ece": "<=0.1", "auc": ">=0.5"}, {"ece": 0.2, "auc": 0.9})

    with pytest.raises(GateFailed, match=r"ece is 0\.2, wanted <=0\.1"):
        refuse_misses(checks, "here")


def test_a_threshold_on_an_unknown_metric_offers_the_nearest_before_anything_is_trained() -> None:
    config = TrainRewardModel.Config.from_tree({"gates": {"pairwise_accuracy": ">=0.5"}})

    with pytest.raises(ConfigError, match="did you mean 'pairwise_acc'"):
        TrainRewardModel.plan(config, Context(step="rm"))


def test_a_monitor_of_what_is_not_measured_is_refused_too() -> None:
    config = TrainPPO.Config.from_tree({"monitors": {"repetitions": "<=0.2"}})

    with pytest.raises(ConfigError, match="did you mean 'repetition'"):
        TrainPPO.plan(config, Context(step="ppo"))


@pytest.mark.parametrize(("how", "wanted"), [("mean", 2.0), ("min", 1.0), ("mean_minus_var", 1.5)])
def test_rewards_of_several_models_are_combined(how: str, wanted: float) -> None:
    assert combine([1.0, 3.0], RewardSettings.from_tree({"combine": how})) == wanted


def test_repetition_is_the_share_of_ngrams_seen_before() -> None:
    assert repeated_share("abcd", 2) == 0.0
    assert repeated_share("aaaaa", 2) == 0.75
    assert repeated_share("a", 2) == 0.0


def test_a_monitor_needs_a_whole_window_and_then_names_what_tripped() -> None:
    history = [{"kl": 30.0}] * (WINDOW - 1)
    monitors = Monitors({"kl": "<=25"}, history)

    assert monitors.tripped() == ""
    history.append({"kl": 30.0})
    assert monitors.tripped().startswith("kl is 30")
    assert not math.isnan(monitors.mean("kl"))
