//! Histories: clusters that are made, grow, shrink, get and lose racks, while pods are slow, servers crash or say what is
//! not so, nodes are lost or cut off and come back, and the controller dies. None may do harm, all converge, and the way
//! there does not matter.
//!
//! `HISTORIES` is how many are tried and `SEED` the first of their seeds, which are printed: a history follows from its
//! seed alone. With `EDITS=size` nothing but the number of pods and racks is ever edited.

use std::{
    collections::BTreeMap,
    env, panic,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use super::{Kind, World, clusters::Wish};

/// Tried where nobody says how many.
const FEW: u64 = 60;
/// So many clusters histories end with.
const ENDS: u32 = 500;
/// The longest run of chance.
const THROWS: u64 = 400;

/// Numbers that follow from a seed (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    fn below(&mut self, most: u32) -> u32 {
        u32::try_from(self.next() % u64::from(most)).unwrap()
    }

    fn throws(&mut self) -> Vec<u8> {
        let count = self.next() % THROWS;
        (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

/// Kinds of clusters: what does not change in a history.
fn kinds() -> Vec<Wish> {
    let plain = Wish::default();
    let device = Wish {
        device: true,
        security: false,
        ..plain.clone()
    };
    vec![
        plain.clone(),
        Wish {
            copies: 3,
            batch: Some(2),
            ..device.clone()
        },
        Wish {
            copies: 1,
            ..device.clone()
        },
        Wish {
            fill_delay: 60,
            batch: Some(3),
            multi_pod_per_host: false,
            ..plain.clone()
        },
        Wish {
            keeps_claims: true,
            load_balancer: true,
            ..device.clone()
        },
        Wish {
            copies: 1,
            security: false,
            disable_pdb: true,
            ..plain.clone()
        },
        Wish {
            ignorable: Some(1),
            ..device.clone()
        },
        Wish {
            ignorable: Some(1),
            batch: Some(2),
            security: false,
            ..plain
        },
        Wish {
            local: Some(false),
            ..device.clone()
        },
        Wish {
            local: Some(false),
            recovers: true,
            ..device.clone()
        },
        Wish {
            local: Some(true),
            batch: Some(2),
            ..device.clone()
        },
        Wish {
            community: true,
            racks: 1,
            ..device.clone()
        },
        Wish {
            strong: true,
            ..device.clone()
        },
        Wish {
            strong: true,
            copies: 3,
            batch: Some(2),
            fill_delay: 60,
            ..device.clone()
        },
        Wish {
            strong: true,
            local: Some(true),
            keeps_claims: true,
            ..device
        },
    ]
}

/// Clusters of one kind, one after the other. The last one is one of so many, each of which is made once without mishaps to
/// be compared with.
fn wishes(numbers: &mut Numbers) -> Vec<Wish> {
    let mut of_end = Numbers(numbers.below(ENDS).into());
    let kinds = kinds();
    let kind = &kinds[usize::try_from(of_end.below(kinds.len().try_into().unwrap())).unwrap()];
    let count = numbers.below(3);
    let mut wishes: Vec<_> = (0..count).map(|_| edited(kind, numbers)).collect();
    wishes.push(edited(kind, &mut of_end));
    let mut operation = 0;
    for (index, wish) in (0..).zip(&mut wishes) {
        // None, the one before, or another one.
        operation = [0, operation, index][numbers.below(3) as usize];
        wish.operation = if only_sizes() { 0 } else { operation };
    }
    wishes
}

/// Whether nothing is edited but how many pods and racks there are.
fn only_sizes() -> bool {
    env::var("EDITS").is_ok_and(|edits| edits == "size")
}

/// A cluster of a kind with another size and other things that restart pods.
fn edited(kind: &Wish, numbers: &mut Numbers) -> Wish {
    let resized = resized(kind, numbers);
    if only_sizes() {
        resized
    } else {
        changed(&resized, numbers)
    }
}

fn resized(kind: &Wish, numbers: &mut Numbers) -> Wish {
    let least = if kind.strong { kind.copies } else { 2 };
    Wish {
        size: least + numbers.below(7 - least),
        racks: if kind.community {
            1
        } else {
            1 + numbers.below(3)
        },
        ..kind.clone()
    }
}

fn changed(wish: &Wish, numbers: &mut Numbers) -> Wish {
    let versions = ["8.1.2.0", "8.1.0.1", "7.2.0.5"];
    // Blocking must leave as many nodes as there are copies.
    let may_block = wish.strong && wish.size > wish.copies;
    Wish {
        version: versions[usize::try_from(numbers.below(3)).unwrap()],
        proto_fd_max: 15_000 + numbers.below(2),
        pod_label: numbers.below(2),
        revision: numbers.below(2),
        more_volumes: numbers.below(2) > 0,
        ttl: 3_600 * numbers.below(2),
        // A claim that is bound to a blocked node keeps a pod that crashed there until a person acts.
        blocked: if wish.local.is_some() {
            0
        } else {
            [0, 0, 1, 3][numbers.below(4) as usize]
        },
        dynamic: numbers.below(3) > 0,
        off_roster: if may_block && numbers.below(3) == 0 {
            &["1A0"]
        } else {
            &[]
        },
        active_rack: if wish.community { 0 } else { numbers.below(2) },
        ..wish.clone()
    }
}

type Objects = BTreeMap<(Kind, String), Value>;

/// What clusters are when nothing ever happened to them.
#[derive(Default)]
struct Undisturbed(Mutex<BTreeMap<String, Objects>>);

impl Undisturbed {
    fn of(&self, wish: &Wish) -> Objects {
        // What was restarted on demand leaves no trace in the objects.
        let wish = &Wish {
            operation: 0,
            ..wish.clone()
        };
        let key = format!("{wish:?}");
        if let Some(known) = self.0.lock().unwrap().get(&key) {
            return known.clone();
        }
        let objects = World::settled(wish).comparable();
        self.0.lock().unwrap().insert(key, objects.clone());
        objects
    }
}

/// One history.
fn run(seed: u64, undisturbed: &Undisturbed) {
    let mut numbers = Numbers(seed);
    let wishes = wishes(&mut numbers);
    let mut world = World::new(wishes[0].resolve(), numbers.throws());
    for wish in &wishes {
        world.wish(wish.resolve());
        world.go_on(numbers.below(24));
    }
    world.converge();
    let last = wishes.last().unwrap();
    let mut objects = world.comparable();
    let mut expected = undisturbed.of(last);
    if last.keeps_claims {
        // Claims that were kept may be read by pods that come back to them.
        for objects in [&mut objects, &mut expected] {
            objects.retain(|(kind, _), _| *kind != Kind::Role);
        }
    }
    assert_eq!(objects, expected, "the way to {last:?} matters");
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.trim().parse().ok()
}

#[test]
fn no_history_does_harm_and_all_converge() {
    let count = number("HISTORIES").unwrap_or(FEW);
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let first = number("SEED").unwrap_or_else(|| now().as_secs() * 1_000_000);
    println!("{count} histories from seed {first}");
    let (next, undisturbed) = (AtomicU64::new(0), Undisturbed::default());
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    let seed = first.wrapping_add(index);
                    let history = || run(seed, &undisturbed);
                    if panic::catch_unwind(panic::AssertUnwindSafe(history)).is_err() {
                        println!("history {seed} failed: make histories N=1 SEED={seed}");
                        failed.lock().unwrap().push(seed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let violations = failed.len();
    let converged = count - u64::try_from(violations).unwrap();
    println!("{converged} of {count} histories converged, seed {first}");
    println!("{count} histories, {violations} violations");
    assert_eq!(failed, [0; 0], "these seeds do harm, or do not converge");
}
