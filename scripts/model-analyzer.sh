#!/usr/bin/env bash
# Installs NVIDIA's Model Analyzer into the cache folder, once (608 MB), and prints the path of the program.
# Only the benchmark of the sweep uses it. perf_analyzer, which it runs, comes from perf-analyzer.sh.
set -euo pipefail

version=1.58.0

cache="${TRITON_PERF_GATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/triton-perf-gate}"
folder="$cache/model-analyzer-$version"
program="$folder/bin/model-analyzer"

fail() {
  echo "Model Analyzer $version cannot be had: $1" >&2
  exit 1
}

if [ -e "$folder/complete" ]; then
  echo "$program"
  exit 0
fi

mkdir -p "$cache"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
# Not moved into place when it is whole, as elsewhere: the programs of an environment name the place that it was made in.
rm -rf "$folder"
python3 -m venv "$folder" >"$log" 2>&1 || fail "python3 -m venv: $(tail -n 1 "$log")"
"$folder/bin/pip" install --quiet --disable-pip-version-check "triton-model-analyzer==$version" >"$log" 2>&1 ||
  fail "pip: $(tail -n 1 "$log")"
"$program" --version >"$log" 2>&1 || fail "it does not start: $(tail -n 1 "$log")"
touch "$folder/complete"
echo "$program"
