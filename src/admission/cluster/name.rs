//! The name of a cluster: it is the name of a service, and a part of every pod label.

use crate::{
    admission::{
        rules::{Area, Operation},
        subject::Subject,
    },
    finding::{FieldPath, Finding},
    resolve::racks::{distribute, rack_path},
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[
        name_can_be_a_service,
        name_leaves_room_in_labels,
        stateful_sets_leave_room_in_labels,
    ],
    changes: &[],
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

fn stateful_sets_leave_room_in_labels(subject: &Subject<'_>) -> Vec<Finding> {
    if subject.operation != Operation::Update {
        return Vec::new();
    }
    let racks = subject.racks();
    let sizes = distribute(
        u32::try_from(subject.spec.size).unwrap_or(0),
        u32::try_from(racks.len()).unwrap_or(u32::MAX),
    );
    let names = racks.iter().zip(sizes).enumerate();
    let longest = names
        .filter(|(_, (_, size))| *size > 0)
        .map(|(index, (rack, _))| (index, rack, stateful_set_length(subject.name, rack)))
        .max_by_key(|(index, _, length)| (*length, std::cmp::Reverse(*index)));
    let room = LABEL_LIMIT - 1 - REVISION_HASH;
    let Some((index, rack, length)) = longest.filter(|(_, _, length)| *length > room) else {
        return Vec::new();
    };
    vec![Finding::invalid(
        "UPD-37",
        rack_path(index, rack).child("revision"),
        format!(
            "rack {} would generate pod label value exceeding the 63-character DNS label limit: its StatefulSet's name has \
             {length} characters, and {room} is the most; shorten the revision: reduce by {}",
            rack.id,
            length - room
        ),
    )]
}

fn stateful_set_length(cluster: &str, rack: &crate::api::racks::Rack) -> usize {
    let revision = rack.revision.as_deref().filter(|text| !text.is_empty());
    cluster.len() + 1 + rack.id.to_string().len() + revision.map_or(0, |text| text.len() + 1)
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
    }
}
