"""Who serves what: one `onward serve` in a data folder, and one data folder behind the name of a deployment.

A second one would take the schedules over, and pause them for both when it ends.
"""

import secrets
from collections.abc import Generator, Iterable
from contextlib import ExitStack, contextmanager
from pathlib import Path

from prefect import get_client
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound

from flows.errors import InputError, OnwardError
from flows.files import write_text
from flows.store.lock import RunInProgressError, run_lock

_NOT_IN_NAMES = set("/%&<>")
_STORE, _FOLDER = "onward-store:", "onward-folder:"


class AlreadyServedError(OnwardError):
    """Another `onward serve` works in this data folder.

    Attributes:
        pid: its process, or None if it has just started.
        since: when it started, ISO 8601.
    """

    def __init__(self, data: Path, pid: int | None, since: str | None) -> None:
        self.pid, self.since = pid, since
        holder = f"pid {pid}, since {since}" if pid else "just started"
        super().__init__(
            f"{data}: another `onward serve` works in this data folder ({holder}); two would pause each other's "
            "schedules. Let it be, or stop it first"
        )


@contextmanager
def served_alone(folder: Path, data: Path) -> Generator[None]:
    """Keep any other `onward serve` out for as long as the block lasts; what a killed one left doesn't matter.

    Args:
        folder: where the lock lies.
        data: the data folder that is served.

    Raises:
        AlreadyServedError: another one is there.
    """
    with ExitStack() as held:
        try:
            held.enter_context(run_lock(folder / "serve.lock"))
        except RunInProgressError as other:
            raise AlreadyServedError(data, other.pid, other.since) from None
        yield


def tags_of(folder: Path, data: Path) -> list[str]:
    """What a deployment of this data folder is known by: an id, which stays when the folder moves, and its place.

    Args:
        folder: where the id is kept, made here at first.
        data: the data folder.
    """
    file = folder / "id"
    if not file.exists():
        write_text(file, secrets.token_hex(8))
    return [f"{_STORE}{file.read_text(encoding='utf-8')}", f"{_FOLDER}{data.resolve()}"]


def check_name(name: str) -> None:
    """Refuse what Prefect takes for no name.

    Raises:
        InputError: naming it.
    """
    if not name.strip() or (signs := sorted(_NOT_IN_NAMES & set(name))):
        given = f"has {' '.join(signs)} in it" if name.strip() else "is blank"
        raise InputError(
            f"--name {name!r}: {given}, and can't be the name of a deployment; give one like 'shop-2'"
        )


def check_names(names: Iterable[str], tags: list[str], api: str) -> None:
    """Refuse names of deployments behind which another data folder, or a work pool, is at work.

    Args:
        names: as `flow/deployment`.
        tags: those of this data folder.
        api: the Prefect server's address.

    Raises:
        InputError: naming the deployment and whose it is; one that is paused is taken over.
    """
    with get_client(sync_client=True) as client:
        for name in names:
            try:
                found = client.read_deployment_by_name(name)
            except ObjectNotFound:
                continue
            if not found.paused and (other := _other(found, tags)):
                raise InputError(
                    f"{api}: its deployment {name} is that of {other}; serve this data folder by a name of its own: "
                    f"--name; or, if nobody needs the other any more: prefect deployment delete {name}"
                )


def _other(found: DeploymentResponse, tags: list[str]) -> str | None:
    """Whose a deployment is, if another's; one without a mark is an older version's, which had none."""
    if found.work_pool_name:
        return f"the work pool {found.work_pool_name}"
    marks = [one for one in found.tags if one.startswith(_STORE)]
    if not marks or marks == tags[:1]:
        return None
    folders = [one.removeprefix(_FOLDER) for one in found.tags if one.startswith(_FOLDER)]
    return f"the data folder {', '.join(folders)}"
