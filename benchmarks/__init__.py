"""How fast the platform is beside what people would use instead, measured in one run on one machine.

python -m benchmarks [NAME...] [--followers N] [--quick] [--results DIR]

Each benchmark is a module here with `run(stage, extent) -> Figures`. Ratios are what counts: both sides see
the same machine, the same exchange process and the same load. Results go to benchmarks/results/NAME.json.
"""
