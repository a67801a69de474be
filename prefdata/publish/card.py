"""The dataset card: a YAML head that the hub reads, then what people read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from prefdata.publish.views import LABELS, PAIRS, PAIRS_WITH_MARGIN, RANKINGS, SFT, UNPAIRED
from prefdata.store.files import write_text

SCHEMAS = {"pairs": PAIRS, "unpaired": UNPAIRED, "labels": LABELS, "rankings": RANKINGS, "sft": SFT}


def write_card(out: Path, manifest: dict[str, Any]) -> None:
    """Write ``README.md``."""
    head = yaml.safe_dump(head_of(manifest), allow_unicode=True, sort_keys=False)
    write_text(out / "README.md", f"---\n{head}---\n\n# {manifest['pipeline']}\n")


def head_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the YAML head: configs with their files, and their features and sizes."""
    rows = manifest["counts"]["rows"]
    return {
        "language": manifest["settings"]["languages"],
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


def _info(config: str, manifest: dict[str, Any]) -> dict[str, Any]:
    schema = (
        PAIRS_WITH_MARGIN
        if config == "pairs" and manifest["settings"]["margin"]
        else SCHEMAS[config]
    )
    files = [file for file in manifest["data"] if file["config"] == config]
    return {
        "config_name": config,
        "features": [feature(field.name, field.type) for field in schema],
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


_NAMES = {"double": "float64", "float": "float32"}


def _kind(kind: Any) -> dict[str, Any]:
    if hasattr(kind, "value_type"):
        inner = _kind(kind.value_type)
        return {"list": inner.get("dtype", inner.get("struct", inner))}
    if hasattr(kind, "num_fields") and kind.num_fields:
        return {"struct": [feature(field.name, field.type) for field in kind]}
    return {"dtype": _NAMES.get(str(kind), str(kind))}
