"""All benchmarks, or one: `python -m tests.benchmarks [NAME [OPTION…]]`.

Each runs in a process of its own, so that none is measured with another's memory or garbage.
"""

import subprocess
import sys
import time

NAMES = (
    "idle_run",
    "load_ratio",
    "small_files",
    "mutations",
    "engine_vs_oracle",
    "pattern_crossings",
    "due_at_once",
    "cron_reach",
    "run_tick",
    "tick_on_history",
    "ticks_in_a_row",
    "backtest_ratio",
    "by_hand",
    "small_backtest",
    "smtp",
    "handover",
    "http_senders",
    "rendering",
    "explain",
    "report_views",
)


def main() -> int:
    """Run what was asked for; with several, sum up at the end. Returns the exit code."""
    name, *options = sys.argv[1:] or ("",)
    if name.startswith("-"):
        name, options = "", sys.argv[1:]
    if name and name not in NAMES:
        print(f"no benchmark {name!r}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    lines, failed = [], False
    for one in [name] if name else NAMES:
        began = time.perf_counter()
        print(f"── {one}", file=sys.stderr)
        done = subprocess.run(
            [sys.executable, "-m", f"tests.benchmarks.{one}", *options],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        failed |= done.returncode != 0
        took = f"({time.perf_counter() - began:.0f} s with preparation)"
        lines.append(f"{one} {'failed' if done.returncode else ''} {took}\n{done.stdout}")
        print(done.stdout, end="", flush=True)
    if not name:
        print("\nSummary\n" + "\n".join(lines))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
