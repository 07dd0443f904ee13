#!/usr/bin/env bash
# Run the native code under sanitizers: tools/sanitize.sh address|thread [--short|--pool]
#
# address: AddressSanitizer and UndefinedBehaviorSanitizer over the pool and all of
# tests/native; thread: ThreadSanitizer over the pool and the tests that use threads.
# --pool: the pool of threads alone, in seconds; the module takes minutes to compile.
# Compiled are all instruction sets, with --short the best of this processor alone.
# Needs g++ with its sanitizers (Debian: g++), and [dev] of pyproject.toml. PYTHON chooses
# the interpreter.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
python=${PYTHON:-python}
kind=${1:-}
targets=
[ "${2:-}" = --short ] && targets=$("$python" tools/build_native.py --best)

case $kind in
    address) sanitize=address,undefined library=libasan.so pool=fork tests=(tests/native) ;;
    thread)
        # It knows no threads after a fork of a program that has several.
        sanitize=thread library=libtsan.so pool=
        tests=(tests/native/test_pool.py tests/native/test_robust.py -k thread)
        ;;
    *)
        echo "tools/sanitize.sh needs address or thread; got '$kind'." >&2
        exit 2
        ;;
esac

runtime=$(g++ -print-file-name="$library")
if [ ! -e "$runtime" ]; then
    echo "tools/sanitize.sh needs $library of g++; install libgcc-dev of its version." >&2
    exit 1
fi

into=build/sanitized-$kind
mkdir -p "$into"
echo "the pool alone, $sanitize"
g++ -std=c++20 -O1 -g -fsanitize="$sanitize" -fno-sanitize-recover=all -Inative \
    tests/native/pool_check.cpp native/core/pool.cpp -pthread -o "$into/pool_check"
"$into/pool_check" $pool
[ "${2:-}" = --pool ] && echo "nothing found" && exit

echo "the module, $sanitize, ${targets:-all instruction sets}"
"$python" tools/build_native.py --targets "$targets" --sanitize "$sanitize" --into "$into"

# The runtime comes first in the interpreter, and only there: not in what builds. What it
# finds goes to files, since pytest keeps what a process that ends here has said.
rm -f "$into"/report.*
report=log_path=$root/$into/report
if ! env LD_PRELOAD="$runtime $(g++ -print-file-name=libstdc++.so)" \
    ASAN_OPTIONS="detect_leaks=0:$report" TSAN_OPTIONS="halt_on_error=1:$report" \
    UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1:$report" \
    PYTHONMALLOC=malloc PYTHONPATH="$root/$into" OMP_NUM_THREADS=1 PYTHONHASHSEED=0 \
    ANYMAX_REQUIRE_NATIVE=1 ANYMAX_SANITIZED="$kind" \
    "$python" -m pytest -q -n 2 -p no:cacheprovider "${tests[@]}"; then
    cat "$into"/report.* 2>/dev/null >&2 || true
    exit 1
fi
echo "nothing found"
