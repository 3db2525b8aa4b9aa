//! How long one review takes of the largest objects, each of another shape: a line a shape, milliseconds of one core.

#[path = "../tests/hostile/shapes.rs"]
mod shapes;

use std::time::{Duration, Instant};

use aerospike_operator::{
    admission::{mutate, validate},
    resolve::Settings,
};
use serde_json::{Value, json};
use shapes::{SHAPES, cluster, review};

/// Bytes of a spec that is looked at.
const LARGEST: usize = 890 << 10;
/// Bytes of an object of which a review with both objects still fits into a body.
const BEYOND: usize = 3900 << 10;
/// The quickest of so many is told: the others waited for something.
const ROUNDS: usize = 5;

fn main() {
    let only = std::env::args()
        .nth(1)
        .filter(|word| !word.starts_with('-'));
    println!(
        "{:>8} {:>8} {:>8} {:>8} {:>8}  ms",
        "KiB", "create", "update", "mutate", "4 MiB"
    );
    let mut slowest = Duration::ZERO;
    for (name, shape) in SHAPES {
        if only
            .as_ref()
            .is_some_and(|only| !name.contains(only.as_str()))
        {
            continue;
        }
        let object = cluster(&shape(LARGEST));
        let (new, old) = (&object, resized(&object));
        let beyond = cluster(&shape(BEYOND));
        let created = review(new, None);
        let took = [
            quickest(&created, judge),
            quickest(&review(new, Some(&old)), judge),
            quickest(&created, |body| drop(mutate(body))),
            quickest(&review(&beyond, Some(&cluster(&json!({})))), judge),
        ];
        let length = new["spec"].to_string().len() >> 10;
        let shown = took.map(|took| format!("{:>8.2}", took.as_secs_f64() * 1e3));
        println!("{length:>8} {}  {name}", shown.join(" "));
        slowest = took.into_iter().fold(slowest, Duration::max);
    }
    println!("slowest: {:.1} ms", slowest.as_secs_f64() * 1e3);
}

fn resized(object: &Value) -> Value {
    let mut old = object.clone();
    old["spec"]["size"] = json!(1);
    old
}

fn judge(body: &[u8]) {
    drop(validate(body, &Settings::default()));
}

fn quickest(body: &[u8], ask: impl Fn(&[u8])) -> Duration {
    let once = || {
        let began = Instant::now();
        ask(body);
        began.elapsed()
    };
    (0..ROUNDS).map(|_| once()).min().unwrap_or_default()
}
