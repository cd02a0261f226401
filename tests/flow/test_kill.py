"""A run that is killed and taken up again ends in the bytes of one that was not."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.flow.killing import FINAL, finish, torment, write

KILLS = 20


def test_twenty_kills_lose_nothing_redo_nothing_and_change_no_byte(tmp_path: Path) -> None:
    write(tmp_path)
    with ThreadPoolExecutor(2) as pool:
        lives = list(
            pool.map(lambda name: finish(tmp_path, tmp_path / name), ("whole", "twin"))
        )
        for name in FINAL:
            assert (tmp_path / "whole" / name).read_bytes() == (
                tmp_path / "twin" / name
            ).read_bytes()
        seconds = min(lives)
        tallies = list(
            pool.map(lambda name: torment(tmp_path, name, KILLS // 2, seconds), ("a", "b"))
        )
    assert sum(tally.kills for tally in tallies) == KILLS
    assert [tally.different for tally in tallies] == [[], []]
    assert sum(tally.redone for tally in tallies) == 0
    assert sum(tally.lost for tally in tallies) == 0
    stages = tallies[0].during + tallies[1].during
    assert stages["generating"] + stages["scoring"] > 0
