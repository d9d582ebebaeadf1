"""System errors (disk, permission, memory, files in the way) give one clear line each (reliability/surroundings.py)."""

from __future__ import annotations

import errno
from pathlib import Path

import duckdb
import pytest
from conftest import PublishedHome
from reliability import narrow, surroundings

from harmrank.errors import HarmrankError, HomeBusy, UsageError
from harmrank.machine.system_errors import cause

WITH_A_BUILD = (surroundings.too_little_memory, surroundings.file_size_limit)
CASES = [
    pytest.param(case, marks=pytest.mark.thorough) if case in WITH_A_BUILD else case for case in surroundings.EVERYWHERE
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_one_clear_line_and_the_list_stays(published: PublishedHome, case: surroundings.Case) -> None:
    """Each case has its own conditions; all have the right exit code and never "unexpected"."""
    assert surroundings.attempt(case, published.home, published.extracts) == []


@pytest.mark.thorough
@pytest.mark.skipif(
    not narrow.available(), reason="no file system of one's own here (unshare -rm): see file_size_limit"
)
@pytest.mark.parametrize("case", surroundings.ON_A_DISK_OF_ITS_OWN, ids=lambda case: case.__name__)
def test_a_full_or_read_only_disk(published: PublishedHome, case: surroundings.Case) -> None:
    """A real file system that is full or read-only: exit 1 with the disk named, and all works once there is space."""
    assert surroundings.attempt(case, published.home, published.extracts) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/h/x"), "the disk is full (writing /h/x)"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full"),
        (OSError(errno.EROFS, "Read-only file system", "/h"), "/h is on a read-only disk"),
        (OSError(errno.EIO, "Input/output error", "/h/x"), "/h/x cannot be used (Input/output error)"),
        (MemoryError(), "HARMRANK_MEMORY_LIMIT"),
        (duckdb.OutOfMemoryException("Out of Memory Error: failed to pin block"), "HARMRANK_MEMORY_LIMIT"),
        # DuckDB reports a disk that is too small to spill to as a lack of memory.
        (duckdb.OutOfMemoryException("Out of Memory Error: ... 'max_temp_directory_size' ..."), "the disk is full"),
        ('Runtime Error: Could not write file "/h/w.wal": No space left on device', "the disk is full (writing /h/w.wal)"),
        ("org.apache.spark.SparkException: ... java.io.IOException: No space left on device", "the disk is full"),
        (type("Py4JJavaError", (Exception,), {"__module__": "py4j.protocol"})("No space left on device"), "the disk is full"),
        ("Job aborted due to stage failure: java.lang.OutOfMemoryError: Java heap space", "HARMRANK_SPARK_MEMORY"),
    ],
)  # fmt: skip
def test_system_errors_have_the_same_sentence_everywhere(error: BaseException | str, said: str) -> None:
    """From Python, DuckDB, Spark and dbt's nodes alike."""
    found = cause(error)
    assert found is not None
    assert said in str(found)
    assert found.exit_code == 1


def test_a_lock_is_busy_and_a_fault_of_the_data_is_no_system_error() -> None:
    """A lock means exit 5; a broken model or a wrong key is not changed."""
    locked = 'IO Error: Could not set lock on file "/h/w.duckdb": Conflicting lock is held in python (PID 12)'
    assert isinstance(cause(duckdb.IOException(locked)), HomeBusy)
    assert "/h/w.duckdb is open in process 12" in str(cause(locked))
    assert cause(duckdb.BinderException('Binder Error: column "x" not found')) is None
    assert cause(ValueError("no space left on device")) is None
    mistake = UsageError("as it was")
    assert cause(mistake) is mistake


def test_the_first_of_several_errors_is_the_cause() -> None:
    """After a full disk a rollback fails, too: the message names the disk, not the rollback."""
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device", "/h/w")
        finally:
            raise duckdb.TransactionException("cannot rollback - no transaction is active")
    except duckdb.Error as error:
        found = cause(error)
    assert isinstance(found, HarmrankError)
    assert "the disk is full" in str(found)


def test_a_node_that_fails_on_a_full_disk_is_no_failed_gate(published: PublishedHome, tmp_path: Path) -> None:
    """dbt reports both as a failed model: the full disk is recognised."""
    from types import SimpleNamespace

    from harmrank.building.run_dbt import _summarise

    node = SimpleNamespace(resource_type="model", name="top_100", description="")
    failed = {"node": node, "status": "error", "failures": None, "execution_time": 0.1}
    broken = SimpleNamespace(**failed, message="Runtime Error: Binder Error: no column")
    full = SimpleNamespace(**failed, message="IO Error: No space left on device")
    assert len(_summarise(SimpleNamespace(results=[broken]), {}, lambda _: []).failures) == 1
    with pytest.raises(HarmrankError, match="the disk is full"):
        _summarise(SimpleNamespace(results=[broken, full]), {}, lambda _: [])
