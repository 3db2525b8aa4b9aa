//! Objects with very many mistakes of one kind: what is told of them. How long it takes is measured by `benches/hostile.rs`.

mod shapes;

use aerospike_operator::{
    admission::{mutate, validate},
    resolve::Settings,
};
use serde_json::{Value, json};
use shapes::{SHAPES, cluster, review};

/// Bytes of an object, enough for thousands of mistakes.
const BYTES: usize = 100 << 10;

fn response(new: &Value, old: Option<&Value>) -> Value {
    let answer = validate(&review(new, old), &Settings::default()).unwrap();
    let mut answer: Value = serde_json::from_slice(&answer.body).unwrap();
    answer["response"].take()
}

/// Places and codes of all causes but the number of those that are left out.
fn causes(response: &Value) -> Vec<(String, String)> {
    let causes = response["status"]["details"]["causes"].as_array();
    let text = |cause: &Value, member: &str| cause[member].as_str().unwrap_or_default().to_owned();
    let causes = causes.into_iter().flatten();
    let told = causes.filter(|cause| !text(cause, "message").starts_with("and "));
    told.map(|cause| {
        let message = text(cause, "message");
        let (_, code) = message.rsplit_once(" [").unwrap();
        (text(cause, "field"), code.to_owned())
    })
    .collect()
}

#[test]
fn however_many_mistakes_there_are_the_answer_is_short_and_without_doubles() {
    for (name, shape) in SHAPES {
        let object = cluster(&shape(BYTES));
        let response = response(&object, None);
        let told = causes(&response);
        let mut single = told.clone();
        single.sort();
        single.dedup();
        assert_eq!(single.len(), told.len(), "{name}: {told:#?}");
        assert!(told.len() <= 50, "{name}: {}", told.len());
        assert!(response.to_string().len() < 128 << 10, "{name}");
        let refused = response["status"]["code"] == 422;
        assert!(refused || response["allowed"] == true, "{name}: {response}");
        let answer = mutate(&review(&object, None)).unwrap();
        assert!(answer.outcome.allowed, "{name}");
    }
}

#[test]
fn very_many_mistakes_are_counted_as_far_as_they_were_looked_for() {
    let object = cluster(&json!({"rosterNodeBlockList": vec!["x"; 5000]}));
    let response = response(&object, None);
    let message = response["status"]["message"].as_str().unwrap();
    assert!(message.ends_with("\n* and 206 more at least"), "{message}");
    let wanted: Vec<_> = (0..50)
        .map(|index| {
            (
                format!("spec.rosterNodeBlockList[{index}]"),
                "ROS-01]".to_owned(),
            )
        })
        .collect();
    assert_eq!(causes(&response), wanted);
}

#[test]
fn what_was_wrong_before_stays_accepted_however_much_of_it_there_is() {
    for (name, shape) in SHAPES {
        let old = cluster(&shape(BYTES / 4));
        let mut new = old.clone();
        new["spec"]["paused"] = json!(true);
        let told = causes(&response(&new, Some(&old)));
        let is_about_size = told.iter().all(|(_, code)| code.starts_with("SIZE-"));
        assert!(is_about_size, "{name}: {told:#?}");
    }
}

#[test]
fn a_spec_that_no_status_can_hold_is_refused_unread() {
    let object = cluster(&json!({"aerospikeConfig": {"service": {"x": "y".repeat(1 << 20)}}}));
    let told = causes(&response(&object, None));
    assert_eq!(told, [("spec".to_owned(), "SIZE-02]".to_owned())]);
}

#[test]
fn what_is_too_long_already_is_judged_as_ever() {
    let bulk = "y".repeat(1 << 20);
    let old = cluster(&json!({"aerospikeConfig": {"service": {"pidfile": bulk}}}));
    let mut new = old.clone();
    new["spec"]["rosterNodeBlockList"] = json!(["x"]);
    let told = causes(&response(&new, Some(&old)));
    assert_eq!(
        told,
        [(
            "spec.rosterNodeBlockList[0]".to_owned(),
            "ROS-01]".to_owned()
        )]
    );
}
