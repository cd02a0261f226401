"""The run behind what is served now, which a policy may compare a candidate with."""

from __future__ import annotations

from pathlib import Path

from harness.errors import RefusedError, SpecError
from harness.flow.baselines import CHAMPION, NONE, Champion, asked_for, run_of_seal
from harness.ledger.versions import served_seal
from harness.spec.extend import load_policy


def champion_of(
    said: str | None,
    policy: Path,
    runs: Path,
    *,
    model: str | None = None,
    alias: str = CHAMPION,
) -> Champion:
    """Find the champion's run, if the policy compares with it.

    Args:
        said: What the person named: a run's folder, `none`, or nothing.
        policy: The policy's file.
        runs: Where run folders lie.
        model: The registered model whose alias is asked when nothing was named.
        alias: The alias.

    Returns:
        A folder; `none` where nothing is served yet; None where nobody can say.

    Raises:
        SpecError: The folder named is no run.
        RefusedError: Something is served, and its run is not here.
        TrackingError: MLflow cannot be reached.
    """
    if said == NONE:
        return NONE
    if said is not None:
        if not (Path(said) / "seal.json").is_file():
            raise SpecError(
                "there is no finished run", where=said, fix="name a run's folder, or `none`"
            )
        return Path(said)
    if model is None or CHAMPION not in asked_for(load_policy(policy)):
        return None
    seal = served_seal(model, alias)
    if seal is None:
        return NONE
    folder = run_of_seal(runs, seal)
    if folder is None:
        raise RefusedError(
            f"the run that {alias!r} of {model!r} rests on is not here, or was judged again",
            where=f"{runs}: no run has the seal {seal[:12]}",
            fix="bring its folder and say --champion RUN; judge a copy by another policy, "
            "with `harness judge RUN --out COPY`, and a run keeps its seal",
        )
    return folder
