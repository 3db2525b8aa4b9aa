//! Operations on demand.

use crate::{
    admission::{
        rules::{Area, Change},
        subject::Subject,
    },
    finding::{FieldPath, Finding},
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[operations_wait_for_the_cluster],
    changes: &[an_operation_stays_what_it_is, listed_pods_exist],
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

fn listed_pods_exist(change: &Change<'_>) -> Vec<Finding> {
    let Some(operation) = change.new.spec.operations.first() else {
        return Vec::new();
    };
    let Some(status) = change.new.status else {
        return Vec::new();
    };
    let unknown = |pod: &&String| !status.pods.contains_key(*pod);
    let unknown: Vec<_> = operation.pod_list.iter().filter(unknown).cloned().collect();
    if unknown.is_empty() {
        return Vec::new();
    }
    vec![Finding::invalid(
        "UPD-12",
        path().item(0, &operation.id).child("podList"),
        format!(
            "invalid pod names: {} is no pod of this cluster; status.pods lists those there are",
            unknown.join(", ")
        ),
    )]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{
        admission::cluster::testing::{cluster, created, updated},
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
}
