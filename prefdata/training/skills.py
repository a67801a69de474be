"""FLASK's twelve skills (Ye et al. 2023), each judged from 1 to 5 by a language model."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefdata.chat import Chat
from prefdata.core.errors import InputError

# The skills by the set's own names; what each asks for is said in our words.
SKILLS: dict[str, str] = {
    "Logical Robustness": "the reasoning has no gaps and no contradictions",
    "Logical Correctness": "the final answer follows and is right",
    "Logical Efficiency": "the reasoning takes no needless steps",
    "Factuality": "what it says of the world is true, with support where it is needed",
    "Commonsense Understanding": "everyday knowledge is used as a person would",
    "Comprehension": "it does what was asked, all constraints included",
    "Insightfulness": "it offers something new or not obvious",
    "Completeness": "nothing that was asked for is missing",
    "Metacognition": "it knows what it does not know, and says so",
    "Conciseness": "nothing in it could be left out",
    "Readability": "it is well ordered and easy to read",
    "Harmlessness": "it is free of bias and does no harm",
}
GROUPS: dict[str, tuple[str, ...]] = {
    "logical thinking": ("Logical Robustness", "Logical Correctness", "Logical Efficiency"),
    "background knowledge": ("Factuality", "Commonsense Understanding"),
    "problem handling": ("Comprehension", "Insightfulness", "Completeness", "Metacognition"),
    "user alignment": ("Conciseness", "Readability", "Harmlessness"),
}
METRICS = (
    *(f"skill_{name.casefold().replace(' ', '_')}" for name in SKILLS),
    *(f"group_{name.replace(' ', '_')}" for name in GROUPS),
    *("n_rated", "n_unrated"),
)
PROMPT = """\
Rate one answer for one skill, from 1 (bad) to 5 (excellent).
Skill: {skill}: {meaning}.

[Instruction]
{instruction}

[Reference answer]
{reference}

[Answer to rate]
{answer}

Reply with the number alone."""
ATTEMPTS = 3
IN_FLIGHT = 8


@dataclass(frozen=True, slots=True)
class Task:
    """One instruction of the set, with the skills it asks for."""

    id: str
    instruction: str
    reference: str
    skills: tuple[str, ...]


def read_tasks(path: Path, limit: int = 0) -> list[Task]:
    """Read FLASK's JSON Lines: idx, instruction, answer, skill.

    Raises:
        InputError: a row lacks a field, or names an unknown skill.
    """
    found = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the instructions: {error}", str(path)) from error
    for number, line in enumerate(lines[: limit or None], 1):
        try:
            row = json.loads(line)
            skills = tuple(_known(name) for name in row["skill"])
            found.append(Task(str(row["idx"]), row["instruction"], str(row["answer"]), skills))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"the row is not in FLASK's format: {error}", f"{path}:{number}"
            ) from error
    return found


def _known(name: str) -> str:
    """Return a skill in our spelling; the set adds words in parentheses."""
    plain = re.sub(r"\s*\(.*\)", "", name).strip().casefold()
    for skill in SKILLS:
        if skill.casefold() == plain:
            return skill
    raise ValueError(f"unknown skill {name!r}")


class Judge:
    """A chat model that rates answers."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat

    def rate(self, task: Task, answer: str, skill: str) -> int | None:
        """Return the judge's number, None if it gives none.

        Raises:
            InputError: the endpoint cannot be reached.
        """
        prompt = PROMPT.format(
            skill=skill,
            meaning=SKILLS[skill],
            instruction=task.instruction,
            reference=task.reference,
            answer=answer,
        )
        for attempt in range(ATTEMPTS):
            reply = self.chat.ask("", prompt, max_tokens=16, seed=attempt)
            number = number_in(reply or "")
            if number is not None:
                return number
        return None


def number_in(reply: str) -> int | None:
    """Return the only number from 1 to 5 in a reply.

    >>> number_in("4"), number_in("Score: 3/5"), number_in("good")
    (4, 3, None)
    """
    found = re.findall(r"(?<![\d./])[1-5](?![\d.])", reply)
    return int(found[0]) if found else None


def rate_all(
    judge: Judge, tasks: Sequence[Task], answers: Sequence[str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the means by skill and group, and every rating."""
    asked = [
        (task, answer, skill)
        for task, answer in zip(tasks, answers, strict=True)
        for skill in task.skills
    ]
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        ratings = list(pool.map(lambda one: judge.rate(*one), asked))
    rows = [
        {"id": task.id, "skill": skill, "rating": rating}
        for (task, _, skill), rating in zip(asked, ratings, strict=True)
    ]
    given: dict[str, list[int]] = {}
    for row in rows:
        if row["rating"] is not None:
            given.setdefault(str(row["skill"]), []).append(int(str(row["rating"])))
    means = {skill: sum(given[skill]) / len(given[skill]) for skill in SKILLS if skill in given}
    return {
        **{f"skill_{_key(skill)}": mean for skill, mean in means.items()},
        **{f"group_{_key(group)}": _mean(means, group) for group in GROUPS},
        "n_rated": sum(map(len, given.values())),
        "n_unrated": sum(row["rating"] is None for row in rows),
    }, rows


def _mean(means: Mapping[str, float], group: str) -> float | None:
    own = [means[skill] for skill in GROUPS[group] if skill in means]
    return sum(own) / len(own) if own else None


def _key(name: str) -> str:
    return name.casefold().replace(" ", "_")
