"""Damages files and kills trainings: ``python -m tests.faults --kills 30 --cases 10000``."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
for threads in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ[threads] = "1"  # a process with few threads can fork

from apps import APPS  # noqa: E402
from tests.faults.cases import FAULTS, OUTCOMES, run_cases  # noqa: E402
from tests.faults.readers import READERS  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--cases", type=int, default=200, help="damaged files for each reader")
    parser.add_argument("--kills", type=int, default=5, help="kills for each application")
    parser.add_argument("--export", action="store_true", help="kill exports too")
    parser.add_argument("--only", nargs="+", default=[], help="readers and applications")
    parser.add_argument("--kept", type=Path, default=Path("faults"), help="folder for what fails")
    args = parser.parse_args()
    rows: list[Counter[str]] = []

    def show(name: str, columns: Sequence[str], counts: Counter[str]) -> None:
        rows.append(counts)
        print(f"{name:18}" + "".join(f"{counts[column]:11}" for column in columns), flush=True)

    if args.cases:
        print("reader            " + "".join(f"{column:>11}" for column in ("cases", *OUTCOMES)))
        for name in READERS:
            if name in args.only or not args.only:
                show(name, ("cases", *OUTCOMES), run_cases(name, args.cases, args.kept))
    if args.kills:
        from tests.conformance.app_rows import ROWS
        from tests.faults.kills import ENDS, run_kills

        print("application       " + "".join(f"{column:>11}" for column in ("kills", *ENDS)))
        for row in ROWS:
            if row.app in APPS and (row.app in args.only or not args.only):
                counts = run_kills(row, args.kills, args.export, args.kept)
                show(row.app, ("kills", *ENDS), counts)
    total = sum(rows, Counter[str]())
    names = ("kills", "cases", *FAULTS, "different", "stuck")
    seconds = sum(os.times()[:4])
    print(*(f"{total[name]} {name}," for name in names), f"{seconds:.0f} s of processor time")
    return 1 if any(total[name] for name in names[2:]) else 0


if __name__ == "__main__":
    sys.exit(main())
