"""``prefdata doctor``: what this machine can do, and what to install for the rest."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import click

# extra: (module, what it is for)
EXTRAS = {
    "vllm": ("vllm", "translation on this machine's GPU"),
    "ray": ("ray", "--engine ray"),
    "fast": ("numba", "compiled MeCab walk: checks up to a quarter faster"),
    "score": ("sentence_transformers", "embedding and back-translation scorers"),
    "train": ("torch", "reward models and PPO"),
    "trl": ("trl", "DPO and KTO stages"),
    "eval": ("lm_eval", "evaluation stages"),
}
REQUESTS = (160, 375)  # tokens that a request holds: a turn by itself, a turn late in a dialogue


@click.command()
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
@click.option("--bench", is_flag=True, help="Measure the translator's tokens a second.")
@click.option("--pipeline", default="open_preference", show_default=True, help="Whose translator.")
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE", help="Change a setting.")
def doctor(as_json: bool, bench: bool, pipeline: str, overrides: tuple[str, ...]) -> None:
    """Say what this machine can do: cores, memory, GPU, dictionary, extras; what to install.

    Requests at once are those of the pipeline's model in this machine's GPU.

    With --bench the pipeline's translator works on shipped dialogues, and `plan` reckons with
    what it did from then on.

    \b
    Examples:
      prefdata doctor
      prefdata doctor --bench --pipeline my.yaml
    """
    from prefdata.cli.terminal import print_json, print_table

    if bench:
        rows = [*_bench(pipeline, overrides)]
    else:
        rows = [*_machine(), _batch(pipeline, overrides), *_dictionary(), *_extras()]
    if as_json:
        for row in rows:
            print_json(row)
        return
    print_table(
        ["what", "ok", "found", "to do"],
        [(r["what"], r["ok"], r["found"], r["fix"]) for r in rows],
    )


def _row(what: str, ok: bool, found: str, fix: str = "") -> dict[str, Any]:
    return {"what": what, "ok": ok, "found": found, "fix": fix}


def _bench(pipeline: str, overrides: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    from prefdata.pipeline.bench import bench

    speed = bench(pipeline, overrides)
    figures = {
        "output tokens/s": speed.tokens_per_second,
        "requests/s": speed.requests_per_second,
        "requests": speed.requests,
        "seconds": speed.seconds,
    }
    for what, value in figures.items():
        yield _row(what, value > 0, f"{value:,.1f}")


def _machine() -> Iterator[dict[str, Any]]:
    import prefdata

    yield _row("prefdata", True, prefdata.__version__)
    yield _row("Python", True, platform.python_version())
    yield _row("cores", True, str(len(os.sched_getaffinity(0))))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield _row("memory", True, f"{memory:.0f} GiB")
    yield _gpu()


def _gpu() -> dict[str, Any]:
    from prefdata.translate.kv_room import gpus_here

    found = [f"{name}, {memory / 2**30:.0f} GiB" for name, memory in gpus_here()]
    if not found:
        return _row("GPU", False, "none", "use a server: translator: {use: server}")
    return _row("GPU", True, "; ".join(found))


def _batch(pipeline: str, overrides: tuple[str, ...]) -> dict[str, Any]:
    """Say how many requests of two lengths the pipeline's translator runs side by side."""
    from prefdata.pipeline.bench import requests_at_once

    found = [(tokens, requests_at_once(pipeline, tokens, overrides)) for tokens in REQUESTS]
    told = ", ".join(f"{n:,} of {tokens} tokens" for tokens, n in found if n)
    fix = "for another machine: --set stages.translate.translator.gpu_memory_gib=NUMBER"
    return _row("requests at once", bool(told), told or "not known here", "" if told else fix)


def _dictionary() -> Iterator[dict[str, Any]]:
    from prefdata.core.errors import PrefdataError

    try:
        found = f"fugashi {version('fugashi')}, unidic-lite {version('unidic-lite')}"
        from prefdata.text.mecab import analyze

        analyze("辞書を読めるか確かめる。")
        yield _row("MeCab", True, found)
    except (PackageNotFoundError, PrefdataError) as error:
        yield _row("MeCab", False, str(error), "pip install fugashi unidic-lite")


def _extras() -> Iterator[dict[str, Any]]:
    for extra, (module, meaning) in EXTRAS.items():
        if find_spec(module):
            yield _row(f"[{extra}]", True, f"{module} is installed")
            continue
        fix = f"for {meaning}: pip install 'prefdata[{extra}]'"
        yield _row(f"[{extra}]", False, "not installed", fix)
