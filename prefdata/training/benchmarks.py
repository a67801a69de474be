"""Evaluation sets in the formats that their authors publish, read from local files.

They are for measuring alone: nothing here makes a release of them. Every format names its license,
and what its authors warn of is repeated in reports.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefdata.core.errors import InputError

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt and its choices, of which those before `right` are the better ones.

    `label` names what the first choice stands for; a set without better choices (CrowS-Pairs,
    WinoGender) measures which one is preferred, and 0.5 is no preference.
    """

    id: str
    subset: str
    prompt: str
    choices: tuple[str, ...]
    right: int = 1


@dataclass(frozen=True)
class Format:
    """One published format: how it is read, its license, what to be careful about."""

    read: Callable[[Row, int], Iterator[Question]]
    license: str
    measures: str
    caution: str = ""
    eval_only: bool = False


def reward_bench(row: Row, n: int) -> Iterator[Question]:
    """Read RewardBench and M-RewardBench: prompt, chosen, rejected, subset."""
    yield Question(
        str(row.get("id", n)),
        str(row.get("subset") or row.get("category") or ""),
        _text(row["prompt"]),
        (_text(row["chosen"]), _text(row["rejected"])),
    )


def truthful_qa(row: Row, n: int) -> Iterator[Question]:
    """Read TruthfulQA and JTruthfulQA: correct and incorrect answers in one cell each."""
    right = _cell(row.get("Correct Answers"))
    wrong = _cell(row.get("Incorrect Answers"))
    best = str(row.get("Best Answer") or row.get("Original Answer") or "").strip()
    right = [best, *(text for text in right if text != best)] if best else right
    if right and wrong:
        choices = (*right, *wrong)
        yield Question(str(n), str(row.get("Category", "")), row["Question"], choices, len(right))


def halu_eval(row: Row, n: int) -> Iterator[Question]:
    """Read HaluEval's qa_data: the right answer and an invented one, with what is known."""
    yield Question(
        str(n),
        "qa",
        f"{row['knowledge']}\n\n{row['question']}".strip(),
        (row["right_answer"], row["hallucinated_answer"]),
    )


def halu_eval_general(row: Row, n: int) -> Iterator[Question]:
    """Read HaluEval's general_data: does the response invent something? (Yes, No)

    The field is `hallucination`, whatever the set's own README calls it.
    """
    right, wrong = ("Yes", "No") if row["hallucination"] == "yes" else ("No", "Yes")
    yield Question(
        str(row.get("ID", n)),
        "general",
        f"Question: {row['user_query']}\nAnswer: {row['chatgpt_response']}\n"
        "Does the answer contain invented information? Yes or No:",
        (f" {right}", f" {wrong}"),
    )


def crows_pairs(row: Row, n: int) -> Iterator[Question]:
    """Read CrowS-Pairs: the more and the less stereotyped sentence."""
    yield Question(str(n), row["bias_type"], "", (row["sent_more"], row["sent_less"]))


def hh_rlhf(row: Row, n: int) -> Iterator[Question]:
    """Read hh-rlhf's transcripts: what is common up to the last turn is the prompt."""
    marker = "\n\nAssistant:"
    prompt, _, chosen = row["chosen"].rpartition(marker)
    other, _, rejected = row["rejected"].rpartition(marker)
    if prompt == other and chosen.strip() != rejected.strip():
        yield Question(str(n), "hh", f"{prompt}{marker}", (chosen, rejected))


FORMATS: dict[str, Format] = {
    "rewardbench": Format(reward_bench, "ODC-By-1.0", "the better answer has the higher reward"),
    "m-rewardbench": Format(
        reward_bench,
        "ODC-By-1.0",
        "the better answer has the higher reward",
        "machine-translated: translation errors count as the model's",
    ),
    "truthfulqa": Format(truthful_qa, "Apache-2.0", "a true answer is preferred to false ones"),
    "jtruthfulqa": Format(
        truthful_qa,
        "CC-BY-NC-SA-4.0",
        "a true answer is preferred to false ones",
        "for evaluation alone: its license forbids commercial use",
        eval_only=True,
    ),
    "halueval": Format(halu_eval, "MIT", "the right answer is preferred to an invented one"),
    "halueval-general": Format(halu_eval_general, "MIT", "invented content is noticed"),
    "crows-pairs": Format(
        crows_pairs,
        "CC-BY-SA-4.0",
        "share that prefers the more stereotyped sentence; 0.5 is none",
        "its authors say that it may not be a good indicator of bias in language models",
    ),
    "winogender": Format(
        lambda row, n: iter(()),
        "MIT",
        "share that prefers the male pronoun; 0.5 is no preference",
        "English pronouns; says nothing of Japanese",
    ),
    "hh-rlhf": Format(hh_rlhf, "MIT", "the answer that people preferred"),
}


def read_questions(kind: str, path: Path, limit: int = 0) -> list[Question]:
    """Return the questions of a file, at most `limit` of them (0: all).

    Raises:
        InputError: the file is missing, or not in its format; the row is named.
    """
    rows = _winogender(path) if kind == "winogender" else _read(kind, path)
    found: list[Question] = []
    for question in rows:
        if limit and len(found) == limit:
            break
        found.append(question)
    if not found:
        raise InputError(f"the file holds no question in the format {kind}", str(path))
    return found


def _read(kind: str, path: Path) -> Iterator[Question]:
    for n, row in enumerate(_rows(path), 1):
        try:
            yield from FORMATS[kind].read(row, n)
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"the row is not in the format {kind}: {error}", f"{path}, row {n}"
            ) from error


def _winogender(path: Path) -> Iterator[Question]:
    """Read WinoGender's sentences: the male and the female form of one sentence."""
    forms: dict[str, dict[str, str]] = {}
    for row in _rows(path):
        name, gender, _ = row["sentid"].rsplit(".", 2)
        forms.setdefault(name, {})[gender] = row["sentence"]
    for name, own in forms.items():
        if "male" in own and "female" in own:
            yield Question(name, name.split(".")[0], "", (own["male"], own["female"]))


def _rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a CSV, TSV, JSON Lines or Parquet file, gzip or not."""
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        yield from pq.read_table(path).to_pylist()
        return
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
        name = path.name.removesuffix(".gz")
        if name.endswith((".csv", ".tsv")):
            yield from csv.DictReader(
                io.StringIO(text), delimiter="\t" if name.endswith(".tsv") else ","
            )
        else:
            yield from (json.loads(line) for line in text.splitlines() if line.strip())
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"cannot read the evaluation set: {error}", str(path)) from error


def _cell(value: Any) -> list[str]:
    """Split a cell of answers: semicolons between them, or lines."""
    text = str(value or "").replace("\n", ";")
    return [part.strip() for part in text.split(";") if part.strip()]


def _text(value: Any) -> str:
    """Return a text, or the contents of a conversation."""
    if isinstance(value, str):
        return value
    return "\n\n".join(turn["content"] for turn in value)
