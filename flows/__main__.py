"""`onward`, and `python -m flows`: Ctrl-C has its sentence before anything else is imported."""

from flows.interrupts import end_interrupted, is_struck, listen, stop_listening


def main() -> None:
    """Run the command line (`flows.cli.main`); once Ctrl-C was pressed, nothing but 130 comes of it."""
    try:
        try:
            listen()
            from flows.cli import main as command_line

            command_line()
        finally:
            stop_listening()
    finally:
        if is_struck():
            end_interrupted()


if __name__ == "__main__":
    main()
