//! The name of a cluster: it is the name of a service, and a part of every pod label.

use std::collections::BTreeSet;

use crate::{
    admission::{
        rules::{Area, Change, Operation, Told},
        subject::{PlacedRack, Subject},
    },
    finding::{FieldPath, Finding},
    resolve::racks::rack_path,
    resources::names::stateful_set,
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[name_can_be_a_service, name_leaves_room_in_labels],
    changes: &[stateful_sets_leave_room_in_labels],
    advice: &[],
};

/// What a label's value holds at most.
const LABEL_LIMIT: usize = 63;
/// Three hyphens and the digits of rack id 1000000.
const HYPHENS_AND_RACK_ID: usize = 10;
/// What Kubernetes appends to a `StatefulSet`'s name in `controller-revision-hash`.
const REVISION_HASH: usize = 10;
/// Room that is kept for a revision, be there one or not.
const SHORTEST_REVISION: usize = 3;

fn name_can_be_a_service(subject: &Subject<'_>) -> Vec<Finding> {
    let name = subject.name;
    if subject.operation != Operation::Create || is_dns_1035(name) {
        return Vec::new();
    }
    vec![Finding::invalid(
        "META-01",
        FieldPath::metadata().child("name"),
        format!(
            "cluster name {name:?} is not a valid Kubernetes service name (DNS-1035): at most 63 lower case alphanumeric \
             characters or '-', start with an alphabetic character, and end with an alphanumeric character, such as my-db"
        ),
    )]
}

fn is_dns_1035(name: &str) -> bool {
    is_dns_1123(name) && name.starts_with(|c: char| c.is_ascii_lowercase())
}

/// Whether `text` is a label of RFC 1123.
pub(super) fn is_dns_1123(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=LABEL_LIMIT).contains(&text.len())
        && text.chars().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn name_leaves_room_in_labels(subject: &Subject<'_>) -> Vec<Finding> {
    if subject.operation != Operation::Create {
        return Vec::new();
    }
    let longest = subject
        .racks()
        .iter()
        .enumerate()
        .map(|(index, rack)| (index, rack, rack.revision.as_deref().unwrap_or("").len()))
        .max_by_key(|(index, _, length)| (*length, std::cmp::Reverse(*index)));
    let length = longest.map_or(0, |(_, _, length)| length);
    let revision = length.max(SHORTEST_REVISION);
    let name = subject.name.len();
    let total = name + HYPHENS_AND_RACK_ID + revision + REVISION_HASH;
    if total <= LABEL_LIMIT {
        return Vec::new();
    }
    let path = match longest {
        Some((index, rack, length)) if length > SHORTEST_REVISION => {
            rack_path(index, rack).child("revision")
        }
        _ => FieldPath::metadata().child("name"),
    };
    vec![Finding::invalid(
        "META-02",
        path,
        format!(
            "Pod label value would exceed the 63-character DNS label limit: cluster name = {name}, hyphens and rack id = \
             {HYPHENS_AND_RACK_ID}, revision placeholder = {revision}, controller revision hash = {REVISION_HASH}, total = \
             {total}; shorten the cluster name or the rack revision: reduce by {}",
            total - LABEL_LIMIT
        ),
    )]
}

/// UPD-37. One that is there already did find room: a revision's hash may be shorter than its longest.
fn stateful_sets_leave_room_in_labels(change: &Change<'_>) -> Vec<Finding> {
    let there: BTreeSet<_> = with_pods(change.old).map(|(_, name)| name).collect();
    let room = LABEL_LIMIT - 1 - REVISION_HASH;
    let new = with_pods(change.new).filter(|(_, name)| !there.contains(name));
    let long = new.filter(|(_, name)| name.len() > room);
    long.map(|(placed, name)| {
        Finding::invalid(
            "UPD-37",
            placed.path().child("revision"),
            format!(
                "rack {} would generate pod label value exceeding the 63-character DNS label limit: its StatefulSet's name has \
                 {} characters, and {room} is the most; shorten the revision: reduce by {}",
                placed.rack.id,
                name.len(),
                name.len() - room
            ),
        )
    })
    .told()
}

/// The racks that get pods, with the names of their stateful sets.
fn with_pods<'a>(
    subject: &Subject<'a>,
) -> impl Iterator<Item = (PlacedRack<'a>, String)> + use<'a> {
    let cluster = subject.name;
    let racks = subject.racks_with_pods();
    racks.map(move |(placed, _)| (placed, stateful_set(cluster, &placed.identifier())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        admission::cluster::testing::{cluster, created, text, updated},
        api::AerospikeCluster,
    };

    fn named(name: &str, spec: &serde_json::Value) -> AerospikeCluster {
        let mut cluster = cluster(spec);
        cluster.metadata.name = Some(name.to_owned());
        cluster
    }

    #[test]
    fn a_name_is_a_service_name() {
        for good in ["db", "a1", "my-db"] {
            assert_eq!(created(&named(good, &json!({}))), [""; 0], "{good}");
        }
        for bad in ["1mycluster", "Db", "db-", "-db", "a.b", ""] {
            let found = created(&named(bad, &json!({})));
            assert_eq!(found, ["META-01 metadata.name"], "{bad}");
        }
        let text = text(&named("1mycluster", &json!({})));
        assert!(text.contains(
            "cluster name \"1mycluster\" is not a valid Kubernetes service name (DNS-1035)"
        ));
        assert!(text.contains("start with an alphabetic character"));
    }

    #[test]
    fn an_old_name_is_not_held_against_an_update() {
        let old = named("1mycluster", &json!({}));
        let new = named("1mycluster", &json!({"size": 3}));
        assert_eq!(updated(&old, &new), [""; 0]);
    }

    #[test]
    fn name_and_revision_leave_room_in_pod_labels() {
        let racks = |revision: usize| json!({"rackConfig": {"racks": [{"id": 1, "revision": "v".repeat(revision)}]}});
        assert_eq!(created(&named(&"a".repeat(40), &json!({}))), [""; 0]);
        assert_eq!(
            created(&named(&"a".repeat(41), &json!({}))),
            ["META-02 metadata.name"]
        );
        assert_eq!(created(&named("abc", &racks(40))), [""; 0]);
        let long = named("abc", &racks(48));
        assert_eq!(
            created(&long),
            ["META-02 spec.rackConfig.racks[0].revision"]
        );
        let text = text(&long);
        for part in [
            "Pod label value would exceed the",
            "63-character DNS label limit",
            "revision placeholder = 48",
            "total = 71",
            "reduce by 8",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn an_update_keeps_the_names_of_stateful_sets_short() {
        let racks = |revision: usize| json!({"rackConfig": {"racks": [{"id": 1, "revision": "v".repeat(revision)}]}});
        let old = named("abc", &racks(2));
        assert_eq!(updated(&old, &named("abc", &racks(46))), [""; 0]);
        assert_eq!(
            updated(&old, &named("abc", &racks(47))),
            ["UPD-37 spec.rackConfig.racks[0].revision"]
        );
        let mut other = named("abc", &racks(47));
        other.spec.size = 1;
        assert_eq!(updated(&named("abc", &racks(47)), &other), [""; 0]);
    }

    #[test]
    fn only_racks_with_pods_count_for_names_of_stateful_sets() {
        let with = |size: i32| {
            let racks = json!([{"id": 1}, {"id": 2}, {"id": 3, "revision": "v".repeat(47)}]);
            named(
                "abc",
                &json!({"size": size, "rackConfig": {"racks": racks}}),
            )
        };
        let old = named(
            "abc",
            &json!({"rackConfig": {"racks": [{"id": 1}, {"id": 2}]}}),
        );
        assert_eq!(updated(&old, &with(2)), [""; 0]);
        assert_eq!(
            updated(&with(2), &with(3)),
            ["UPD-37 spec.rackConfig.racks[2].revision"]
        );
    }
}
