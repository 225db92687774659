"""The work of flat.py with luigi, whose tasks leave a file each."""

import os
import sys
from pathlib import Path

import luigi

folder = Path(sys.argv[1])


class Same(luigi.Task):
    number = luigi.IntParameter()

    def output(self):
        return luigi.LocalTarget(folder / f"same-{self.number}")

    def run(self):
        with self.output().open("w") as file:
            file.write(str(self.number))


class Total(luigi.Task):
    def requires(self):
        return [Same(number) for number in range(int(os.environ["BENCHMARK_TASKS"]))]

    def output(self):
        return luigi.LocalTarget(folder / "total")

    def run(self):
        numbers = [int(Path(one.path).read_text()) for one in self.input()]
        with self.output().open("w") as file:
            file.write(str(sum(numbers)))


done = luigi.build([Total()], local_scheduler=True, log_level="ERROR")
sys.exit(not done)
