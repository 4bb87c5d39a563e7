"""What goes wrong with content, and where."""


class ContentError(ValueError):
    """A template that isn't allowed, or a render that failed; says where and why."""


class SourceError(ContentError):
    """What keeps a template from ever being used.

    Attributes:
        file: the template file, or what part of a message it is: `subject`, `text`, `html`.
        line: from 1.
        what: the fault itself, and what to do.
    """

    def __init__(self, file: str, line: int, what: str) -> None:
        super().__init__(f"{file}, line {line}: {what}")
        self.file = file
        self.line = line
        self.what = what
