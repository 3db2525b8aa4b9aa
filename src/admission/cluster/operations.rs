//! Operations on demand.

use std::collections::BTreeSet;

use crate::{
    admission::{
        rules::{Area, Change, Told},
        subject::Subject,
    },
    api::{AerospikeClusterStatus, operations::Operation},
    finding::{FieldPath, Finding, shortened},
    resources::names,
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[operations_wait_for_the_cluster],
    changes: &[
        an_operation_stays_what_it_is,
        listed_pods_exist,
        operations_go_alone,
    ],
    advice: &[],
};

fn path() -> FieldPath {
    FieldPath::spec().child("operations")
}

fn operations_wait_for_the_cluster(subject: &Subject<'_>) -> Vec<Finding> {
    let rolled_out = subject
        .status
        .is_some_and(|status| status.mirror.aerospike_config.is_some());
    if subject.spec.operations.is_empty() || rolled_out {
        return Vec::new();
    }
    vec![Finding::forbidden(
        "OPS-01",
        path(),
        "operations are not allowed during cluster creation: add them once status.phase is Completed",
    )]
}

fn an_operation_stays_what_it_is(change: &Change<'_>) -> Vec<Finding> {
    let (Some(old), Some(new)) = (
        change.old.spec.operations.first(),
        change.new.spec.operations.first(),
    ) else {
        return Vec::new();
    };
    if old.id != new.id || old == new {
        return Vec::new();
    }
    vec![Finding::forbidden(
        "UPD-11",
        path().item(0, &new.id),
        format!(
            "operation cannot be updated: {:?} is known already with other content; give the new operation an id of its own",
            new.id
        ),
    )]
}

/// The operation that is still to be carried out, and what was rolled out so far.
fn pending<'a>(change: &Change<'a>) -> Option<(&'a Operation, &'a AerospikeClusterStatus)> {
    let operation = change.new.spec.operations.first()?;
    let status = change.new.status?;
    status.mirror.aerospike_config.as_ref()?;
    (status.mirror.operations != change.new.spec.operations).then_some((operation, status))
}

/// A pod that is just away for the restart that was asked for counts too.
fn listed_pods_exist(change: &Change<'_>) -> Vec<Finding> {
    let Some((operation, status)) = pending(change) else {
        return Vec::new();
    };
    let missing = |pod: &&String| !status.pods.contains_key(*pod);
    let mut unknown: Vec<_> = operation.pod_list.iter().filter(missing).collect();
    if let Some(running) = change.rolled_out.filter(|_| !unknown.is_empty()) {
        let away: BTreeSet<_> = pods(running).collect();
        unknown.retain(|pod| !away.contains(*pod));
    }
    if unknown.is_empty() {
        return Vec::new();
    }
    let some: Vec<_> = unknown.iter().take(NAMED).map(|pod| pod.as_str()).collect();
    let more = if unknown.len() > NAMED { ", …" } else { "" };
    vec![Finding::invalid(
        "UPD-12",
        path().item(0, &operation.id).child("podList"),
        format!(
            "invalid pod names: {}{more}: no such pod in this cluster; status.pods lists those there are",
            shortened(&some.join(", "), QUOTED)
        ),
    )]
}

/// So many unknown pods are named, in so many characters.
const NAMED: usize = 5;
const QUOTED: usize = 200;

fn pods<'a>(subject: &Subject<'a>) -> impl Iterator<Item = String> + use<'a> {
    let cluster = subject.name;
    subject.racks_with_pods().flat_map(move |(placed, size)| {
        let rack = placed.identifier();
        (0..size).map(move |ordinal| names::pod(cluster, &rack, ordinal))
    })
}

fn refused(code: &'static str, what: &str) -> Finding {
    Finding::forbidden(
        code,
        path(),
        format!(
            "an operation is not allowed together with {what}: the pods that it is for would not be those that it finds; wait \
             until status.phase is Completed, then ask for the operation"
        ),
    )
}

fn operations_go_alone(change: &Change<'_>) -> Vec<Finding> {
    let Some((_, status)) = pending(change) else {
        return Vec::new();
    };
    let (old, new, running) = (change.old.spec, change.new.spec, &status.mirror);
    let grows = running.size.is_some_and(|size| new.size > size);
    let count = change.new.racks().len();
    let runs = running
        .rack_config
        .as_ref()
        .map_or(count, |config| config.racks.len());
    let racks = count != runs || count != change.old.racks().len();
    let other_image = running
        .image
        .as_ref()
        .is_some_and(|image| *image != new.image)
        || old.image != new.image;
    [
        (grows, "UPD-13", "a scale-up"),
        (racks, "UPD-14", "a rack that is added or removed"),
        (other_image, "UPD-15", "an image update"),
    ]
    .into_iter()
    .filter(|(happens, ..)| *happens)
    .map(|(_, code, what)| refused(code, what))
    .told()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        admission::cluster::testing::{before_roll_out, cluster, created, updated, while_running},
        api::AerospikeCluster,
    };

    fn running(operations: &Value) -> AerospikeCluster {
        let mut cluster = cluster(&json!({"operations": operations}));
        let pod = json!({"image": "", "podIP": "", "podPort": 3000, "aerospikeConfigHash": "",
            "networkPolicyHash": "", "podSpecHash": ""});
        let status = json!({"aerospikeConfig": {}, "pods": {"db-0-0": pod}});
        cluster.status = Some(serde_json::from_value(status).unwrap());
        cluster
    }

    #[test]
    fn a_new_cluster_has_no_operations() {
        let operations = json!([{"id": "1", "kind": "PodRestart"}]);
        assert_eq!(
            created(&cluster(&json!({"operations": operations}))),
            ["OPS-01 spec.operations"]
        );
        assert_eq!(
            updated(&running(&json!([])), &running(&operations)),
            [""; 0]
        );
    }

    #[test]
    fn an_id_stands_for_one_operation() {
        let old = running(&json!([{"id": "1", "kind": "PodRestart"}]));
        let other = running(&json!([{"id": "1", "kind": "WarmRestart"}]));
        assert_eq!(updated(&old, &other), ["UPD-11 spec.operations[0]"]);
        let next = running(&json!([{"id": "2", "kind": "WarmRestart"}]));
        assert_eq!(updated(&old, &next), [""; 0]);
    }

    #[test]
    fn an_operation_names_pods_of_the_cluster() {
        let with =
            |pods: Value| running(&json!([{"id": "1", "kind": "PodRestart", "podList": pods}]));
        let old = running(&json!([]));
        assert_eq!(updated(&old, &with(json!(["db-0-0"]))), [""; 0]);
        assert_eq!(
            updated(&old, &with(json!(["db-0-0", "db-0-9"]))),
            ["UPD-12 spec.operations[0].podList"]
        );
    }

    fn asked(spec: &Value) -> AerospikeCluster {
        let mut spec = spec.clone();
        spec["operations"] = json!([{"id": "1", "kind": "PodRestart", "podList": ["db-0-1"]}]);
        cluster(&spec)
    }

    /// The status names no pod: `db-0-1` is away, as it is for a moment when it restarts.
    #[test]
    fn a_pod_that_restarts_is_known() {
        let old = cluster(&json!({}));
        let new = while_running(&old, &asked(&json!({})));
        assert_eq!(updated(&old, &new), [""; 0]);
        assert_eq!(before_roll_out(&new), [""; 0]);
    }

    #[test]
    fn an_operation_that_was_carried_out_is_not_asked_about() {
        let done = asked(&json!({}));
        let smaller = while_running(&done, &asked(&json!({"size": 1})));
        assert_eq!(updated(&done, &smaller), [""; 0]);
        let settled = while_running(&smaller, &smaller);
        assert_eq!(before_roll_out(&settled), [""; 0]);
        let grown = while_running(&done, &asked(&json!({"size": 4})));
        assert_eq!(updated(&done, &grown), [""; 0]);
    }

    #[test]
    fn an_operation_goes_alone() {
        let old = cluster(&json!({}));
        let with = |spec: Value| updated(&old, &while_running(&old, &asked(&spec)));
        let image = "aerospike/aerospike-server-enterprise:8.1.2.1";
        let racks = json!({"racks": [{"id": 1}, {"id": 2}]});
        assert_eq!(with(json!({"paused": true})), [""; 0]);
        assert_eq!(with(json!({"size": 3})), ["UPD-13 spec.operations"]);
        assert_eq!(
            with(json!({"rackConfig": racks})),
            ["UPD-14 spec.operations"]
        );
        assert_eq!(with(json!({"image": image})), ["UPD-15 spec.operations"]);
        let growing = cluster(&json!({"size": 3}));
        let in_between = while_running(&old, &asked(&json!({"size": 3})));
        assert_eq!(updated(&growing, &in_between), ["UPD-13 spec.operations"]);
    }
}
