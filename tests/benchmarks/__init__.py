"""How fast and how light: the product beside other ways to do the same, in one run on one machine.

    python -m tests.benchmarks                    every row, about forty minutes
    python -m tests.benchmarks --quick            every row in little, to see that all of them run
    python -m tests.benchmarks --rows speed,memory

Machines drift and are shared: only ratios of one run count, so what is compared runs turn by turn, and the medians of
several turns are shown. No test asserts a time. The peers run where the extra `bench` is installed.
"""
