"""A model's README: Japanese, then English, written from its JSON files and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

from prefdata import __version__
from prefdata.core.stage import Context
from prefdata.store.files import read_json, write_text
from prefdata.training import licenses
from prefdata.training.artifact import METRICS, parent
from prefdata.training.settings import BaseModelSettings

Kind: TypeAlias = Literal["reward model", "policy"]
_TEMPLATES = Path(__file__).parent / "templates"

_KIND_JA = {"reward model": "報酬モデル", "policy": "言語モデル (方策)"}
_TAG = {"reward model": "reward-model", "policy": "rlhf"}

# What a card shows, in this order: the metric, in Japanese, in English.
_ROWS = (
    ("pairwise_acc", "ペア正解率", "pairwise accuracy"),
    ("pairwise_acc_low", "　95 % 区間 (下)", "  95 % interval, low"),
    ("pairwise_acc_high", "　95 % 区間 (上)", "  95 % interval, high"),
    ("n", "ペア数", "pairs"),
    ("auc", "AUC", "AUC"),
    ("f1", "F1 (0 を境に)", "F1 at 0"),
    ("ece", "ECE", "ECE"),
    ("ece_after_temperature", "ECE (温度補正後)", "ECE after temperature"),
    ("temperature", "温度", "temperature"),
    ("acc_chosen_longer", "正解率 (chosen が長い)", "accuracy, chosen is longer"),
    ("acc_chosen_shorter", "正解率 (chosen が短い)", "accuracy, chosen is shorter"),
    ("prompt_blind_acc", "正解率 (プロンプトなし)", "accuracy without the prompt"),
    ("val_test_gap", "検証とテストの差", "validation less test"),
    ("best_of_k_acc", "最良を当てた割合", "best of k"),
    ("kendall_tau", "ケンドールの τ", "Kendall's tau"),
    ("n_truncated", "切り詰めた文の数", "texts truncated"),
    ("n_dropped", "除いた行の数", "rows dropped by length"),
    ("score", "報酬", "reward"),
    ("kl", "KL (応答あたり)", "KL for a response"),
    ("repetition", "繰り返しの割合", "repetition"),
    ("distinct", "異なる出力の割合", "distinct outputs"),
    ("length", "長さ (トークン)", "length in tokens"),
    ("lm_loss_delta", "言語モデル損失の増加", "rise of the language-model loss"),
    ("steps", "ステップ数", "steps"),
)

_USAGE = {
    "reward model": (
        "from pathlib import Path\n"
        "from prefdata.core.records import Message\n"
        "from prefdata.training.reward import RewardModel\n\n"
        'reward = RewardModel.load(Path("."))\n'
        'prompt = (Message("user", "今日の天気は？"),)\n'
        'reward.score([prompt], [(Message("assistant", "晴れです。"),)])'
    ),
    "policy": (
        "from transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
        'model = AutoModelForCausalLM.from_pretrained("model")\n'
        'tokenizer = AutoTokenizer.from_pretrained("model")'
    ),
}


def write_card(
    out: Path,
    kind: Kind,
    base: BaseModelSettings | None,
    context: Context,
    use: str,
    parents: Mapping[str, Path],
) -> None:
    """Write ``README.md`` from ``metrics.json`` and ``licenses.json``."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    measured = read_json(out / METRICS)
    found = read_json(out / licenses.FILE)
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["short"] = short
    text = environment.get_template("model_card.md.jinja").render(
        name=f"{context.pipeline or 'prefdata'} {context.step}".strip(),
        kind=kind,
        kind_ja=_KIND_JA[kind],
        head=head(kind, base, found),
        use=use,
        version=__version__,
        passed=measured["passed"],
        checks=measured["checks"],
        table_ja=table(measured["metrics"], 1),
        table_en=table(measured["metrics"], 2),
        plots=(out / "plots" / "reliability.png").is_file(),
        usage=_USAGE[kind],
        licenses=found,
        decisions=found["decisions"],
        made_from=[made_from(name, path) for name, path in sorted(parents.items())],
        environment=", ".join(f"{k} {v}" for k, v in measured["environment"].items() if v),
    )
    write_text(out / "README.md", text)


def head(kind: Kind, base: BaseModelSettings | None, found: Mapping[str, Any]) -> str:
    """Return the YAML head of a card, as the hub reads it."""
    import yaml

    tree: dict[str, Any] = {"language": "ja", "library_name": "transformers"}
    tree["license"] = found["hub_license"]
    if found["hub_license"] == "other":
        tree |= {"license_name": "mixed", "license_link": "licenses.json"}
    if base is not None and base.artifact:
        tree["base_model"] = base.artifact
    tree["tags"] = ["prefdata", _TAG[kind]]
    return str(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False))


def made_from(name: str, path: Path) -> str:
    """Return one line on an input: its folder's name and a digest."""
    known = parent(path)
    digest = f" ({known['file']}, sha256 `{known['sha256'][:16]}…`)" if "sha256" in known else ""
    return f"`{name}`: {known['name']}{digest}"


def table(metrics: Mapping[str, Any], language: int) -> str:
    """Return the metrics that are there as a Markdown table."""
    rows = [row for row in _ROWS if metrics.get(row[0]) is not None]
    head = ("", "指標", "metric")[language], ("", "値", "value")[language]
    lines = [f"| {head[0]} | {head[1]} |", "|---|---|"]
    lines += [f"| {row[language]} | {short(metrics[row[0]])} |" for row in rows]
    for name in ("per_source", "per_lang", "per_origin"):
        for key, own in metrics.get(name, {}).items():
            if not key:
                continue
            lines.append(f"| {rows[0][language]}: {key} | {short(own['pairwise_acc'])} |")
    return "\n".join(lines)


def short(value: float | None) -> str:
    """Return a number as a card shows it."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
