"""Which files a source reads: local ones by path, folder or glob, or those of a hub revision."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from glob import glob
from hashlib import sha256 as new_sha256
from pathlib import Path, PurePosixPath

from prefdata.core.errors import InputError
from prefdata.core.stage import Context
from prefdata.sources.settings import SourceSettings
from prefdata.store.files import sha256

SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".json.gz", ".parquet")
LOCAL = "local"

# A split is read off a name only where it stands at its beginning: "test.jsonl.gz",
# "train-00000-of-00002.parquet", or a folder of that name; never out of the middle of
# "harmless-base.test.rows-0000.jsonl".
_SPLIT = re.compile(r"^(train|test|validation|valid1|valid2|valid|dev)(?=$|[-._])")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of rows.

    `name` is relative to the data set's root. `revision` is the record's (``local`` or the hub's
    commit), `layer_revision` the one its layers carry (a commit, or ``sha256:…`` of the file).
    `config` is the subset that it belongs to, `split` the source's own split; empty if unknown.
    """

    path: Path
    name: str
    revision: str
    layer_revision: str
    config: str = ""
    split: str = ""


@dataclass(frozen=True)
class Upstream:
    """The files that a source's settings mean.

    `subsets` are the folders that divide the data set, `wanted` those that were asked for (empty:
    all), `refused` those that are never read, each with the reason. `split_by_file` is False where
    the rows, not the files, tell the split.
    """

    config: SourceSettings
    context: Context
    subsets: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    split_by_file: bool = True

    def files(self) -> Iterator[SourceFile]:
        """Yield the files in the order of their names; a hub file is fetched when reached.

        Raises:
            InputError: nothing is there, or no file is of the wanted subset and split.
        """
        return self._of_hub() if self.config.path is None else iter(self._local())

    def layer_revisions(self) -> list[str]:
        """Return the revisions that the records' layers can carry, without reading a row."""
        if self.config.revision is not None:
            return [self.config.revision]
        if self.config.path is None:
            return [self.config.hub_revision or ""]
        return sorted({file.layer_revision for file in self._local()})

    def content_key(self) -> str:
        """Return what decides the rows beside the settings: the files' digests, or the commit."""
        if self.config.path is None:
            return f"{self.config.repo_id}@{self.config.hub_revision}"
        hasher = new_sha256()
        for file in self._local():
            hasher.update(f"{file.name}\0{file_sha256(file.path)}\n".encode())
        return hasher.hexdigest()

    def _local(self) -> list[SourceFile]:
        given = self.context.path(str(self.config.path))
        paths = {given.name: given} if given.is_file() else names_below(given)
        names = self._chosen(sorted(paths), str(given), whole=given.is_file())
        return [self._local_file(paths[name], name) for name in names]

    def _local_file(self, path: Path, name: str) -> SourceFile:
        return SourceFile(
            path=path,
            name=name,
            revision=LOCAL,
            layer_revision=self.config.revision or f"sha256:{file_sha256(path)}",
            config=self._subset(path.absolute().as_posix()) or self._stated_subset(),
            split=split_of(name) or self.config.split or "",
        )

    def _of_hub(self) -> Iterator[SourceFile]:
        from prefdata.sources.hub import fetch, list_files

        repo_id, revision = str(self.config.repo_id), self.config.hub_revision
        if revision is None:
            raise InputError(
                f"no commit of {repo_id} with JSON Lines or Parquet files is known",
                repo_id,
                "give 'revision' (40 hex digits; the hub lists a Parquet export under "
                "refs/convert/parquet), or a local copy with 'path'",
            )
        names = [n for n in list_files(repo_id, revision) if n.endswith(SUFFIXES)]
        for name in self._chosen(names, f"{repo_id}@{revision}"):
            yield SourceFile(
                path=fetch(repo_id, revision, name),
                name=name,
                revision=revision,
                layer_revision=revision,
                config=self._subset(name) or self._stated_subset(),
                split=split_of(name) or self.config.split or "",
            )

    def _chosen(self, names: Sequence[str], where: str, *, whole: bool = False) -> Sequence[str]:
        """Return the names of the wanted subsets and split; one named file is taken whole."""
        if not names:
            raise InputError(
                "the data set has no JSON Lines or Parquet file",
                where,
                "loading scripts are not run; give the commit of a Parquet export (the hub's "
                "refs/convert/parquet), or a local copy with 'path'",
            )
        chosen = self._of_wanted_subsets(names, where)
        if self.config.split and self.split_by_file and not whole:
            chosen = [name for name in chosen if split_of(name) in (self.config.split, "")]
        if not chosen:
            asked = ", ".join([*self.wanted, *([self.config.split] if self.config.split else [])])
            shown = ", ".join(names[:8]) + (" …" if len(names) > 8 else "")
            raise InputError(f"no file is of {asked}", where, f"it has: {shown}")
        return chosen

    def _of_wanted_subsets(self, names: Sequence[str], where: str) -> Sequence[str]:
        allowed = []
        for name in names:
            reason = next((why for part, why in self.refused.items() if part in parts(name)), None)
            if reason is None:
                allowed.append(name)
            elif len(names) == 1:
                raise InputError(reason, where, f"known subsets: {', '.join(self.subsets)}")
        divided = [name for name in allowed if self._subset(name)]
        if not divided:
            return allowed
        return [name for name in divided if not self.wanted or self._subset(name) in self.wanted]

    def _subset(self, name: str) -> str:
        return next((part for part in reversed(parts(name)) if part in self.subsets), "")

    def _stated_subset(self) -> str:
        return self.wanted[0] if len(self.wanted) == 1 else ""


def parts(name: str) -> tuple[str, ...]:
    """Return the folders of a name."""
    return PurePosixPath(name).parts[:-1]


def names_below(given: Path) -> dict[str, Path]:
    """Return the readable files of a folder or glob by their names below its fixed part.

    Raises:
        InputError: there are none.
    """
    if given.is_dir():
        root, found = given, sorted(given.rglob("*"))
    else:
        root = _fixed_part(given)
        found = [Path(name) for name in sorted(glob(str(given), recursive=True))]  # noqa: PTH207
    files = [path for path in found if path.is_file() and path.name.endswith(SUFFIXES)]
    if not files:
        raise InputError(
            "no file with rows is there" if found else "there is no such file or folder",
            str(given),
            f"check 'path'; rows are read from {', '.join(SUFFIXES)}",
        )
    return {path.relative_to(root).as_posix(): path for path in files}


def _fixed_part(pattern: Path) -> Path:
    """Return the folders of a glob before its first wildcard."""
    fixed = next(
        (n for n, part in enumerate(pattern.parts) if re.search(r"[*?\[]", part)),
        len(pattern.parts) - 1,
    )
    return Path(*pattern.parts[:fixed])


def split_of(name: str) -> str:
    """Return the split that a file's name or its folders tell, or an empty string.

    >>> split_of("harmless-base/test.jsonl.gz")
    'test'
    >>> split_of("comparisons/train/0000.parquet")
    'train'
    >>> split_of("harmless-base.test.rows-0000-1799.jsonl.gz")
    ''
    """
    found = (_SPLIT.match(part) for part in reversed(PurePosixPath(name).parts))
    return next((match[1] for match in found if match), "")


def file_sha256(path: Path) -> str:
    """Return a local file's SHA-256, reading it once while it does not change.

    Raises:
        InputError: it cannot be read.
    """
    try:
        state = path.stat()
        return _sha256(str(path), state.st_size, state.st_mtime_ns)
    except OSError as error:
        raise InputError(
            f"cannot read: {error.strerror or error}", str(path), "check the file and its rights"
        ) from error


@lru_cache(maxsize=1024)
def _sha256(path: str, size: int, changed: int) -> str:
    return sha256(Path(path))
