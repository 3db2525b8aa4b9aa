#!/bin/bash
# Changes the code of the plan in 60 places that a seed picks, and counts which changes its tests notice. Changes that
# do not compile say nothing: others are drawn in their place. All happens in a copy of the sources, which uses what was
# built for the original.
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=${MUTANTS:-60}
seed=${SEED:-$(date +%s)}
out=$PWD/target/mutants
tree=$out/tree
# The histories are the same for all changes, and nobody reads what a property fails on.
export CARGO_TARGET_DIR=$PWD/target HISTORIES=40 SEED=1 PROPTEST_MAX_SHRINK_ITERS=0

command -v cargo-mutants >/dev/null || cargo install --quiet --locked cargo-mutants
rm -rf "$out"
mkdir -p "$tree"
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents --preserve=timestamps -t "$tree"
# What an earlier run built last is newer than the sources, and of a change.
touch "$tree/src/lib.rs"
touch "$out"/{caught,timeout,missed}.txt

# The tests pass as things are; how long they take says when a change makes them hang.
echo "== the tests without a change"
tests() { cargo test --quiet --locked --manifest-path "$tree/Cargo.toml" --package aerospike-operator --lib "$@"; }
tests --no-run
SECONDS=0
tests plan:: >"$out/log.txt" || { cat "$out/log.txt"; exit 1; }
limit=$((60 + 2 * SECONDS))

# Most changes fail a test that takes no time; the others need not run then.
cat >"$out/stages" <<'EOF'
#!/bin/bash
"$1" plan:: --skip plan::world && "$1" plan::world::histories && exec "$1" plan::world --skip histories
EOF
chmod +x "$out/stages"

mutants() {
    cargo mutants --dir "$tree" --no-config --file src/plan.rs --file 'src/plan/**/*.rs' \
        --exclude '**/tests.rs' --exclude src/plan/world.rs --exclude 'src/plan/world/**' "$@"
}

# A shard of as many shards as there are changes is one change: names would not do, a pattern can pick several.
try() {
    mutants --in-place --baseline skip --shard "$1" --timeout "$limit" --build-timeout 1800 --output "$out" \
        --cargo-arg=--config="target.'cfg(all())'.runner='$out/stages'" --cargo-arg=--lib -- plan:: >"$out/log.txt" </dev/null || true
    for outcome in caught timeout missed; do
        sed "s/^/$outcome: /" "$out/mutants.out/$outcome.txt"
        cat "$out/mutants.out/$outcome.txt" >>"$out/$outcome.txt"
    done
}

all=$(mutants --list | wc -l)
echo "== $wanted of $all changes of the plan, seed $seed"
said=0
while read -r change && ((said < wanted)); do
    try "$change/$all"
    said=$(cat "$out"/{caught,timeout,missed}.txt | wc -l)
done < <(awk -v seed="$seed" -v all="$all" 'BEGIN { srand(seed); for (i = 0; i < all; i++) print rand() "\t" i }' | sort -n | cut -f2)
sed 's/^/missed: /' "$out/missed.txt"
echo "caught $(cat "$out"/{caught,timeout}.txt | wc -l) of $said, seed $seed"
