"""Policies on disk: the shipped presets and the user's own; and the policy of a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from prefdata.assets import asset
from prefdata.config.strict_yaml import parse
from prefdata.core.errors import ConfigError, InputError
from prefdata.licensing.fields import refuse_misspelt
from prefdata.licensing.policy import CHOICES, OTHERS, Policy, policy_of

# A case cannot rename its preset, and no value of `on_undisclosed` changes a verdict.
_IGNORED = ("name", "on_undisclosed")


def presets() -> list[str]:
    """Return the names of the shipped policies."""
    return sorted(path.stem for path in (asset("licenses") / "policies").glob("*.yaml"))


@cache
def preset(name: str) -> Policy:
    """Return a shipped policy.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in presets():
        raise ConfigError.unknown("policy", name, presets())
    return read_policy(asset("licenses") / "policies" / f"{name}.yaml")


def find_policy(name: str, base: Path = Path(), user: Path | None = None) -> Policy:
    """Return a policy by its name (shipped or in the user's folder) or by its file.

    Raises:
        ConfigError: there is none, the file is wrong, or it takes a shipped policy's name.
    """
    own = user / "policies" / f"{name}.yaml" if user else None
    files = [path for path in (own, base / name) if path and path.is_file()]
    if name in presets():
        if own in files:
            raise _reserved(name, own)
        return preset(name)
    if not files:
        return preset(name)
    policy = read_policy(files[0])
    if policy.name in presets():
        raise _reserved(policy.name, files[0])
    return policy


def _reserved(name: str, path: Path | None) -> ConfigError:
    return ConfigError(
        f"the name {name!r} is reserved for the shipped policy", str(path), "give yours another"
    )


def read_policy(path: Path) -> Policy:
    """Read a policy file.

    Raises:
        ConfigError: anything is wrong with it.
    """
    try:
        document = parse(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the policy: {error}", str(path)) from error
    try:
        return policy_of(document.tree, Policy(path.stem))
    except InputError as error:
        raise ConfigError(error.what, document.where(()), error.fix) from error


def case_policy(tree: Any) -> Policy:
    """Read the `policy` of a case: a preset and what differs from it.

    The preset's rights and output rules can only be tightened: who wants others, writes a policy.

    Raises:
        InputError: a field is of a wrong type or has an unknown value.
    """
    if not isinstance(tree, Mapping):
        raise InputError(f"policy is {type(tree).__name__}", fix="give an object")
    name = tree.get("preset", tree.get("name"))
    if name not in presets():
        raise InputError(f"unknown preset {name!r}", fix="known: " + ", ".join(presets()))
    known = (*CHOICES, *OTHERS)
    refuse_misspelt(tree, known, "a policy")
    rest = {key: value for key, value in tree.items() if key in known and key not in _IGNORED}
    base = preset(str(name))
    stated = policy_of(rest, base)
    return replace(
        stated,
        commercial=base.commercial or stated.commercial,
        share_alike=base.share_alike and stated.share_alike,
        strict_outputs=base.strict_outputs or stated.strict_outputs,
        output_rules={
            target: tuple(rule for rule in accepted if rule in base.output_rules.get(target, ()))
            for target, accepted in stated.output_rules.items()
        },
    )
