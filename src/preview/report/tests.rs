use super::*;
use crate::{
    plan::{forecast::RackForecast, outdated::Change},
    resolve::{RackId, RackIdentifier, Revision},
    validate::report::Report,
};

fn pod(name: &str, fate: Fate, changes: &[Change]) -> PodForecast {
    PodForecast {
        pod: name.to_owned(),
        fate,
        changes: changes.to_vec(),
    }
}

fn rack(id: i64, pods: Vec<PodForecast>) -> RackForecast {
    let starting = pods.iter().filter(|pod| pod.fate == Fate::Starts).count();
    RackForecast {
        rack: RackIdentifier {
            id: RackId(id),
            revision: Revision::default(),
        },
        pods,
        restarted_together: 1,
        removed_together: 1,
        started_together: vec![u32::try_from(starting).unwrap()],
        successor: None,
    }
}

/// An upgrade of the first rack, a second one that comes and a third one that goes.
fn preview() -> Preview {
    let both = [Change::Image, Change::PodSpec];
    let first = vec![
        pod("db-1-0", Fate::Restarts, &both),
        pod("db-1-1", Fate::Restarts, &both[..1]),
    ];
    let racks = vec![
        rack(1, first),
        rack(2, vec![pod("db-2-0", Fate::Starts, &[])]),
        rack(3, vec![pod("db-3-0", Fate::Leaves, &[])]),
    ];
    Preview {
        cluster: ("aerospike".to_owned(), "db".to_owned()),
        is_new: false,
        said: Report::default(),
        forecast: Some(Forecast { racks }),
        hindrances: Vec::new(),
    }
}

#[test]
fn people_read_a_table_the_order_and_a_summary() {
    let expected = "\
aerospike/db

POD     WHAT HAPPENS          WHY
db-1-0  restarts              image, pod spec
db-1-1  restarts              image
db-2-0  starts
db-3-0  is removed

in this order:
  1. db-1-1 restarts
  2. db-1-0 restarts
  3. db-2-0 starts
  4. db-3-0 is removed

1 pod is removed, 2 pods restart, 1 pod starts; partitions move
";
    assert_eq!(render(&[preview()], Output::Text), expected);
}

#[test]
fn what_stands_in_the_way_is_told_with_its_reason() {
    let hindrances = vec![Hindrance::paused()];
    let preview = Preview {
        hindrances,
        ..preview()
    };
    let text = render(std::slice::from_ref(&preview), Output::Text);
    let told = "\nin the way: spec.paused is true: the operator changes nothing [Paused]\n";
    assert!(text.contains(told), "{text}");
    assert!(!preview.goes_through());
}

#[test]
fn programs_read_the_same() {
    let text = render(&[preview()], Output::Json);
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    let told = &read[0];
    assert_eq!(told["name"], "db");
    assert_eq!(told["accepted"], true);
    assert_eq!(
        told["pods"][0],
        serde_json::json!({"pod": "db-1-0", "rack": "1", "action": "podRestart", "reasons": ["image", "pod spec"]})
    );
    assert_eq!(
        told["order"][3],
        serde_json::json!({"action": "remove", "rack": "3", "pods": ["db-3-0"]})
    );
}
