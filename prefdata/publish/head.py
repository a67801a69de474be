"""The YAML head of the card: what the hub and `load_dataset` read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from prefdata.publish.views import LABELS, PAIRS, PAIRS_WITH_MARGIN, RANKINGS, SFT, UNPAIRED

_SCHEMAS = {
    "pairs": PAIRS,
    "unpaired": UNPAIRED,
    "labels": LABELS,
    "rankings": RANKINGS,
    "sft": SFT,
}
_NAMES = {"double": "float64", "float": "float32"}
_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"),
          (10**7, "1M<n<10M"))  # fmt: skip


def schema_of(config: str, manifest: Mapping[str, Any]) -> pa.Schema:
    """Return the columns of a config of this release."""
    if config == "pairs" and manifest["settings"]["margin"]:
        return PAIRS_WITH_MARGIN
    return _SCHEMAS[config]


def cite_as(manifest: Mapping[str, Any]) -> str:
    """Return how to cite the release: name, date, address if known, build."""
    settings, pipeline = manifest["settings"], manifest["pipeline"]
    hub = settings["repo_id"] and f"https://huggingface.co/datasets/{settings['repo_id']}"
    built = f"built with prefdata {manifest['prefdata']}, {manifest['key']}"
    parts = (settings["title"] or pipeline["name"], pipeline["released"], hub, built)
    return ", ".join(str(part) for part in parts if part)


def head_of(manifest: Mapping[str, Any], title: str, license_fields: Mapping[str, str]) -> Any:
    """Return the YAML head as a tree: license, language, configs with files, features, sizes."""
    rows = manifest["counts"]["rows"]
    total = sum(rows.get("pairs", {}).values())
    return {
        **license_fields,
        "language": list(manifest["settings"]["languages"]),
        "pretty_name": title,
        "size_categories": [next((name for top, name in _SIZES if total < top), "n>10M")],
        "task_categories": ["text-classification", "reinforcement-learning"],
        "tags": ["preference", "reward-model", "rlhf", "dpo", "japanese", "prefdata"],
        "configs": [
            {
                "config_name": config,
                **({"default": True} if config == "pairs" else {}),
                "data_files": [
                    {"split": split, "path": f"{config}/{split}-*.parquet"} for split in splits
                ],
            }
            for config, splits in rows.items()
        ],
        "dataset_info": [_info(config, manifest) for config in rows],
    }


def _info(config: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
    files = [file for file in manifest["data"] if file["config"] == config]
    return {
        "config_name": config,
        "features": [feature(f.name, f.type) for f in schema_of(config, manifest)],
        "splits": [
            {
                "name": split,
                "num_bytes": sum(f["memory"] for f in files if f["split"] == split),
                "num_examples": n,
            }
            for split, n in manifest["counts"]["rows"][config].items()
        ],
        "download_size": sum(file["bytes"] for file in files),
        "dataset_size": sum(file["memory"] for file in files),
    }


def feature(name: str, kind: Any) -> dict[str, Any]:
    """Return a column as `datasets` writes it into a card.

    >>> import pyarrow as pa
    >>> feature("reasons_flagged", pa.list_(pa.string()))
    {'name': 'reasons_flagged', 'list': 'string'}
    """
    return {"name": name, **_kind(kind)}


def _kind(kind: Any) -> dict[str, Any]:
    if pa.types.is_list(kind):
        inner = _kind(kind.value_type)
        return {"list": inner.get("dtype", inner.get("struct", inner))}
    if pa.types.is_struct(kind):
        return {"struct": [feature(field.name, field.type) for field in kind]}
    return {"dtype": _NAMES.get(str(kind), str(kind))}
