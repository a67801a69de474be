"""Errors: three parts, exit codes of the contract, alive after a trip between processes."""

from __future__ import annotations

import pickle

import pytest

from prefdata.core import errors
from prefdata.core.errors import ConfigError, ConfigErrors, MissingExtra, PrefdataError, nearest

TREE = [
    found
    for found in vars(errors).values()
    if isinstance(found, type) and issubclass(found, PrefdataError) and found is not ConfigErrors
]


@pytest.mark.parametrize("error", TREE)
def test_an_error_survives_the_way_back_from_a_worker(error: type[PrefdataError]) -> None:
    sent = error("it is broken", "file.yaml:3", "mend it")

    back = pickle.loads(pickle.dumps(sent))

    assert (type(back), str(back), back.exit_code) == (error, str(sent), sent.exit_code)


def test_several_mistakes_survive_it_too() -> None:
    back = pickle.loads(pickle.dumps(ConfigErrors([ConfigError("one"), ConfigError("two")])))

    assert [mistake.what for mistake in back.mistakes] == ["one", "two"]


def test_a_message_says_what_where_and_how_to_fix_it() -> None:
    assert str(ConfigError("batch_size is 0", "a.yaml:3", "give a number from 1 up")) == (
        "batch_size is 0\n  where: a.yaml:3\n  fix:   give a number from 1 up"
    )


def test_a_missing_extra_names_the_command_that_brings_it() -> None:
    assert "pip install 'prefdata[vllm]'" in str(
        MissingExtra.needed("vllm", by="the vllm translator", extra="vllm")
    )


def test_the_nearest_known_name_is_offered() -> None:
    assert nearest("fliter", ["filter", "relabel"]).startswith("did you mean 'filter'?")
    assert nearest("zzz", ["filter"]) == "known: filter"
