"""Errors that reach people: the class owns the wording and the exit code, facts stay attributes."""


class OnwardError(Exception):
    """Something went wrong that the user should read about, without a traceback. Exits with 1."""

    exit_code = 1


class InputError(OnwardError):
    """Bad usage or invalid input: what was given, what is allowed, what to do next. Exits with 2."""

    exit_code = 2
