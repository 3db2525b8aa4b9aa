//! Reviews of damaged samples, of random objects in the shape of the schema, now and then of a very large one: each is
//! answered, with a verdict, soon. `FUZZ_CASES` says how many, `FUZZ_SEED` repeats a run.

#[path = "hostile/shapes.rs"]
mod shapes;

use std::{
    fs,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aerospike_operator::{
    admission::{Answer, BadReview, mutate, validate},
    resolve::Settings,
};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// What a review may take of a core in a release build, and without optimisation.
const SOON: Duration = if cfg!(debug_assertions) {
    Duration::from_secs(3)
} else {
    Duration::from_millis(100)
};
/// Bytes of the objects for which that holds.
const LARGE: usize = 1 << 20;
/// One object of so many is a very large one.
const RARE: usize = 2000;

/// Xorshift: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.roll() % most.max(1) as u64).unwrap()
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

type Webhook = fn(&[u8]) -> Result<Answer, BadReview>;

/// Each webhook, and whether it may refuse.
const WEBHOOKS: [(Webhook, bool); 2] = [
    (mutate, false),
    (|body| validate(body, &Settings::default()), true),
];

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn samples() -> Vec<Value> {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "data", "samples"]
        .iter()
        .collect();
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        .collect()
}

const WORDS: &[&str] = &[
    "",
    " ",
    "test",
    "a b",
    "v1",
    "V1.2",
    "a/b:8.1.2.0",
    "aerospike/aerospike-server:7.0.0.0",
    "aerospike-kubernetes-init:x",
    "99999999999999999999.1.1",
    "latest",
    "<access-address>",
    "${un}",
    "dd",
    "none",
    "Block",
    "50%",
    "ä\u{0}\n\"",
    "1Gi",
    "namespaces.{x}.y",
];

const KEYS: &[&str] = &[
    "",
    "a.b",
    "{x}",
    "~0/",
    "name",
    "rack-id",
    "network",
    "security",
    "service",
    "racks",
    "namespaces",
    "storage-engine",
    "files",
    "devices",
    "ldap",
    "tls",
    "logging",
    "heartbeat",
    "metadata",
    "spec",
    "status",
    "storage",
    "volumes",
    "effectiveStorage",
    "port",
    "tls-name",
];

fn scalar(dice: &mut Dice) -> Value {
    match dice.below(9) {
        0 => Value::Null,
        1 => json!(dice.roll() & 1 == 0),
        2 => json!(dice.below(5)),
        3 => json!(-1),
        4 => json!(u64::MAX),
        5 => json!(1e300),
        6 => json!(0.5),
        _ => json!(dice.pick(WORDS)),
    }
}

fn anything(dice: &mut Dice, depth: usize) -> Value {
    match (depth, dice.below(5)) {
        (0, _) | (_, 0 | 1) => scalar(dice),
        (_, 2) => (0..dice.below(4))
            .map(|_| anything(dice, depth - 1))
            .collect(),
        _ => (0..dice.below(4))
            .map(|_| ((*dice.pick(KEYS)).to_owned(), anything(dice, depth - 1)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

/// Every place in `value`, as JSON pointers.
fn places(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                places(value, &format!("{here}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                places(value, &format!("{here}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Damages one place: another value, a missing or further member, an item twice, a subtree of another place.
fn damage(object: &mut Value, dice: &mut Dice) {
    let mut all = Vec::new();
    places(object, "", &mut all);
    let place = dice.pick(&all).clone();
    let from: &String = dice.pick(&all);
    let donor = object.pointer(from).cloned().unwrap_or_default();
    let Some(target) = object.pointer_mut(&place) else {
        return;
    };
    match (dice.below(5), target) {
        (0, target) => *target = scalar(dice),
        (1, target) => *target = anything(dice, 4),
        (2, target) => *target = donor,
        (_, Value::Object(members)) => {
            let keys: Vec<_> = members.keys().cloned().collect();
            if dice.below(2) == 0 && !keys.is_empty() {
                members.remove(dice.pick(&keys));
            } else {
                members.insert((*dice.pick(KEYS)).to_owned(), anything(dice, 3));
            }
        }
        (_, Value::Array(items)) if !items.is_empty() => {
            let item = dice.pick(items).clone();
            items.push(item);
        }
        (_, target) => *target = scalar(dice),
    }
}

/// The JSON schema of the definition's version.
fn schema() -> Value {
    let definition = aerospike_operator::api::crd::aerospike_cluster();
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

/// A random value in the shape of `schema`, now and then out of shape.
fn shaped(schema: &Value, dice: &mut Dice, depth: usize) -> Value {
    if depth == 0 || dice.below(60) == 0 {
        return anything(dice, 2);
    }
    if let Some(words) = schema["enum"].as_array() {
        return dice.pick(words).clone();
    }
    match schema["type"].as_str() {
        Some("object") => shaped_object(schema, dice, depth),
        Some("array") => (0..dice.below(4))
            .map(|_| shaped(&schema["items"], dice, depth - 1))
            .collect(),
        Some("string") => json!(dice.pick(WORDS)),
        Some("integer") => json!(dice.below(6)),
        Some("boolean") => json!(dice.below(2) == 0),
        _ => anything(dice, 3),
    }
}

fn shaped_object(schema: &Value, dice: &mut Dice, depth: usize) -> Value {
    let Some(properties) = schema["properties"].as_object() else {
        return anything(dice, 4);
    };
    let required = schema["required"].as_array();
    let mut object = serde_json::Map::new();
    for (key, schema) in properties {
        let needed = required.is_some_and(|keys| keys.iter().any(|needed| needed == key));
        if needed || dice.below(4) == 0 {
            object.insert(key.clone(), shaped(schema, dice, depth - 1));
        }
    }
    object.into()
}

/// An object that is damaged, random, or half and half; seldom one with very much of something.
fn object(samples: &[Value], schema: &Value, dice: &mut Dice) -> Value {
    let mut object = dice.pick(samples).clone();
    if dice.below(RARE) == 0 {
        let (_, shape) = dice.pick(shapes::SHAPES);
        object = shapes::cluster(&shape(1 << (10 + dice.below(10))));
    }
    match dice.below(4) {
        0 => object["spec"] = shaped(&schema["properties"]["spec"], dice, 12),
        1 => {
            let random = shaped(&schema["properties"]["spec"], dice, 12);
            json_patch::merge(&mut object["spec"], &random);
        }
        _ => {}
    }
    if dice.below(3) == 0 {
        object["status"] = shaped(&schema["properties"]["status"], dice, 12);
    }
    for _ in 0..dice.below(4) {
        damage(&mut object, dice);
    }
    object
}

/// What this thread took of its core so far: others may have been on it meanwhile.
fn worked() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap(),
        u32::try_from(now.tv_nsec).unwrap(),
    )
}

/// Reviews `object` by both webhooks and tells whether it was accepted.
fn reviewed(request: &Value, case: &str) -> bool {
    let bytes = request.to_string();
    let mut accepted = false;
    for (webhook, may_refuse) in WEBHOOKS {
        let asked = worked();
        let answer = webhook(bytes.as_bytes()).unwrap();
        let took = worked().saturating_sub(asked);
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        let response = &answer["response"];
        accepted = response["allowed"] == true;
        let refused = may_refuse && response["status"]["code"] == 422;
        assert!(
            (accepted || refused) && response["uid"] == "u",
            "{case}: {answer:#}\n{bytes}"
        );
        assert!(
            took < SOON || request["request"]["object"].to_string().len() > LARGE,
            "{case} took {took:?}: {} bytes",
            bytes.len()
        );
    }
    accepted
}

/// Number of accepted ones among `cases` random reviews.
fn storm(cases: u64, seed: u64) -> u64 {
    let (samples, schema) = (samples(), schema());
    let mut dice = Dice(seed);
    let mut accepted = 0;
    for case in 0..cases {
        let new = object(&samples, &schema, &mut dice);
        let old = object(&samples, &schema, &mut dice);
        let operation = *dice.pick(&["CREATE", "UPDATE"]);
        let request = json!({"request": {"uid": "u", "operation": operation, "name": "db",
            "object": new, "oldObject": (operation == "UPDATE").then_some(old)}});
        let case = format!("case {case} of FUZZ_SEED={seed}");
        accepted += u64::from(reviewed(&request, &case));
    }
    accepted
}

#[test]
fn any_review_gets_a_verdict_soon() {
    let cases = from_env("FUZZ_CASES").unwrap_or(20_000);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = from_env("FUZZ_SEED").unwrap_or(u64::from(now.subsec_nanos()) + 1);
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    println!("FUZZ_SEED={seed}, and the {threads} from there, one a thread");
    let accepted: u64 = std::thread::scope(|scope| {
        let start = |thread| scope.spawn(move || storm(cases.div_ceil(threads), seed + thread));
        let running: Vec<_> = (0..threads).map(start).collect();
        running.into_iter().map(|t| t.join().unwrap()).sum()
    });
    println!("{accepted} of {cases} accepted");
    assert!(cases < 1000 || (accepted > 0 && accepted < cases));
}

/// The JSON text of `value` with the members of every object the other way round.
fn backwards(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(",");
    match value {
        Value::Object(members) => {
            let member =
                |(key, value): (&String, &Value)| format!("{}:{}", json!(key), backwards(value));
            format!("{{{}}}", joined(members.iter().rev().map(member).collect()))
        }
        Value::Array(items) => format!("[{}]", joined(items.iter().map(backwards).collect())),
        scalar => scalar.to_string(),
    }
}

#[test]
fn answers_do_not_depend_on_the_order_of_keys() {
    let (samples, schema) = (samples(), schema());
    let mut dice = Dice(from_env("FUZZ_SEED").unwrap_or(7));
    for _ in 0..500 {
        let [new, old] = [(); 2].map(|()| object(&samples, &schema, &mut dice));
        for old in [None, Some(&old)] {
            let review: Value = serde_json::from_slice(&shapes::review(&new, old)).unwrap();
            for (webhook, _) in WEBHOOKS {
                let bodies = [review.to_string(), backwards(&review)];
                let [forth, back] = bodies.map(|body| webhook(body.as_bytes()).unwrap().body);
                let said = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap();
                assert_eq!(said(&forth), said(&back), "{review}");
            }
        }
    }
}

#[test]
fn any_bytes_are_refused_or_answered() {
    let seed = from_env("FUZZ_SEED").unwrap_or(1);
    let mut dice = Dice(seed);
    let sample = shapes::review(&samples()[0], None);
    for _ in 0..2000 {
        let mut bytes = sample.clone();
        for _ in 0..=dice.below(3) {
            let place = dice.below(bytes.len());
            bytes[place] = u8::try_from(dice.below(256)).unwrap();
        }
        bytes.truncate(dice.below(4 * bytes.len()));
        for (webhook, _) in WEBHOOKS {
            let _ = webhook(&bytes);
        }
    }
}

#[test]
fn a_tower_of_brackets_is_a_finding() {
    let tower = "[".repeat(100_000) + &"]".repeat(100_000);
    let bytes = format!(
        r#"{{"request": {{"uid": "u", "operation": "CREATE", "object": {{"spec": {{"aerospikeConfig": {{"a": {tower}}}}}}}}}}}"#
    );
    for (webhook, may_refuse) in WEBHOOKS {
        let answer = webhook(bytes.as_bytes()).unwrap();
        assert_eq!(answer.outcome.allowed, !may_refuse);
    }
}
