"""A real S3 server on loopback, in a process of its own; it can go deaf and come back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import fsspec
import pytest

BUCKET, SECRET = "shelf", "wJalrXUtnFEMI-not-for-anyone"
SERVE = """\
import logging, sys
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
def serve(port):
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    return server
server = serve(0)
host, port = server.get_host_and_port()
print(port, flush=True)
for line in sys.stdin:
    if line == "stop\\n":
        server.stop()
    else:
        server = serve(port)
    print("done", flush=True)
"""


@dataclass
class Server:
    """The server's process; what it holds stays while it is deaf."""

    process: subprocess.Popen[str]
    environment: dict[str, str] = field(default_factory=dict)

    def say(self, word: str) -> None:
        """Tell it to `stop` or to `start`."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


@contextmanager
def serving() -> Iterator[Server]:
    """Start a server with an empty bucket; this process speaks to it from then on."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{int(process.stdout.readline())}",
        "AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1",
        "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        fsspec.filesystem("s3").mkdir(BUCKET)
        try:
            yield Server(process, environment)
        finally:
            process.kill()
            process.wait()
            process.stdin.close() if process.stdin else None
            process.stdout.close()
            fsspec.get_filesystem_class("s3").clear_instance_cache()
