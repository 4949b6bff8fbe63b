"""How fastact is compared with other libraries: for `python -m fastact bench` and the benchmarks of bench/."""
