"""A chat server on loopback that answers at once; prints its port. Run as a program."""

from __future__ import annotations

import asyncio
import json
import sys

CHOICE = {
    "index": 0,
    "message": {"role": "assistant", "content": "これは試しの訳文です。"},
    "finish_reason": "stop",
}
USAGE = {"prompt_tokens": 900, "completion_tokens": 20, "total_tokens": 920}
BODY = json.dumps({"object": "chat.completion", "choices": [CHOICE], "usage": USAGE}).encode()
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
RESPONSE = HEAD.format(len(BODY)).encode() + BODY


class Connection(asyncio.Protocol):
    """Answers every whole request with the same words."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.buffer = bytearray()
        self.missing = -1

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            if self.missing < 0:
                end = self.buffer.find(b"\r\n\r\n")
                if end < 0:
                    return
                head = bytes(self.buffer[:end]).lower()
                start = head.index(b"content-length:") + 15
                self.missing = end + 4 + int(head[start:].split(b"\r\n", 1)[0])
            if len(self.buffer) < self.missing:
                return
            del self.buffer[: self.missing]
            self.missing = -1
            self.transport.write(RESPONSE)  # type: ignore[attr-defined]


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1])
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
