#!/usr/bin/env bash
# Runs submit_and_watch.py and follow_deltas.py against a real engine. Usage: tests/python/run.sh PATH-TO-CLEARLANE
set -euo pipefail

program=${1:?expected the path of the clearlane binary}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
engine=
finish() {
  if [[ -n $engine ]]; then kill -TERM "$engine" 2>/dev/null && wait "$engine" || true; fi
  rm -rf "$work"
}
trap finish EXIT

skip() { echo "skipped: $1 (the Python client was NOT tested)"; exit 0; }

command -v python3 >/dev/null || skip "python3 is not installed"
python3 -m venv "$work/venv" >"$work/venv.log" 2>&1 || skip "python3 can't make a virtual environment"
"$work/venv/bin/pip" install --quiet grpcio grpcio-tools cryptography >"$work/pip.log" 2>&1 ||
  skip "pip can't install grpcio, grpcio-tools and cryptography"

"$program" keys new --out "$work/admin.key" >/dev/null
"$program" keys new --out "$work/alice.key" >/dev/null
mkfifo "$work/out"
"$program" engine --data "$work/data" --listen 127.0.0.1:0 \
  --admin-key "$("$program" keys show --key "$work/admin.key")" >"$work/out" 2>"$work/err" &
engine=$!
# Opening the pipe waits for the engine's end of it, reading for its first line or its death.
exec 3<"$work/out"
read -r line <&3 || true
address=${line#listening on }
if [[ $line != "listening on "* ]]; then cat "$work/err" >&2; exit 1; fi

admin() { "$program" admin "$@" --engine "$address" --key "$work/admin.key" >/dev/null; }
admin asset EUR 2
admin module bank
admin party alice
admin party bob
admin key alice party "$("$program" keys show --key "$work/alice.key")"
admin deposit alice EUR bank 10.00

printed=$("$work/venv/bin/python" "$here/submit_and_watch.py" "$address" "$work/alice.key" alice)
if [[ $printed != settled ]]; then
  echo "expected settled, found $printed" >&2
  exit 1
fi

# Swaps that nobody fills at their price come and stay, and a solver in Python follows what changes.
"$program" keys new --out "$work/solver.key" >/dev/null
admin asset USD 2
admin party python-solver
admin key python-solver solver "$("$program" keys show --key "$work/solver.key")"
admin deposit alice USD bank 100.00
cat >"$work/swap.json" <<'END'
{"kind": "exact_in", "valid_for_s": 600,
 "give": {"asset": "USD", "amount": "1.00", "module": "bank"},
 "get": {"asset": "EUR", "amount": "9.00", "module": "bank"}}
END
"$work/venv/bin/python" "$here/follow_deltas.py" "$address" "$work/solver.key" >"$work/followed" &
follower=$!
swaps=0
while kill -0 "$follower" 2>/dev/null && [[ $swaps -lt 500 ]]; do
  "$program" submit "$work/swap.json" --engine "$address" --party alice --key "$work/alice.key" >/dev/null 2>&1 || true
  swaps=$((swaps + 1))
done
wait "$follower"
printed=$(cat "$work/followed")
if [[ $printed != followed ]]; then
  echo "expected followed, found $printed" >&2
  exit 1
fi
kill -TERM "$engine"
wait "$engine"
engine=
echo "python client: settled"
echo "python solver: followed"
