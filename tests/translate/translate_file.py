"""Translate a file of hh-rlhf through a server: FILE CACHE URL. Run and killed by a test."""

from __future__ import annotations

import sys
from pathlib import Path

from prefdata.core.finding import Skip
from prefdata.core.stage import Context
from prefdata.sources.hh_rlhf import HhRlhf
from prefdata.translate.stage import Translate

file, cache, url = sys.argv[1:]
source = HhRlhf(HhRlhf.Config.from_tree({"path": file}), Context())
records = [item for item in source.records() if not isinstance(item, Skip)]
translator = {"use": "server", "model": "m", "base_url": url, "concurrency": 64}
config = Translate.Config.from_tree({"translator": translator, "checks": False})
outcome = Translate(config, Context(cache=Path(cache)))(records)
assert len(outcome.kept) == len(records)
