#!/bin/bash
# Changes the code of the plan in 60 places that a seed picks, and counts which changes its tests notice. Changes that
# do not compile say nothing: others are drawn in their place. All happens in a copy of the sources, which shares the
# built crates.
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=${MUTANTS:-60}
seed=${SEED:-$(date +%s)}
out=$PWD/target/mutants
tree=$out/tree
files=(--file 'src/plan.rs' --file 'src/plan/**/*.rs' --exclude '**/tests.rs' --exclude 'src/plan/world.rs' --exclude 'src/plan/world/**')
# The histories are the same for all changes.
export CARGO_TARGET_DIR=$PWD/target HISTORIES=40 SEED=1

command -v cargo-mutants >/dev/null || cargo install --quiet --locked cargo-mutants
rm -rf "$out"
mkdir -p "$tree"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --preserve=timestamps -t "$tree"

cargo mutants --dir "$tree" --list "${files[@]}" |
    awk -v seed="$seed" 'BEGIN { srand(seed) } { print rand() "\t" $0 }' |
    sort -n | cut -f2- >"$out/order.txt"

# Runs the mutants named on standard input; names are taken as they are.
try() {
    local chosen=() name
    while read -r name; do
        chosen+=(--re "^$(sed 's/[][\.*^$+?(){}|/]/\\&/g' <<<"$name")\$")
    done
    cargo mutants --dir "$tree" --in-place --no-config --baseline skip --timeout 120 --build-timeout 900 \
        --output "$out" --cargo-arg=--lib "${files[@]}" "${chosen[@]}" -- plan:: || true
    cat "$out"/mutants.out/{caught,timeout}.txt >>"$out/noticed.txt"
    cat "$out/mutants.out/missed.txt" >>"$out/missed.txt"
}

echo "== $wanted of $(wc -l <"$out/order.txt") changes of the plan, seed $seed"
touch "$out"/{noticed,missed}.txt
tried=0
while said=$(cat "$out"/{noticed,missed}.txt | wc -l) && ((said < wanted)); do
    try < <(tail -n +$((tried + 1)) "$out/order.txt" | head -n $((wanted - said)))
    ((tried += wanted - said))
    ((tried < $(wc -l <"$out/order.txt"))) || break
done
sed 's/^/missed: /' "$out/missed.txt"
echo "caught $(wc -l <"$out/noticed.txt") of $(cat "$out"/{noticed,missed}.txt | wc -l), seed $seed"
