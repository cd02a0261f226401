"""What is written down of the machine: versions, and nobody's name."""

import getpass
import socket
from importlib.metadata import version
from pathlib import Path

from harness.flow.environment import environment


def test_versions_are_those_installed() -> None:
    found = environment()
    assert found["packages"]["torch"] == version("torch")
    assert found["cores"] >= 1


def test_no_user_host_or_folder_is_named() -> None:
    told = {str(value) for value in environment().values()}
    assert not told & {getpass.getuser(), socket.gethostname(), str(Path.home())}
