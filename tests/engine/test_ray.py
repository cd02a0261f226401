"""On a real Ray cluster of two nodes: the same results, whoever dies."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.engine.ray import Ray
from harness.errors import AssetError, HarnessError
from harness.records import Failure
from tests.engine.ray_plugins import Worker

NUMBERS = [[4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3] for i in range(12)]
DOUBLED = [[2 * item for item in batch] for batch in NUMBERS]
pytestmark = pytest.mark.filterwarnings("default")  # Ray leaves sockets to the collector


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster with a head that does no work, and two nodes of one CPU each."""
    import ray
    from ray.cluster_utils import Cluster

    found = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False}
    )
    for _ in range(2):
        found.add_node(num_cpus=1)
    found.wait_for_nodes()
    ray.init(address=found.address, log_to_driver=False)
    yield found
    ray.shutdown()
    found.shutdown()  # type: ignore[no-untyped-call]


def done(notes: Path, method: str, **options: Any) -> list[list[Any]]:
    executor = Ray(Ray.Options(workers=2, **options))
    with executor.opened(Worker(notes)) as crew:
        found = list(crew.map(method, iter(NUMBERS)))
    assert [batch for batch, _, _ in found] == NUMBERS
    assert all(seconds >= 0 for _, _, seconds in found)
    return [list(results) for _, results, _ in found]


@pytest.mark.usefixtures("cluster")
def test_batches_come_back_in_order_from_workers_that_are_closed_after(tmp_path: Path) -> None:
    assert done(tmp_path, "double") == DOUBLED

    opened = {path.name.partition("-")[2] for path in tmp_path.glob("opened-*")}
    closed = {path.name.partition("-")[2] for path in tmp_path.glob("closed-*")}
    assert opened
    assert closed == opened


@pytest.mark.usefixtures("cluster")
def test_a_worker_that_opened_and_had_nothing_to_do_is_closed_too(tmp_path: Path) -> None:
    import ray

    with Ray(Ray.Options(workers=2)).opened(Worker(tmp_path)) as crew:
        ray.wait(list(crew._starting), num_returns=2)
    assert len([*tmp_path.glob("closed-*")]) == 2


@pytest.mark.usefixtures("cluster")
def test_a_batch_that_raises_is_done_row_by_row(tmp_path: Path) -> None:
    for batch, results in zip(NUMBERS, done(tmp_path, "double_even"), strict=True):
        for item, result in zip(batch, results, strict=True):
            if item % 2:
                assert isinstance(result, Failure)
                assert result.reason == "ValueError: odd"
            else:
                assert result == 2 * item


@pytest.mark.usefixtures("cluster")
def test_an_item_that_takes_too_long_in_a_worker_fails_alone(tmp_path: Path) -> None:
    found = [item for batch in done(tmp_path, "sleep_on_five", timeout=0.1) for item in batch]
    failed = {number: item for number, item in enumerate(found) if isinstance(item, Failure)}
    assert [(n, item.reason) for n, item in failed.items()] == [
        (5, "it took longer than 0.1 s")
    ]


@pytest.mark.usefixtures("cluster")
def test_a_worker_that_dies_loses_nothing(tmp_path: Path) -> None:
    assert done(tmp_path, "die_once") == DOUBLED
    assert (tmp_path / "died").exists()


@pytest.mark.usefixtures("cluster")
def test_a_row_that_kills_is_a_failure_and_its_neighbours_are_not(tmp_path: Path) -> None:
    found = [item for results in done(tmp_path, "die_of_five") for item in results]
    failed = [number for number, item in enumerate(found) if isinstance(item, Failure)]
    assert failed == [5]
    assert "the worker died on it" in found[5].reason
    assert [item for number, item in enumerate(found) if number != 5] == [
        2 * number for number in range(48) if number != 5
    ]


@pytest.mark.usefixtures("cluster")
def test_an_answer_that_cannot_be_sent_is_a_failure_of_each_row(tmp_path: Path) -> None:
    for results in done(tmp_path, "unsendable"):
        assert all("cannot be sent" in result.reason for result in results)


@pytest.mark.usefixtures("cluster")
def test_the_plugins_own_error_is_raised_where_it_cannot_be_opened(tmp_path: Path) -> None:
    with (
        Ray(Ray.Options(workers=1)).opened(Worker(tmp_path, "absent")) as crew,
        pytest.raises(AssetError, match="the model is absent") as caught,
    ):
        list(crew.map("double", iter(NUMBERS)))
    assert caught.value.fix == "pull it"


@pytest.mark.usefixtures("cluster")
def test_workers_that_die_while_they_open_end_the_run(tmp_path: Path) -> None:
    with (
        Ray(Ray.Options(workers=1)).opened(Worker(tmp_path, "deadly")) as crew,
        pytest.raises(HarnessError, match="died while they opened"),
    ):
        list(crew.map("double", iter(NUMBERS)))


@pytest.mark.usefixtures("cluster")
def test_no_room_for_a_worker_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.engine.ray._START_SECONDS", 1.0)
    with (
        Ray(Ray.Options(workers=1, gpus_per_worker=0.5)).opened(Worker(tmp_path)) as crew,
        pytest.raises(HarnessError, match="no room for a worker"),
    ):
        list(crew.map("double", iter(NUMBERS)))


def test_a_node_that_is_cut_off_loses_nothing(cluster: Any, tmp_path: Path) -> None:
    cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()

    def cut() -> None:
        for _ in range(600):
            if (tmp_path / "begun").exists():
                break
            threading.Event().wait(0.1)
        at_work = (tmp_path / "node").read_text()
        (victim,) = [node for node in cluster.worker_nodes if node.node_id == at_work]
        cluster.remove_node(victim, allow_graceful=False)
        (tmp_path / "cut").touch()

    killer = threading.Thread(target=cut)
    killer.start()
    assert done(tmp_path, "await_note") == DOUBLED
    killer.join()
    assert (tmp_path / "cut").exists()


STARTED = """
import ray
from harness.engine.ray import Ray
def slow(**_):
    raise Exception("The current node timed out during startup.")
ray.init = slow  # what Ray does on a busy machine cannot be had at will
with Ray(Ray.Options()).opened(None):
    pass
"""


def test_a_cluster_that_does_not_start_is_one_error_with_a_fix() -> None:
    asked = [sys.executable, "-c", STARTED]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)
    raised = done.stderr.rpartition("\nharness.errors.HarnessError: ")[2].strip()
    assert raised.startswith(
        "the Ray cluster cannot be started: The current node timed out during startup."
    )
    assert raised.endswith("name a cluster with `address`")
