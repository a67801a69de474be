"""A source that needs no file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prefdata.config.settings import Settings
from prefdata.core.finding import Skip
from prefdata.core.origin import Layer, Origin
from prefdata.core.records import (
    Completion,
    Message,
    Preference,
    digest,
    group_of,
    pair_key,
    record_id,
)
from prefdata.core.stage import Context

TOWNS = ["小樽", "函館", "松本", "倉敷", "尾道", "萩"]


class TwoTowns:
    """Asks which way a town lies; one row of it is no use."""

    version = 1
    source = "prefdata/quickstart"

    class Config(Settings):
        """How many towns."""

        towns: int = 4

    def __init__(self, config: Config, context: Context) -> None:
        self.towns = TOWNS[: config.towns]

    def layers(self) -> Sequence[tuple[Layer, ...]]:
        """Return the one combination of layers."""
        return [tuple(Layer(r, self.source) for r in ("source_text", "response", "label"))]

    def records(self) -> Iterator[Preference | Skip]:
        """Yield a record a town."""
        yield Skip("0", "source_no_prompt", "the first row is empty")
        for row, town in enumerate(self.towns, 1):
            prompt = (Message("user", f"{town}へはどう行けばいいですか。"),)
            key = pair_key(self.source, "local", str(row))
            yield Preference(
                id=record_id(key, "ja"),
                pair_key=key,
                kind="pair",
                prompt=prompt,
                completions=(
                    Completion((Message("assistant", f"{town}駅まで電車で行けます。"),), 1),
                    Completion((Message("assistant", "さあ、どうでしょう！"),), 2),
                ),
                lang="ja",
                group=group_of(prompt),
                origin=Origin(
                    self.source, "native", "local", str(row), digest(town), self.layers()[0]
                ),
            )
