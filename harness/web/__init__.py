"""Pages on this machine alone: `harness annotate` and `harness serve`.

`loopback` is the one server of both: who may ask, how long a request may take, what goes with every
answer. `desk`, `table` and `pictures` are the annotation of a folder of images; `runs` are the
leaderboard and the reports of a folder of runs.
"""
