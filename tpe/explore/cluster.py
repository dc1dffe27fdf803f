"""Machines that do portions, by Dask: the same function, handed to a scheduler's workers.

A worker that is lost costs its portions, which the scheduler gives to another one. If the scheduler
goes, the run ends with a line; what is done is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tpe.base.errors import TpeError, missing_extra, one_line
from tpe.explore.work import Outcome, Portion, done

WAIT_S = 10.0  # for a scheduler, and for its first worker
AHEAD = 2  # portions for every thread of the cluster that are handed out


@dataclass(frozen=True)
class Cluster:
    """The workers of a Dask scheduler at an address, tcp://HOST:PORT."""

    address: str

    def run(self, portions: Iterator[Portion]) -> Iterator[Outcome]:
        """Every portion with its rows, in any order.

        TpeError if there is no scheduler, or it goes away; if workers died at a portion again and
        again; if Dask is not installed.
        """
        client = self._client()
        try:
            yield from _handed_out(client, portions)
        except (OSError, asyncio.CancelledError, TimeoutError) as error:
            raise self._gone(error) from None
        except Exception as error:
            if type(error).__module__.partition(".")[0] == "distributed":
                raise self._gone(error) from None
            raise
        finally:
            client.close(timeout=1)

    def _gone(self, error: BaseException) -> TpeError:
        reason = one_line(error) if isinstance(error, Exception) else "its work was cancelled"
        return TpeError(f"cluster {self.address}: lost: {reason}")

    def _client(self) -> Any:
        try:
            import distributed
        except ImportError:
            raise missing_extra("dask.distributed", "cluster") from None
        kind: Any = distributed.Client
        try:
            return kind(self.address, timeout=WAIT_S, set_as_default=False)
        except Exception as error:
            raise TpeError(f"cluster {self.address}: no scheduler: {one_line(error)}") from None


def _handed_out(client: Any, portions: Iterator[Portion]) -> Iterator[Outcome]:
    """As many portions at a time as the cluster's threads, twice, the next ones as some end."""
    import distributed

    as_completed: Any = distributed.as_completed
    client.wait_for_workers(1, timeout=WAIT_S)
    threads = sum(client.nthreads().values())
    asked: dict[Any, Portion] = {}

    def submit(portion: Portion) -> Any:
        future = client.submit(done, portion, pure=False)
        asked[future] = portion
        return future

    begun = [submit(portion) for portion in islice(portions, AHEAD * max(1, threads))]
    if not begun:
        return
    waiting = as_completed(begun, loop=client.loop)
    for future in waiting:
        portion = asked.pop(future)
        rows = future.result()
        for following in islice(portions, 1):
            waiting.add(submit(following))
        yield portion, rows
