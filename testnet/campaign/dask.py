"""The same campaign on a Dask cluster: many machines, one seed each at a time.

Loaded only for `--dask`, because the package belongs to the optional extra `cluster`.

- Few more seeds than the cluster has threads are under way. *Why:* a campaign that is stopped
  early must not leave a thousand seeds running.
- A worker that dies takes along seeds that only waited there. Those run again one by one, when
  nothing else does; only what then dies again is lost.
- What failed elsewhere is run again here, which writes its folder on this machine and shows that
  both machines see the same run; where they do not, that is non-determinism.
"""

import uuid
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice

from distributed import Client, Future, KilledWorker, as_completed, wait

from testnet.campaign.determinism import CHECK
from testnet.campaign.job import Job, carry_out
from testnet.campaign.summary import Lost, Result, Summary
from testnet.errors import LaunchFailure
from testnet.outcome import Verdict, Violation

AHEAD = 2
"""Seeds under way for each thread of the cluster: one running, one waiting at the worker."""

CONNECT_S = 3.0
"""A scheduler that does not answer within this is not there."""


def results_of_cluster(
    job: Job, seeds: Sequence[int], address: str, connect_s: float = CONNECT_S
) -> Generator[Result, None, None]:
    """What came of each seed, in the order in which that is known. Raises LaunchFailure."""
    remote = replace(job, root=None)
    suspects = list[int]()
    with connected(address, connect_s) as client:
        waiting = iter(seeds)
        width = AHEAD * max(1, sum(client.nthreads().values()))
        under_way = as_completed([_submit(client, remote, seed) for seed in islice(waiting, width)])
        for future in under_way:
            if isinstance(future.exception(), KilledWorker):
                suspects.append(seed_of(future))
            else:
                yield _checked(job, _result(future))
            for seed in islice(waiting, 1):
                under_way.add(_submit(client, remote, seed))
        for seed in suspects:
            future = _submit(client, remote, seed)
            wait(future)
            yield _checked(job, _result(future))


def connected(address: str, connect_s: float) -> "closing[Client]":
    """A client of the scheduler at that address. Raises LaunchFailure."""
    try:
        return closing(Client(address, timeout=connect_s))
    except (OSError, ValueError) as error:
        raise LaunchFailure(f"no Dask scheduler at {address}: {error}") from error


def _submit(client: Client, job: Job, seed: int) -> Future[Result]:
    """A key is used once, or the cluster answers with what it remembers; it ends in the seed."""
    key = f"{job.scenario.name}-{uuid.uuid4().hex}-{seed}"
    return client.submit(carry_out, job, seed, key=key, pure=False)


def seed_of(future: Future[Result]) -> int:
    """The seed a future was submitted with."""
    return int(str(future.key).rpartition("-")[2])


def _result(future: Future[Result]) -> Result:
    """What a worker sent, or what is known of a seed whose workers died."""
    seed = seed_of(future)
    error = future.exception()
    match error:
        case None:
            found: Result = future.result()
            return found
        case KilledWorker():
            return Lost(seed, f"its workers died: {error}")
        case _:
            return Lost(seed, f"{type(error).__name__}: {error}")


def _checked(job: Job, result: Result) -> Result:
    """A failing run, kept here, and the same as there."""
    if not isinstance(result, Summary) or result.passed:
        return result
    again = carry_out(job, result.seed)
    if isinstance(again, Summary) and again.digest != result.digest:
        violation = Violation(
            check=CHECK,
            verdict=Verdict.NONDETERMINISM,
            at_s=0.0,
            nodes=(),
            height=0,
            statement=f"the cluster saw {result.digest[:16]}, this machine {again.digest[:16]}",
        )
        return replace(again, verdict=Verdict.NONDETERMINISM, violations=(violation,))
    return again
