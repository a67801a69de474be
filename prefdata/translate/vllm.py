"""The translator `vllm`: a model in this process, on this machine's GPU (or CPU).

The engine is never drained: requests are added while others run, so that a child joins as soon as
its parent is durable, and answers leave as they finish.

Settings for calm3-22b-chat on one 80 GB card (a model without grouped KV heads: 1.1 MiB of KV a
token in 16 bits, so room for about 25,000 tokens beside the weights decides the batch, see
`kv_room`)::

    translator:
      use: vllm
      model: cyberagent/calm3-22b-chat
      dtype: bfloat16
      kv_cache_dtype: fp8          # twice the room; compare 500 rows with `auto` first
      max_model_len: 4096
      max_num_batched_tokens: 8192
      gpu_memory_utilization: 0.92
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator

from prefdata.config.settings import RUNTIME
from prefdata.core.errors import ConfigError, MissingExtra
from prefdata.core.stage import Answer, Context, Request
from prefdata.translate import kv_room
from prefdata.translate.chat import ChatModel, ChatSettings, Sampling, prompt_key

# vLLM logs to stdout by default, which belongs to results; it reports usage unless told not to.
_ENVIRONMENT = {
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}
WAITING = 1.5  # requests handed to the engine for each that it can run, so that none waits for us
DEFAULT_SEQS = 128  # requests at once where nothing says how many fit


class Vllm:
    """Asks a chat model through vLLM's engine, continuously.

    Several GPUs: `tensor_parallel_size` splits one model over them. For one model on each (data
    parallel) run with `--engine ray`, an actor a GPU, or serve the model and use the translator
    `server`; vLLM itself refuses `data_parallel_size` above 1 in one process.
    """

    version: ClassVar[int] = 1
    checked: ClassVar[bool] = True

    class Config(ChatSettings):
        """Settings of the translator `vllm`; what is None is left to vLLM."""

        dtype: str = Field(default="auto", description="auto, bfloat16, float16 or float32")
        quantization: str | None = Field(default=None, description="of the weights, such as fp8")
        kv_cache_dtype: str = Field(default="auto", description="auto or fp8 (twice the room)")
        max_model_len: Annotated[int, RUNTIME] = Field(
            default=4096, ge=64, description="most tokens of a request and its answer"
        )
        max_num_seqs: Annotated[int | None, RUNTIME] = Field(
            default=None,
            ge=1,
            description="most requests running at once; default: as many as KV room holds",
        )
        max_num_batched_tokens: Annotated[int | None, RUNTIME] = Field(default=None, ge=64)
        tensor_parallel_size: Annotated[int, RUNTIME] = Field(default=1, ge=1)
        gpu_memory_utilization: Annotated[float, RUNTIME] = Field(default=0.92, gt=0, le=1)
        gpu_memory_gib: Annotated[float | None, RUNTIME] = Field(
            default=None, gt=0, description="memory of one GPU, for `plan` on a machine without"
        )
        kv_cache_memory_bytes: Annotated[int | None, RUNTIME] = Field(
            default=None, ge=1, description="room for KV in bytes, instead of a share of memory"
        )
        enable_prefix_caching: Annotated[bool, RUNTIME] = True
        enforce_eager: Annotated[bool, RUNTIME] = Field(
            default=False, description="no compilation: a faster start, slower decoding"
        )
        ngram_tokens: Annotated[int | None, RUNTIME] = Field(
            default=None,
            ge=1,
            description="speculative decoding by n-gram look-up; helps where much is copied (code)",
        )
        gpus: Annotated[float | None, RUNTIME] = Field(
            default=None,
            ge=0,
            description="GPUs that a worker asks a cluster for; default: tensor_parallel_size",
        )
        engine: Annotated[dict[str, Any], RUNTIME] = Field(
            default={}, description="more arguments of vLLM's engine, by their own names"
        )

        @field_validator("engine")
        @classmethod
        def _no_data_parallel(cls, value: dict[str, Any]) -> dict[str, Any]:
            if value.get("data_parallel_size", 1) != 1:
                raise ValueError(
                    "vLLM refuses data_parallel_size in one process;"
                    " use --engine ray, which puts a model on each GPU"
                )
            return value

    def __init__(self, config: Config, context: Context) -> None:
        self.config, self.context = config, context
        own = (config.dtype, config.quantization, config.kv_cache_dtype)
        decoding = "" if own == ("auto", None, "auto") else json.dumps(own)
        self.model = ChatModel(config, context, decoding=decoding)
        self.layer = self.model.layer
        self.fingerprint = self.model.fingerprint
        self.fingerprint_of = self.model.fingerprint_of
        folder = context.path(config.model)
        self.path = str(folder) if folder.is_dir() else config.model
        self.llm: Any = None
        self._engine: Any = None
        self._tokenizer: Any = None
        self._asked = 0
        self._seqs = config.max_num_seqs or DEFAULT_SEQS

    @staticmethod
    def needs(config: Config) -> tuple[float, float]:
        """Return the CPUs and GPUs of one worker."""
        gpus = config.tensor_parallel_size if config.gpus is None else config.gpus
        return 1.0, float(gpus)

    @staticmethod
    def content_key(config: Config, context: Context) -> str:
        """Return the digest of the prompt."""
        return prompt_key(config, context)

    @staticmethod
    def at_once(config: Config, context: Context, tokens: float) -> int | None:
        """Return how many requests of so many tokens run at once, None if nothing tells."""
        if config.max_num_seqs:
            return config.max_num_seqs
        room = kv_room.room_of(config, context.path(config.model))
        return None if room is None else kv_room.requests_that_fit(room, tokens)

    def expect(self, tokens: float) -> None:
        """Choose the batch for requests of so many tokens, unless the model is loaded already."""
        if self._engine is None:
            self._seqs = self.at_once(self.config, self.context, tokens) or DEFAULT_SEQS

    def translate(self, requests: Iterable[Request | None]) -> Iterator[Answer | None]:
        """Keep the engine full; yield answers as they finish.

        The model is loaded for the first request: with none, a memory alone makes the release,
        and neither GPU nor vLLM need be there.
        """
        rest = iter(requests)
        keys: dict[str, str] = {}
        most = max(1, int(self._seqs * WAITING))
        while True:
            yield from self._fill(rest, keys, most)
            if not keys:
                return
            for output in self._engine.step():
                if output.finished:
                    yield _answer(keys.pop(output.request_id), output)
            yield None

    def _fill(
        self, rest: Iterator[Request | None], keys: dict[str, str], most: int
    ) -> Iterator[Answer]:
        """Hand requests over while there is room; those that cannot fit are answered at once."""
        while len(keys) < most:
            request = next(rest, None)
            if request is None:
                return
            tokens = self.tokens(request)
            sampling = self.model.sampling(request)
            if len(tokens) + sampling.max_tokens > self.config.max_model_len:
                yield Answer(
                    request.key, None, "too_long", len(tokens),
                    detail=f"{len(tokens)} tokens and room for {sampling.max_tokens} exceed"
                    f" max_model_len {self.config.max_model_len}",
                )  # fmt: skip
                continue
            self._asked += 1
            name = f"{self._asked}-{request.key}"
            self._engine.add_request(name, {"prompt_token_ids": tokens}, _parameters(sampling))
            keys[name] = request.key

    def tokens(self, request: Request) -> list[int]:
        """Return the tokens of a request through the model's own chat template."""
        self._load()
        text = self._tokenizer.apply_chat_template(
            self.model.chat(request), tokenize=False, add_generation_prompt=True
        )
        tokens: list[int] = self._tokenizer.encode(text, add_special_tokens=False)
        return tokens

    def _load(self) -> None:
        """Load the model when it is first needed."""
        if self._engine is not None:
            return
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        try:
            from vllm import LLM
        except ImportError as error:
            raise MissingExtra.needed("vllm", by="the translator 'vllm'", extra="vllm") from error
        try:
            llm = LLM(**self.arguments())
        except (ValueError, OSError, RuntimeError, TypeError) as error:
            raise ConfigError(
                f"vLLM cannot load the model: {str(error).strip().splitlines()[0]}",
                self.path,
                "see the log above; `prefdata doctor` says what this machine has",
            ) from error
        self.llm = llm
        self._engine = llm.llm_engine
        self._tokenizer = llm.get_tokenizer()
        if not getattr(self._tokenizer, "chat_template", None):
            raise ConfigError(
                "the model has no chat template", self.path, "use a chat or instruct model"
            )

    def arguments(self) -> dict[str, Any]:
        """Return what vLLM's `LLM` is built with."""
        config = self.config
        arguments: dict[str, Any] = {
            "model": self.path,
            "revision": config.revision or None,
            "dtype": config.dtype,
            "quantization": config.quantization,
            "kv_cache_dtype": config.kv_cache_dtype,
            "max_model_len": config.max_model_len,
            "max_num_seqs": self._seqs,
            "tensor_parallel_size": config.tensor_parallel_size,
            "gpu_memory_utilization": config.gpu_memory_utilization,
            "enable_prefix_caching": config.enable_prefix_caching,
            "enforce_eager": config.enforce_eager,
            "seed": config.seed,
        }
        for name in ("kv_cache_memory_bytes", "max_num_batched_tokens"):
            if getattr(config, name) is not None:
                arguments[name] = getattr(config, name)
        if config.ngram_tokens:
            arguments["speculative_config"] = {
                "method": "ngram",
                "num_speculative_tokens": config.ngram_tokens,
                "prompt_lookup_max": 4,
            }
        return {**arguments, **config.engine}


def _parameters(sampling: Sampling) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        max_tokens=sampling.max_tokens,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        seed=sampling.seed,
        frequency_penalty=sampling.frequency_penalty,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def _answer(key: str, output: Any) -> Answer:
    made = output.outputs[0]
    return Answer(
        key,
        made.text,
        made.finish_reason or "stop",
        len(output.prompt_token_ids or ()),
        len(made.token_ids),
    )
