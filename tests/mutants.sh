#!/bin/bash
# Changes the code of the plan in 60 places that a seed picks, and counts which changes its tests notice. Changes that
# do not compile say nothing, so some more than 60 are drawn.
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=60
drawn=80
seed=${SEED:-$(date +%s)}
out=target/mutants
files=(--file 'src/plan.rs' --file 'src/plan/**/*.rs' --exclude '**/tests.rs' --exclude 'src/plan/world.rs' --exclude 'src/plan/world/**')

command -v cargo-mutants >/dev/null || cargo install --quiet --locked cargo-mutants
mkdir -p "$out"

cargo mutants --list "${files[@]}" |
    awk -v seed="$seed" 'BEGIN { srand(seed) } { print rand() "\t" $0 }' |
    sort -n | cut -f2- | head -n "$drawn" >"$out/drawn.txt"

# Names are taken as they are.
chosen=()
while read -r name; do
    chosen+=(--re "^$(sed 's/[][\.*^$+?(){}|/]/\\&/g' <<<"$name")\$")
done <"$out/drawn.txt"

echo "== $wanted changes of the plan, seed $seed"
cargo mutants "${files[@]}" "${chosen[@]}" --output "$out" --no-shuffle --timeout 600 -- --lib plan:: || true

results="$out/mutants.out"
noticed() { cat "$results/caught.txt" "$results/timeout.txt"; }
viable=$(grep -Fxf <(noticed; cat "$results/missed.txt") "$out/drawn.txt" | head -n "$wanted")
caught=$(grep -Fxcf <(noticed) <<<"$viable" || true)
grep -Fxf "$results/missed.txt" <<<"$viable" | sed 's/^/missed: /' || true
echo "caught $caught of $(wc -l <<<"$viable"), seed $seed"
