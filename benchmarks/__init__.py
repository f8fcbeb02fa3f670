"""What `make bench` measures; docs/benchmarks.md tells what came out."""
