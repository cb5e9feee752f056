#!/usr/bin/env bash
# Installs NVIDIA's perf_analyzer into the cache folder, once, and prints the path of a program to start it.
# The benchmark and the tests of `engine: perf_analyzer` use it; the product takes whichever one it is given.
#
# The wheel needs glibc 2.38. On an older Debian it runs on the C library of the next release, unpacked into a
# folder of its own: nothing of the system is touched. apt checks the signatures, with the lists and keys it has.
set -euo pipefail

version=2.60.0
wheel_sha256=23ef56b107ae9233e5cf09fbdf508dd9b936a52f1bae2f63f53c8117087b3f25
newer_release=trixie
newer_libraries=(libc6 libstdc++6 libgcc-s1 zlib1g libssl3t64)

cache="${TRITON_PERF_GATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/triton-perf-gate}"
folder="$cache/perf_analyzer-$version"
program="$folder/perf_analyzer"

fail() {
  echo "perf_analyzer $version cannot be had: $1" >&2
  exit 1
}

if [ -x "$program" ]; then
  echo "$program"
  exit 0
fi
[ "$(uname -sm)" = 'Linux x86_64' ] || fail "its wheel is for Linux on x86-64, this is $(uname -sm)"

mkdir -p "$cache"
partial="$(mktemp -d "$cache/perf_analyzer.partial.XXXXXX")"
trap 'rm -rf "$partial"' EXIT
log="$partial/install.log"

# Its dependencies are of its Python wrapper, which is not used.
echo "perf_analyzer==$version --hash=sha256:$wheel_sha256" >"$partial/requirements.txt"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
  --platform manylinux_2_38_x86_64 --require-hashes --requirement "$partial/requirements.txt" --dest "$partial" \
  >"$log" 2>&1 || fail "pip: $(tail -n 1 "$log")"
python3 -m zipfile -e "$partial"/perf_analyzer-*.whl "$partial/wheel"
binary="wheel/perf_analyzer/bin/perf_analyzer"
chmod +x "$partial/$binary"

if "$partial/$binary" --version >"$log" 2>&1; then
  cat >"$partial/perf_analyzer" <<'SH'
#!/bin/sh
here="$(dirname "$(readlink -f "$0")")"
exec "$here/wheel/perf_analyzer/bin/perf_analyzer" "$@"
SH
else
  command -v apt-get >/dev/null || fail "this system is older than it needs ($(tail -n 1 "$log")), and there is no apt-get"
  codename="$(. /etc/os-release && echo "${VERSION_CODENAME:-}")"
  grep -qs "$codename" /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources ||
    fail "the apt sources do not name the release '$codename'"
  apt="$partial/apt"
  mkdir -p "$apt/sources" "$apt/state/lists/partial" "$apt/cache/archives/partial"
  # This machine's own sources, for the next release.
  for list in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
    [ -f "$list" ] && sed "s/\b$codename\b/$newer_release/g" "$list" >"$apt/sources/$(basename "$list" | sed 's/^sources.list$/debian.list/')"
  done
  printf '%s\n' \
    'Dir::Etc::sourcelist "/dev/null";' \
    "Dir::Etc::sourceparts \"$apt/sources\";" \
    "Dir::State \"$apt/state\";" \
    'Dir::State::status "/dev/null";' \
    "Dir::Cache \"$apt/cache\";" \
    'APT::Sandbox::User "";' >"$apt/apt.conf"
  export APT_CONFIG="$apt/apt.conf"
  apt-get -qq update >"$log" 2>&1 || fail "apt-get update: $(tail -n 1 "$log")"
  (cd "$apt/cache" && apt-get -qq download "${newer_libraries[@]}") >"$log" 2>&1 ||
    fail "apt-get download: $(tail -n 1 "$log")"
  for package in "$apt"/cache/*.deb; do dpkg-deb -x "$package" "$partial/libraries"; done
  rm -rf "$apt"
  # Debian has the libraries in usr/lib, older ones of them in lib.
  cat >"$partial/perf_analyzer" <<'SH'
#!/bin/sh
here="$(dirname "$(readlink -f "$0")")"
libraries="$here/libraries/usr/lib/x86_64-linux-gnu:$here/libraries/lib/x86_64-linux-gnu"
exec "$here/libraries/usr/lib64/ld-linux-x86-64.so.2" --library-path "$libraries" "$here/wheel/perf_analyzer/bin/perf_analyzer" "$@"
SH
fi
chmod +x "$partial/perf_analyzer"
"$partial/perf_analyzer" --version >"$log" 2>&1 || fail "it does not start: $(tail -n 1 "$log")"

rm -f "$log" "$partial"/*.whl "$partial/requirements.txt"
trap - EXIT
# Whoever comes second finds the first one's, which is the same.
mv -T "$partial" "$folder" 2>/dev/null || rm -rf "$partial"
echo "$program"
