"""A loopback hub with one data set, for a client that cannot tell the difference."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def serving(repo_id: str, files: dict[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    """Give the address of a hub that holds these files at `COMMIT`, and the paths asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            asked.append(path)
            if path == f"/api/datasets/{repo_id}/tree/{COMMIT}":
                self._send(json.dumps([_entry(*item) for item in files.items()]).encode())
                return
            start = f"/datasets/{repo_id}/resolve/{COMMIT}/"
            content = files.get(path.removeprefix(start)) if path.startswith(start) else None
            if content is None:
                self.send_response(404)
                self.send_header("X-Error-Code", "RevisionNotFound")
                self.end_headers()
                return
            self._send(content, ETag=f'"{sha1(content).hexdigest()}"')

        do_HEAD = do_GET  # noqa: N815 - the base's name

        def _send(self, content: bytes, **headers: str) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("X-Repo-Commit", COMMIT)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def _entry(name: str, content: bytes) -> dict[str, Any]:
    return {
        "type": "file",
        "path": name,
        "size": len(content),
        "oid": sha1(content).hexdigest(),
    }


def read_in_a_process() -> None:
    """Read the source that stdin describes and print what came of it; used by the tests."""
    from prefdata.core.errors import PrefdataError
    from tests.sources.reading import read

    given = json.loads(sys.stdin.read())
    try:
        records, skips = read(given.pop("use"), **given)
    except PrefdataError as error:
        print(json.dumps({"error": str(error), "code": error.exit_code}))
        return
    origins = [(r.origin.revision, r.origin.row, r.origin.config, r.origin.split) for r in records]
    layers = sorted({layer.revision for r in records for layer in r.origin.layers})
    print(json.dumps({"origins": origins, "layers": layers, "skips": len(skips)}))


if __name__ == "__main__":
    read_in_a_process()
