"""Reward models learn what people prefer, say how well, and refuse what would flatter them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from prefdata.core.errors import ConfigError, GateFailed, InputError, IntegrityError
from prefdata.core.records import Message
from tests.training import toy
from tests.training.conftest import Run, context_for

pytestmark = pytest.mark.train


def train(run: Run, encoder: Path, release: Path, name: str = "rm", **settings: object) -> Path:
    from prefdata.training.reward_model import TrainRewardModel

    tree = {**toy.REWARD, "release": str(release), **settings}
    return run(TrainRewardModel, tree, name, {"base": encoder})


def released(tmp_path: Path, rows: list[dict[str, object]], train_rows: int) -> Path:
    half = train_rows + (len(rows) - train_rows) // 3
    splits = {"train": rows[:train_rows], "validation": rows[train_rows:half], "test": rows[half:]}
    return toy.release(tmp_path / "release", pairs=splits)


def test_bradley_terry_learns_the_ranking_and_says_so_everywhere(reward: Path) -> None:
    found = toy.metrics(reward)

    assert found["pairwise_acc"] >= 0.93
    assert found["pairwise_acc_low"] < found["pairwise_acc"] < found["pairwise_acc_high"]
    assert found["ece_after_temperature"] <= 0.06
    assert found["measured_on"] == "test"
    assert min(found["acc_chosen_longer"], found["acc_chosen_shorter"]) >= 0.85
    assert set(found["per_source"]) == {"toy/a", "toy/b"}
    for name in ("model/model.safetensors", "reward_config.json", "manifest.json", "README.md"):
        assert (reward / name).is_file()


@pytest.mark.parametrize("objective", ["bce", "ce"])
def test_labels_of_one_and_zero_make_a_reward_too(
    run: Run, encoder: Path, toy_release: Path, objective: str
) -> None:
    found = toy.metrics(train(run, encoder, toy_release, objective=objective))

    assert found["pairwise_acc"] >= 0.88
    assert found["ece_after_temperature"] <= 0.06


def test_shuffled_labels_teach_nothing(run: Run, encoder: Path, tmp_path: Path) -> None:
    rows = toy.pairs(1500, seed=5, noise=0.5)
    less = {**toy.REWARD["train"], "epochs": 2}
    folder = train(run, encoder, released(tmp_path, rows, 600), objective="bt", train=less)

    assert 0.4 <= toy.metrics(folder)["pairwise_acc"] <= 0.6


@pytest.mark.parametrize("objective", ["bt_margin", "bt_scaled"])
def test_margins_teach_too(run: Run, encoder: Path, tmp_path: Path, objective: str) -> None:
    folder = train(
        run, encoder, released(tmp_path, toy.pairs(1100, seed=9), 800), objective=objective
    )

    assert toy.metrics(folder)["pairwise_acc"] >= 0.85


def test_objectives_over_margins_refuse_data_without_any(
    run: Run, encoder: Path, tmp_path: Path
) -> None:
    rows = [{**row, "margin": 0.0} for row in toy.pairs(30, seed=1)]

    with pytest.raises(ConfigError, match="states none"):
        train(run, encoder, released(tmp_path, rows, 20), objective="bt_margin")


def test_all_pairs_of_a_ranking_teach_more_than_its_ends(
    run: Run, encoder: Path, tmp_path: Path
) -> None:
    rows = toy.rankings(720, seed=2)
    release = toy.release(
        tmp_path / "release",
        rankings={"train": rows[:120], "validation": rows[400:420], "test": rows[420:]},
    )
    shared = {
        "view": "rankings",
        "objective": "bt",
        "train": {"epochs": 10, "batch_size": 16, "learning_rate": 1e-3},
    }

    every = toy.metrics(train(run, encoder, release, "all", **shared))
    ends = toy.metrics(train(run, encoder, release, "ends", pairing="best_worst", **shared))

    assert every["n"] == ends["n"]
    assert every["pairwise_acc"] >= ends["pairwise_acc"] + 0.03
    assert every["best_of_k_acc"] > 0.6


def test_a_whole_ranking_can_be_one_choice_after_the_other(
    run: Run, encoder: Path, tmp_path: Path
) -> None:
    rows = toy.rankings(260, seed=2)
    release = toy.release(
        tmp_path / "release", rankings={"train": rows[:200], "validation": rows[200:]}
    )
    more = {"epochs": 4, "batch_size": 16, "learning_rate": 1e-3}

    found = toy.metrics(train(run, encoder, release, objective="listwise", train=more))

    assert found["pairwise_acc"] >= 0.85
    assert found["kendall_tau"] == pytest.approx(2 * found["pairwise_acc"] - 1, abs=0.01)


def test_a_dialogue_in_two_splits_stops_the_stage(run: Run, encoder: Path, tmp_path: Path) -> None:
    rows = toy.pairs(30, seed=1)
    release = toy.release(tmp_path / "release", pairs={"train": rows, "test": rows[:3]})

    with pytest.raises(IntegrityError, match="both train and test"):
        train(run, encoder, release)


def test_near_copies_across_a_split_flatter_and_groups_do_not(
    run: Run, encoder: Path, tmp_path: Path
) -> None:
    """Labels are tosses of a coin, so the truth is 0.5; each pair has five near copies."""
    rng = random.Random(3)
    rows = []
    for n in range(150):
        a, b = "".join(toy.sample(rng)), "".join(toy.sample(rng))
        rows += [
            {**toy.pair_row(6 * n + copy, f"問{n}の{copy}", a, b), "group": f"g-{n}"}
            for copy in range(6)
        ]
    learn = {"train": {"epochs": 8, "batch_size": 32, "learning_rate": 2e-3}, "objective": "bt"}

    by_group = train(run, encoder, released(tmp_path, rows, 540), "by-group", **learn)
    alone = [{**row, "group": f"alone-{n}"} for n, row in enumerate(rows)]
    rng.shuffle(alone)
    naive = train(run, encoder, released(tmp_path / "naive", alone, 540), "naive-split", **learn)

    assert 0.35 <= toy.metrics(by_group)["pairwise_acc"] <= 0.65
    assert toy.metrics(naive)["pairwise_acc"] > 0.75


def test_a_preference_for_length_shows_where_the_chosen_is_shorter(
    run: Run, encoder: Path, tmp_path: Path
) -> None:
    def train_where_longer_wins(share: float, name: str) -> Path:
        def accept(rng: random.Random, a: list[str], b: list[str]) -> bool:
            return len(a) != len(b) and (len(a) > len(b)) == (rng.random() < share)

        fair = toy.pairs(400, seed=12, start=5000)
        rows = {"train": toy.pairs(700, seed=11, accept=accept), "validation": fair[:100]}
        release = toy.release(tmp_path / f"{name}-release", pairs={**rows, "test": fair[100:]})
        learn = {"objective": "bt", "train": {**toy.REWARD["train"], "epochs": 2}}
        gates = {"acc_chosen_shorter": ">=0.75"}
        return train(run, encoder, release, name, gates=gates, **learn)

    with pytest.raises(GateFailed, match="acc_chosen_shorter"):
        train_where_longer_wins(0.9, "biased")
    biased = toy.metrics(tmp_path / "biased")
    assert biased["acc_chosen_shorter"] <= 0.65
    assert biased["acc_chosen_longer"] >= 0.9  # one number would hide it
    assert (tmp_path / "biased" / "model" / "config.json").is_file()  # a miss keeps the model

    unbiased = toy.metrics(train_where_longer_wins(0.5, "unbiased"))
    assert unbiased["acc_chosen_shorter"] >= 0.85


def test_aspects_are_learned_apart_and_weighed_together(
    run: Run, encoder: Path, tmp_path: Path
) -> None:
    import torch

    from prefdata.training.reward import RewardModel, reduce_logits

    rows = toy.rankings(420, seed=4)
    release = toy.release(
        tmp_path / "release", rankings={"train": rows[:350], "validation": rows[350:]}
    )
    aspects = [
        {"name": "polite", "weight": 1.0},
        {"name": "rude", "weight": -1.0},
        {"name": "brief", "weight": 0.0},
    ]
    folder = train(
        run,
        encoder,
        release,
        objective="aspects",
        aspects=aspects,
        train={"epochs": 7, "batch_size": 16, "learning_rate": 2e-3},
    )

    found = toy.metrics(folder)
    assert min(found["aspect_acc"].values()) >= 0.9
    reward = RewardModel.load(folder)
    polite, rude = reward.score([()] * 2, [said("ありがとうございます"), said("ばか黙れ")])
    assert polite > rude
    logits = torch.randn(5, 3)
    moved = logits + torch.tensor([0.0, 0.0, 7.0])  # the third aspect has no weight
    assert torch.equal(reduce_logits(logits, reward.config), reduce_logits(moved, reward.config))


def said(text: str) -> tuple[Message, ...]:
    return (Message("assistant", text),)


def test_an_adapter_leaves_the_base_alone_and_merges_to_the_same_rewards(
    run: Run, encoder: Path, toy_release: Path
) -> None:
    import torch
    from peft import PeftModel
    from safetensors.torch import load_file
    from transformers import AutoModelForSequenceClassification

    from prefdata.training.reward import RewardModel, logits_of

    before = load_file(encoder / "model" / "model.safetensors")
    folder = train(
        run,
        encoder,
        toy_release,
        objective="bt",
        lora={"rank": 8, "alpha": 32.0},
        train={**toy.REWARD["train"], "epochs": 1, "learning_rate": 3e-3},
    )
    after = load_file(encoder / "model" / "model.safetensors")

    assert all(torch.equal(before[k], after[k]) for k in before)
    merged = RewardModel.load(folder)
    member = folder / "members" / "seed-0"
    base = AutoModelForSequenceClassification.from_pretrained(encoder / "model", num_labels=1)
    adapted = PeftModel.from_pretrained(base, member / "adapter").eval()
    ids = [merged.encoder.cut_ids(text) for text in ("駅を見る", "ありがとう")]
    assert merged.score_ids(ids) == pytest.approx(
        logits_of(adapted, ids, merged.tokenizer.pad_token_id)[:, 0].tolist(), abs=1e-5
    )
    assert toy.metrics(folder)["pairwise_acc"] > 0.6


def test_a_killed_run_goes_on_to_the_same_weights(run: Run, encoder: Path, tmp_path: Path) -> None:
    release = released(tmp_path, toy.pairs(400, seed=21), 320)
    settings = {"objective": "bt", "checkpoint_every": 7}
    whole = train(run, encoder, release, "whole", **settings)
    killed = tmp_path / "killed" / "whole"
    stop_after(14, run, encoder, release, killed, settings)

    resumed = train(run, encoder, release, "killed/whole", **settings)

    name = "model/model.safetensors"
    assert (resumed / name).read_bytes() == (whole / name).read_bytes()
    assert (resumed / "events.jsonl").read_bytes() == (whole / "events.jsonl").read_bytes()


def stop_after(
    step: int, run: Run, encoder: Path, release: Path, out: Path, settings: dict[str, object]
) -> None:
    """Stop a run as SIGTERM does, after some steps."""
    import os
    import signal

    from prefdata.core.errors import Interrupted
    from prefdata.core.stage import Event
    from prefdata.store.dataset import Dataset
    from prefdata.training.reward_model import TrainRewardModel

    def listen(event: Event) -> None:
        if event.data.get("step") == step:
            os.kill(os.getpid(), signal.SIGTERM)

    tree = {**toy.REWARD, "release": str(release), **settings}
    out.mkdir(parents=True)
    context = context_for(out, listen=listen)
    with pytest.raises(Interrupted, match=f"stopped after step {step}"):
        TrainRewardModel(TrainRewardModel.Config.from_tree(tree), context).run(
            {"base": Dataset(encoder)}, out
        )


def test_a_checkpoint_of_other_settings_is_refused(run: Run, encoder: Path, tmp_path: Path) -> None:
    release = released(tmp_path, toy.pairs(120, seed=21), 90)
    stop_after(2, run, encoder, release, tmp_path / "rm", {"objective": "bt"})

    with pytest.raises(IntegrityError, match="another configuration"):
        train(run, encoder, release, objective="bce")


def test_the_loader_sees_the_text_that_training_saw(reward: Path) -> None:
    import torch

    from prefdata.training.reward import RewardModel
    from prefdata.training.template import render

    loaded = RewardModel.load(reward)
    prompt, answer = (Message("user", "駅に行くには？"),), said("まず説明です。ありがとう")
    text = render(loaded.config.input_template, prompt, answer)
    plain = loaded.tokenizer(text, return_tensors="pt")
    bare = loaded.tokenizer(text, return_tensors="pt", add_special_tokens=False)

    with torch.no_grad():
        direct = float(loaded.model(**_ids(plain)).logits)
        without = float(loaded.model(**_ids(bare)).logits)

    (score,) = loaded.score([prompt], [answer])
    assert score == pytest.approx(direct, abs=1e-5)
    assert abs(score - without) > 1e-3  # special tokens count


def _ids(encoded: object) -> dict[str, object]:
    return {k: encoded[k] for k in ("input_ids", "attention_mask")}  # type: ignore[index]


@pytest.mark.parametrize("what", ["template", "tokenizer", "folder"])
def test_a_reward_directory_that_was_changed_is_refused(
    reward: Path, tmp_path: Path, what: str
) -> None:
    import shutil

    from prefdata.training.reward import RewardModel

    copy = tmp_path / "copy"
    shutil.copytree(reward, copy)
    if what == "template":
        config = json.loads((copy / "reward_config.json").read_text())
        config["input_template"] += "。"
        (copy / "reward_config.json").write_text(json.dumps(config))
    elif what == "tokenizer":
        file = copy / "model" / "tokenizer.json"
        file.write_text(file.read_text() + "\n")
    else:
        (copy / "reward_config.json").unlink()

    with pytest.raises((IntegrityError, InputError), match=r"template|tokenizer|no reward"):
        RewardModel.load(copy)


def test_a_missing_base_and_a_tokenizer_of_another_model_are_explained(
    run: Run, encoder: Path, toy_release: Path, tmp_path: Path
) -> None:
    import shutil

    from prefdata.training.reward_model import TrainRewardModel

    nowhere = {"path": str(tmp_path / "nowhere"), "artifact": "retrieva-jp/bert-1.3b"}
    with pytest.raises(InputError, match="cannot load the model"):
        run(TrainRewardModel, {**toy.REWARD, "release": str(toy_release), "base": nowhere})
    shutil.copytree(encoder, tmp_path / "other")
    file = tmp_path / "other" / "model" / "tokenizer.json"
    tree = json.loads(file.read_text())
    tree["added_tokens"].append({**tree["added_tokens"][0], "id": 9000, "content": "<new>"})
    file.write_text(json.dumps(tree))
    with pytest.raises(ConfigError, match="does not match the model"):
        run(
            TrainRewardModel,
            {**toy.REWARD, "release": str(toy_release)},
            "b",
            {"base": tmp_path / "other"},
        )


def test_own_loss_is_trls(encoder: Path, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl")
    import torch
    from datasets import Dataset
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from prefdata.training.objectives import centering, pair_loss
    from prefdata.training.reward import logits_of

    tokenizer = AutoTokenizer.from_pretrained(encoder / "model")
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(encoder / "model", num_labels=1)
    model.config.pad_token_id = tokenizer.pad_token_id
    rows = toy.pairs(8, seed=3)
    columns = {
        f"{side}_ids": [tokenizer(r[side][0]["content"])["input_ids"] for r in rows]
        for side in ("chosen", "rejected")
    }
    data = Dataset.from_dict({**columns, "margin": [r["margin"] for r in rows]})
    args = trl.RewardConfig(
        output_dir=str(tmp_path),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to="none",
        disable_tqdm=True,
        center_rewards_coefficient=0.01,
        per_device_train_batch_size=8,
    )
    trainer = trl.RewardTrainer(
        model=model, args=args, train_dataset=data, processing_class=tokenizer
    )
    batch = next(iter(trainer.get_train_dataloader()))
    theirs = float(trainer.compute_loss(trainer.model.eval(), batch))

    pad = tokenizer.pad_token_id
    better, worse = (
        logits_of(model.eval(), columns[f"{side}_ids"], pad)[:, 0]
        for side in ("chosen", "rejected")
    )
    weight, margin = torch.full((8,), 1 / 8), torch.tensor([r["margin"] for r in rows])
    ours = pair_loss("bt_margin", better, worse, margin, weight)
    ours = ours + 0.01 * centering(better, worse, weight)
    assert float(ours) == pytest.approx(theirs, abs=1e-6)
