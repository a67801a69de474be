"""A package to the hub, in commits that a second run of the same command goes on from."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from prefdata.core.errors import InputError, UsageError
from prefdata.publish.package import Package
from prefdata.store.dataset import MANIFEST

COMMIT_FILES = 50
COMMIT_BYTES = 5 * 10**9  # about what one commit can carry before it times out
OURS = (".gitattributes", "README.md", MANIFEST)
README = "README.md"


@dataclass(frozen=True)
class Pushed:
    """Where a package lies now: its address, the commit, the tag, how many files were sent."""

    url: str
    private: bool
    commit: str
    tag: str
    sent: int
    deleted: int


def push(
    package: Package,
    repo_id: str,
    *,
    public: bool = False,
    revision: str = "main",
    listen: Callable[[str], None] = lambda text: None,
) -> Pushed:
    """Create the repository if need be, upload what it lacks, tag the version.

    The manifest goes first and the card last: until everything is there, the card points to
    nothing new. A repository that is public stays so; one that is private is opened by `public`
    when everything is there. The token is the environment's ``HF_TOKEN`` or the hub's own login.

    Raises:
        UsageError: no token, no right to write, or the name is taken by something else.
        InputError: the hub cannot be reached, or gave up; the same command goes on.
    """
    hub = _client()
    with _told(hub, repo_id):
        api = hub.HfApi()
        if not hub.get_token():
            raise UsageError(
                "there is no hub token", fix="set HF_TOKEN, or log in with 'hf auth login'"
            )
        url = api.create_repo(repo_id, repo_type=package.kind, private=not public, exist_ok=True)
        name = str(url.repo_id)
        if revision != "main":
            api.create_branch(name, branch=revision, repo_type=package.kind, exist_ok=True)
        sent, deleted = _bring_up_to_date(hub, api, package, name, revision, listen)
        info = api.repo_info(name, repo_type=package.kind, revision=revision)
        if public and info.private:
            api.update_repo_settings(name, repo_type=package.kind, private=False)
        api.create_tag(
            name, tag=package.tag, repo_type=package.kind, revision=info.sha, exist_ok=True
        )
    private = bool(info.private) and not public
    return Pushed(str(url), private, info.sha, package.tag, sent, deleted)


def _bring_up_to_date(
    hub: Any,
    api: Any,
    package: Package,
    repo_id: str,
    revision: str,
    listen: Callable[[str], None],
) -> tuple[int, int]:
    """Commit what the branch lacks, then what it has too much; return both numbers of files."""
    there = _there(api, package, repo_id, revision)
    missing = [name for name in package.files if not _is_there(there.get(name), package, name)]
    for names in _commits(package, missing):
        listen(f"{len(names)} files, {names[0]} …")
        _commit(hub, api, package, repo_id, revision, add=names)
    gone = sorted(set(there) - set(package.files) - {".gitattributes"})
    if gone:
        _commit(hub, api, package, repo_id, revision, delete=gone)
    return len(missing), len(gone)


def _client() -> Any:  # the package has no stable types for its lazy names
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    import huggingface_hub
    import huggingface_hub.errors

    return huggingface_hub


def _there(api: Any, package: Package, repo_id: str, revision: str) -> dict[str, Any]:
    """Return what the repository holds, by name.

    Raises:
        UsageError: it holds something that is no package of prefdata.
    """
    tree = api.list_repo_tree(repo_id, repo_type=package.kind, revision=revision, recursive=True)
    found = {entry.path: entry for entry in tree if hasattr(entry, "blob_id")}
    foreign = [name for name in found if name not in OURS]
    if foreign and MANIFEST not in found:
        raise UsageError(
            f"the name {repo_id} is taken by a {package.kind} that prefdata did not make "
            f"({len(foreign)} files, {foreign[0]} …)",
            fix="push to another name",
        )
    return found


def _is_there(entry: Any, package: Package, name: str) -> bool:
    """Tell whether the repository has the very file: large ones by SHA-256, others as git does."""
    if entry is None:
        return False
    if entry.lfs:
        return bool(entry.lfs.sha256 == package.digests[name])
    content = (package.folder / name).read_bytes()
    git = sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
    return bool(entry.blob_id == git.hexdigest())


def _commits(package: Package, missing: list[str]) -> Iterator[list[str]]:
    """Yield the files of each commit: manifest first, card last, bounded in number and bytes."""
    order = sorted(missing, key=lambda name: (name != MANIFEST, name == README, name))
    batch: list[str] = []
    total = 0
    for name in order:
        if batch and (len(batch) == COMMIT_FILES or total + package.files[name] > COMMIT_BYTES):
            yield batch
            batch, total = [], 0
        batch.append(name)
        total += package.files[name]
    if batch:
        yield batch


def _commit(
    hub: Any,
    api: Any,
    package: Package,
    repo_id: str,
    revision: str,
    *,
    add: list[str] | None = None,
    delete: list[str] | None = None,
) -> None:
    operations: list[Any] = [
        hub.CommitOperationAdd(path_in_repo=name, path_or_fileobj=package.folder / name)
        for name in add or []
    ]
    operations += [hub.CommitOperationDelete(path_in_repo=name) for name in delete or []]
    api.create_commit(
        repo_id,
        operations,
        commit_message=f"{package.tag}: {len(operations)} files",
        repo_type=package.kind,
        revision=revision,
    )


@contextmanager
def _told(hub: Any, repo_id: str) -> Iterator[None]:
    """Turn the client's errors into ours."""
    transport = hub.errors.HfHubHTTPError.__mro__[1]  # httpx's, whatever its name is today
    try:
        yield
    except (hub.errors.HFValidationError, transport, OSError, RuntimeError) as error:
        # What happens to a large file on its way comes wrapped in an error without a meaning.
        for known in (error, error.__cause__):
            if told := _meant(known, hub, transport, repo_id):
                raise told from error
        raise


def _meant(
    error: BaseException | None, hub: Any, transport: type[Exception], repo_id: str
) -> Exception | None:
    """Return what to say of an error, None if it is no business of the hub's."""
    errors = hub.errors
    if isinstance(error, errors.HFValidationError):
        return UsageError(f"not a name of a repository: {repo_id!r}", fix="USER/NAME")
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code if error.response is not None else 0
        said = getattr(error, "server_message", "") or str(error)
        return _refused(status, said.splitlines()[0], repo_id)
    response = getattr(error, "response", None)
    if response is not None:  # from where large files are stored
        return _refused(response.status_code, str(error).splitlines()[0], repo_id)
    if isinstance(error, PermissionError) and error.filename is None:  # the chunk store's
        return _refused(401, str(error), repo_id)
    if isinstance(error, (transport, ConnectionError)):
        return InputError(
            f"the hub cannot be reached: {error}",
            hub.constants.ENDPOINT,
            "the same command goes on",
        )
    return None


def _refused(status: int, said: str, repo_id: str) -> Exception:
    if status == 401:
        return UsageError(
            f"the hub does not accept the token: {said}",
            repo_id,
            "log in again with 'hf auth login', or set HF_TOKEN to a token that may write",
        )
    if status == 403:
        return UsageError(
            f"the token may not write to {repo_id}: {said}",
            fix="use a token with the right to write, or a name of your own",
        )
    if status == 404:
        return UsageError(
            f"the hub does not show {repo_id} to this token: {said}",
            fix="the name may be somebody's private one, or the branch is not there",
        )
    return InputError(f"the hub answered {status}: {said}", repo_id, "the same command goes on")
