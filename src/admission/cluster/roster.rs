//! The nodes that are kept out of the roster.

use crate::{
    admission::{
        rules::{Area, Told},
        subject::Subject,
    },
    finding::{FieldPath, Finding, shortened},
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[blocked_nodes_are_node_ids],
    changes: &[],
    advice: &[],
};

/// Hexadecimal digits of a node id.
const DIGITS: usize = 16;

/// Entries are looked at as the server prints ids: in upper case, without leading zeros.
fn blocked_nodes_are_node_ids(subject: &Subject<'_>) -> Vec<Finding> {
    let entries = subject.spec.roster_node_block_list.iter().enumerate();
    entries
        .filter(|(_, id)| !is_node_id(id))
        .map(|(index, id)| {
            Finding::invalid(
                "ROS-01",
                FieldPath::spec()
                    .child("rosterNodeBlockList")
                    .item(index, id),
                format!(
                    "{:?} is no node id: write up to {DIGITS} hexadecimal digits that are not all zero, such as 1A0, as \
                     status.pods shows them in aerospike.nodeID",
                    shortened(id, 40)
                ),
            )
        })
        .told()
}

fn is_node_id(id: &str) -> bool {
    (1..=DIGITS).contains(&id.len()) && id.bytes().all(|digit| digit.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        admission::cluster::testing::{cluster, created, updated},
        api::AerospikeCluster,
    };

    fn blocking(ids: &Value) -> AerospikeCluster {
        cluster(&json!({"rosterNodeBlockList": ids}))
    }

    #[test]
    fn a_blocked_node_is_given_by_its_id() {
        let good = json!([
            "1A0",
            "001a0",
            "bb9",
            "FFFFFFFFFFFFFFFF",
            "000FFFFFFFFFFFFFFFF"
        ]);
        assert_eq!(created(&blocking(&good)), [""; 0]);
        let bad = json!([
            "1A0",
            "0",
            "",
            "0x1A0",
            "1A0@1",
            "db-1-0",
            "1FFFFFFFFFFFFFFFF"
        ]);
        let expected: Vec<_> = (1..7)
            .map(|index| format!("ROS-01 spec.rosterNodeBlockList[{index}]"))
            .collect();
        assert_eq!(created(&blocking(&bad)), expected);
    }

    #[test]
    fn an_old_entry_does_not_hinder_a_new_one() {
        let old = blocking(&json!(["0x1A0"]));
        assert_eq!(updated(&old, &blocking(&json!(["1A0", "0x1A0"]))), [""; 0]);
    }
}
