"""A loopback hub that takes commits and large files and gives them back, faults on request."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = (".parquet", ".safetensors", ".jsonl.gz")


@dataclass
class Repository:
    """Commits are whole trees: name to (content, whether it is a large file)."""

    private: bool
    tree: dict[str, tuple[bytes, bool]] = field(default_factory=dict)
    commits: dict[str, dict[str, tuple[bytes, bool]]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)

    def commit(self, tree: dict[str, tuple[bytes, bool]], branch: str) -> str:
        named = {name: sha1(content).hexdigest() for name, (content, _) in sorted(tree.items())}
        oid = sha1(json.dumps([len(self.commits), named]).encode()).hexdigest()
        self.tree = tree
        self.commits[oid] = tree
        self.refs[branch] = oid
        return oid


@dataclass
class Hub:
    """The hub's state; `fault(method, path)` may return a status to answer with, or raise."""

    url: str = ""
    token: str = "hf_good"
    repositories: dict[str, Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    fault: Callable[[str, str], int | None] = lambda method, path: None


@contextmanager
def serving() -> Iterator[Hub]:
    """Run a hub on a port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub = server.hub = Hub(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class Handler(BaseHTTPRequestHandler):
    """Answers as the hub does; `hub` is the server's."""

    protocol_version = "HTTP/1.1"

    @property
    def hub(self) -> Hub:
        return self.server.hub  # type: ignore[attr-defined]  # set by `serving`

    def handle_any(self) -> None:
        path = unquote(urlsplit(self.path).path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = self.chunked()
        self.hub.requests.append((self.command, path))
        status = self.hub.fault(self.command, path)
        if status == 0:  # the network is lost in the middle
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if status is None and path.startswith("/api/repos"):
            good = self.headers.get("Authorization") == f"Bearer {self.hub.token}"
            status = None if good else 401
        if status is not None:
            self.give(status, json.dumps({"error": "refused by the test"}).encode())
            return
        self.answer(path, body)

    do_GET = do_HEAD = do_POST = do_PUT = handle_any  # noqa: N815 - the base's names

    def chunked(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def answer(self, path: str, body: bytes) -> None:
        parts = path.strip("/").split("/")
        if path == "/api/repos/create":
            self.create(json.loads(body))
        elif path == "/api/validate-yaml":
            self.json({"errors": [], "warnings": []})
        elif path.endswith(".git/info/lfs/objects/batch"):
            self.json({"transfer": "basic", "objects": [
                self.large(o) for o in json.loads(body)["objects"]]})  # fmt: skip
        elif parts[0] == "lfs":
            if sha256(body).hexdigest() != parts[1]:
                self.give(400, b"{}")
                return
            self.hub.objects[parts[1]] = body
            self.give(200, b"{}")
        elif parts[0] == "api" and "/".join(parts[2:4]) not in self.hub.repositories:
            self.give(404, b"{}")
        elif parts[0] == "api":
            self.api(self.hub.repositories["/".join(parts[2:4])], parts[4:], body, parts)
        else:
            start = 1 if parts[0] == "datasets" else 0
            repository = self.hub.repositories["/".join(parts[start : start + 2])]
            self.resolve(repository, parts[start + 3], "/".join(parts[start + 4 :]))

    def create(self, asked: dict[str, Any]) -> None:
        name = f"{asked.get('organization') or 'someone'}/{asked['name']}"
        kind = "datasets/" if asked.get("type") == "dataset" else ""
        told = {"url": f"{self.hub.url}/{kind}{name}", "name": name}
        if name in self.hub.repositories:
            self.give(409, json.dumps(told | {"error": "You already created this repo"}).encode())
            return
        repository = self.hub.repositories[name] = Repository(asked.get("visibility") == "private")
        repository.commit({".gitattributes": (b"*.parquet filter=lfs\n", False)}, "main")
        self.json(told)

    def large(self, asked: dict[str, Any]) -> dict[str, Any]:
        known = {"oid": asked["oid"], "size": asked["size"]}
        if asked["oid"] in self.hub.objects:
            return known
        return {**known, "actions": {"upload": {"href": f"{self.hub.url}/lfs/{asked['oid']}"}}}

    def api(  # noqa: C901 - one branch for each address of the hub
        self, repository: Repository, rest: list[str], body: bytes, parts: list[str]
    ) -> None:
        what, revision = rest[0], rest[1] if len(rest) > 1 else "main"
        oid = repository.refs.get(revision, revision)
        if what == "preupload":
            self.json({"files": [
                {"path": f["path"], "shouldIgnore": False,
                 "uploadMode": "lfs" if f["path"].endswith(LARGE) else "regular"}
                for f in json.loads(body)["files"]]})  # fmt: skip
        elif what == "commit":
            tree = dict(repository.commits[oid])
            for line in body.splitlines():
                self.apply(tree, **json.loads(line))
            made = repository.commit(tree, revision)
            url = f"{self.hub.url}/{'/'.join(parts[1:4])}/commit/{made}"
            self.json({"commitUrl": url, "commitOid": made, "success": True})
        elif what == "branch":
            repository.refs[revision] = repository.refs["main"]
            self.json({})
        elif what == "tag":
            name = json.loads(body)["tag"]
            self.give(409 if name in self.hub.tags else 200, b"{}")
            self.hub.tags.setdefault(name, oid)
            repository.refs.setdefault(name, oid)
        elif what == "tree":
            whole = "recursive=true" in urlsplit(self.path).query.lower()
            self.json(_listed(repository.commits[oid], "/".join(rest[2:]), whole=whole))
        elif what == "revision":
            names = [{"rfilename": name} for name in repository.commits[oid]]
            told = {"id": "/".join(parts[2:4]), "sha": oid, "private": repository.private}
            self.json(told | {"siblings": names})
        elif what == "settings":
            repository.private = json.loads(body).get("visibility") != "public"
            self.json({})

    def apply(self, tree: dict[str, tuple[bytes, bool]], key: str, value: Any) -> None:
        if key == "file":
            tree[value["path"]] = (base64.b64decode(value["content"]), False)
        elif key == "lfsFile":
            tree[value["path"]] = (self.hub.objects[value["oid"]], True)
        elif key == "deletedFile":
            del tree[value["path"]]

    def resolve(self, repository: Repository, revision: str, name: str) -> None:
        oid = repository.refs.get(revision, revision)
        if name not in repository.commits[oid]:
            self.give(404, b"{}", **{"X-Error-Code": "EntryNotFound", "X-Repo-Commit": oid})
            return
        content, is_large = repository.commits[oid][name]
        entry = _entry(name, (content, is_large))
        etag = entry["lfs"]["oid"] if is_large else entry["oid"]
        self.give(200, content, ETag=f'"{etag}"', **{"X-Repo-Commit": oid})

    def json(self, value: Any) -> None:
        self.give(200, json.dumps(value).encode(), **{"Content-Type": "application/json"})

    def give(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        pass


def _listed(
    tree: dict[str, tuple[bytes, bool]], folder: str, *, whole: bool
) -> list[dict[str, Any]]:
    """Return the entries of a folder; `whole` goes below its own folders, too."""
    within = f"{folder}/" if folder else ""
    names = [name for name in tree if name.startswith(within)]
    parents = {name.removeprefix(within).rpartition("/")[0] for name in names} - {""}
    folders = sorted(path if whole else path.partition("/")[0] for path in parents)
    if not whole:
        names = [name for name in names if "/" not in name.removeprefix(within)]
    found = [_entry(name, tree[name]) for name in names]
    return found + [
        {"type": "directory", "path": f"{within}{path}", "size": 0, "oid": "0" * 40}
        for path in dict.fromkeys(folders)
    ]


def _entry(name: str, item: tuple[bytes, bool]) -> dict[str, Any]:
    content, is_large = item
    oid = sha1(b"blob %d\0" % len(content) + content).hexdigest()
    entry: dict[str, Any] = {"type": "file", "path": name, "size": len(content), "oid": oid}
    if is_large:
        entry["lfs"] = {
            "oid": sha256(content).hexdigest(), "size": len(content), "pointerSize": 134
        }  # fmt: skip
    return entry
