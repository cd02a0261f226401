"""Every error a person can see, and the exit code it carries.

Exit codes: 0 PASS, 1 FAIL, 2 INCONCLUSIVE, 3 evidence or integrity error,
4 someone else promoted first, 5 waiver invalid, 64 usage or invalid file, 70 a bug,
130 stopped.
"""

from __future__ import annotations


class HarnessError(Exception):
    """An error whose message is written for the person at the terminal.

    Args:
        message: What went wrong, in one line.
        where: The file, key or row it concerns.
        fix: The next thing to try.
    """

    exit_code = 70

    def __init__(self, message: str, *, where: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        lines = [str(self.args[0])]
        lines += [f"  where: {self.where}"] if self.where else []
        lines += [f"  fix:   {self.fix}"] if self.fix else []
        return "\n".join(lines)


class SpecError(HarnessError):
    """A suite, policy or prompt file does not say something the harness can do."""

    exit_code = 64


class PluginError(HarnessError):
    """A plug-in is unknown, declared twice, or needs a package that is missing."""

    exit_code = 64


class AssetError(HarnessError):
    """A model file is unknown, absent, or not the bytes that were pinned."""

    exit_code = 3


class AlteredError(HarnessError):
    """Stored evidence no longer matches its digest or seal."""

    exit_code = 3


class RefusedError(HarnessError):
    """A promotion was asked for that the evidence does not allow."""

    exit_code = 3


class ConflictError(RefusedError):
    """Someone else changed what an alias serves after this promotion had looked."""

    exit_code = 4


class WaiverError(HarnessError):
    """A waiver is expired, malformed, or for something no waiver can excuse."""

    exit_code = 5


class BusyError(HarnessError):
    """Another process is writing this run."""

    exit_code = 3


class StorageError(HarnessError):
    """Object storage could not be reached, or did not take or give what it was asked for."""

    exit_code = 3


class NonFiniteError(HarnessError):
    """A plug-in returned NaN or an infinity."""

    exit_code = 3


class TrackingError(HarnessError):
    """MLflow could not be reached, or did not take what it was sent."""

    exit_code = 3
