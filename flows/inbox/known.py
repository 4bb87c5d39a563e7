"""Which contents of the inbox came before: of events any file's, of customers the name's and what applied last."""

from flows.inbox.arrivals import WaitingFile
from flows.session import Session
from flows.warehouse import run_sql


class Known:
    """What was loaded or archived so far.

    A customer file is a state: it applies again when its name has other bytes than before, unless these are the bytes
    of the customer file that was applied last (contract.md). Events are taken in once, by content.
    """

    def __init__(self, session: Session) -> None:
        """Ask the store of the session, and what is archived beside it."""
        con = session.con
        self._events = {one for (one,) in run_sql(con, "inbox/intake/event_contents.sql").fetchall()}
        self._customers = dict(run_sql(con, "inbox/intake/customer_contents.sql").fetchall())
        ((self._applied,),) = run_sql(con, "inbox/intake/applied_last.sql").fetchall()

    def has(self, file: WaitingFile, content: str) -> bool:
        """Whether a file with this content has nothing new to say."""
        if file.kind == "events":
            return content in self._events
        return content in (self._customers.get(file.name), self._applied)

    def note(self, file: WaitingFile, content: str) -> None:
        """The content of a file that is taken in now."""
        if file.kind == "events":
            self._events.add(content)
        else:
            self._customers[file.name] = self._applied = content
