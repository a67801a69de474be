"""How a prompt and a completion become the one text that a reward model reads."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Any

from prefdata.core.errors import ConfigError
from prefdata.core.records import Conversation

# As the view `labels` of a release writes it: a marker before each turn, a blank line between.
DEFAULT = (
    "{% for m in prompt + completion %}{{ m.role }}: {{ m.content }}"
    "{% if not loop.last %}\n\n{% endif %}{% endfor %}"
)

# The answer alone: what a prompt-blind model sees.
COMPLETION_ONLY = "{% for m in completion %}{{ m.content }}{% endfor %}"


def render(template: str, prompt: Conversation, completion: Conversation) -> str:
    """Return the text of one completion; roles, contents and their order decide it.

    Raises:
        ConfigError: the template is not Jinja, or names something that is not there.
    """
    from jinja2 import TemplateError

    try:
        return str(_compiled(template).render(prompt=_plain(prompt), completion=_plain(completion)))
    except TemplateError as error:
        raise ConfigError(
            f"the input template does not work: {error}",
            fix="it is Jinja over the lists 'prompt' and 'completion' of role and content",
        ) from error


def digest_of(template: str) -> str:
    """Return the template's SHA-256, which a reward model's directory states."""
    return sha256(template.encode("utf-8")).hexdigest()


@lru_cache(maxsize=8)
def _compiled(template: str) -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # Sandboxed: a reward model's directory may come from somebody else.
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    return environment.from_string(template)


def _plain(conversation: Conversation) -> list[dict[str, str]]:
    return [{"role": m.role, "content": m.content} for m in conversation]
