"""Which contents of the inbox came before: of events any file's, of customers the name's and what applied last."""

from flows.inbox.arrivals import WaitingFile
from flows.store.state_file import StateFile


class Known:
    """What was loaded or archived so far.

    A customer file is a state: it applies again when its name has other bytes than before, unless these are the bytes
    of the customer file that was applied last (contract.md). Events are taken in once, by content.
    """

    def __init__(self, state: StateFile) -> None:
        """Ask the state file, which knows what is archived beside it, too."""
        self._state = state
        self._events = set[str]()
        self._customers: dict[str, str] = dict(state.rows("inbox/intake/customer_contents.sql"))
        self._applied = next((one for (one,) in state.rows("inbox/intake/applied_last.sql")), None)

    def has(self, file: WaitingFile, content: str) -> bool:
        """Whether a file with this content has nothing new to say."""
        if file.kind == "events":
            came = self._state.rows("inbox/intake/event_content.sql", content=content)
            return content in self._events or bool(came)
        return content in (self._customers.get(file.name), self._applied)

    def note(self, file: WaitingFile, content: str) -> None:
        """The content of a file that is taken in now."""
        if file.kind == "events":
            self._events.add(content)
        else:
            self._customers[file.name] = self._applied = content
