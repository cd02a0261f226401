"""Evaluate and govern generated content: suites in, verdicts and evidence out.

What the commands do, from Python. Each function is the command of its name:

    import harness

    run, folder = harness.gate("suite.yaml", "policy.yaml")
    print(run.outcome, folder / "report.html")

Importing this loads nothing else: what a function needs, it imports when called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from harness.flow.run import Options
    from harness.records import RunView

__version__ = "0.1.0"
__all__ = ["__version__", "gate", "judge", "promote", "record", "resolve", "run"]


def gate(
    suite: Path | str,
    policy: Path | str,
    options: Options | None = None,
    *,
    model: str | None = None,
    alias: str = "champion",
) -> tuple[RunView, Path]:
    """Run a suite, judge it, log it to MLflow, and promote a model only if it passes.

    Args:
        suite: A suite file, or the name of a shipped suite.
        policy: A policy file, or the name of a shipped policy.
        options: The run's folder, waivers, the champion, and whether to go in
            rounds: `harness.flow.run.Options`.
        model: Register what was evaluated as this model of MLflow's registry.
        alias: The model's alias that moves on PASS, and whose run is compared
            with where the policy asks for the champion.

    Returns:
        The judged run, whose `outcome` is `pass`, `fail` or `inconclusive`, and its folder;
        of a URL the copy here.

    Raises:
        HarnessError: A file does not fit, a model is absent, or MLflow cannot be reached.
    """
    from harness.flow.gate import Target
    from harness.flow.gate import gate as go
    from harness.spec.library import resolve as find

    rules = find("policies", str(policy))
    target = Target(model, alias) if model else None
    view, folder, _ = go(find("suites", str(suite)), rules, options, target=target)
    return view, folder


def run(
    suite: Path | str, policy: Path | str | None = None, *, out: Path | str | None = None
) -> tuple[RunView, Path]:
    """Run a suite and write its reports; judge it where a policy is given. Nothing is logged.

    Args:
        suite: A suite file, or the name of a shipped suite.
        policy: A policy file, or a shipped policy's name; without one `outcome` is None.
        out: The run's folder or URL; by default `runs/<suite>-<digest>`. What it holds is kept.

    Returns:
        The run, and its folder.

    Raises:
        HarnessError: A file does not fit, a model is absent, or the folder is in use.
    """
    from harness.flow.run import run as run_files
    from harness.spec.library import resolve as find

    rules = None if policy is None else find("policies", str(policy))
    return run_files(find("suites", str(suite)), rules, out=out)


def judge(folder: Path | str, policy: Path | str | None = None) -> RunView:
    """Judge a stored run again, by its own policy or another. Loads no model.

    Args:
        folder: The run's folder, or its URL in object storage.
        policy: A policy file, or a shipped policy's name.

    Raises:
        HarnessError: The folder holds no run, or its scorers have changed since.
    """
    from harness.engine.remote import working
    from harness.flow.assess import rejudge
    from harness.spec.library import resolve as find

    rules = None if policy is None else find("policies", str(policy))
    with working(folder) as here:
        return rejudge(here, rules)


def record(folder: Path | str) -> dict[str, Any]:
    """Send a stored run to MLflow, where `MLFLOW_TRACKING_URI` says; twice stores it once.

    Returns:
        The MLflow run's id under `run`, and `tracking_uri`.

    Raises:
        HarnessError: The folder is not what was sealed, or MLflow cannot be reached.
    """
    from harness.engine.remote import working
    from harness.flow.assess import review
    from harness.flow.record import record as send

    with working(folder) as here:
        return send(review(here), here)


def promote(
    folder: Path | str, model: str, *, alias: str = "champion", generator: str | None = None
) -> dict[str, Any]:
    """Register what a recorded run evaluated, and move an alias to it only if it passed.

    Args:
        folder: The run's folder, or its URL in object storage.
        model: The registered model's name.
        alias: The alias that moves on PASS.
        generator: Which generator of the run; may be left out where there is one.

    Returns:
        `model`, `version`, `alias`, and whether the alias `moved`.

    Raises:
        HarnessError: The run is not recorded, or is not what was evaluated.
    """
    from harness.engine.remote import reading
    from harness.flow.assess import review
    from harness.flow.promote import Asked
    from harness.flow.promote import promote as move

    with reading(folder) as here:
        return move(review(here), here, model, alias, Asked(generator=generator))


def resolve(uri: str, *, within: Path | str | None = None) -> Path:
    """Fetch the model that an alias serves, if a gate promoted it and every byte is right.

    Args:
        uri: `models:/MODEL@ALIAS`.
        within: Where to make the folder for its files; a temporary place when left out.

    Returns:
        A folder of the model's files, yours to delete.

    Raises:
        HarnessError: Nothing was promoted, or the ledger, the alias or a file is not what
            it was.
    """
    from pathlib import Path

    from harness.ledger.keys import trusted
    from harness.ledger.resolve import resolve as fetch

    return fetch(uri, trusted(), within=Path(within) if within else None).folder
