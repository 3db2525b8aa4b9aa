//! Reviews of `aerospikeclusters/scale`, through which `kubectl scale` and autoscalers set the size past the webhooks of
//! the object itself.

use serde::Deserialize;

use crate::{
    admission::{
        Operation, Proposal, Verdict, check,
        wire::{Request, Response},
    },
    api::{AerospikeCluster, KIND},
    resolve::Settings,
};

/// `autoscaling/v1` Scale, as far as it matters here.
#[derive(Deserialize)]
struct Scale {
    #[serde(default)]
    spec: ScaleSpec,
}

#[derive(Default, Deserialize)]
struct ScaleSpec {
    /// Left out when it is 0.
    #[serde(default)]
    replicas: i64,
}

/// The number of pods that is asked for, if it is another one than before.
#[must_use]
pub fn wanted(request: &Request<'_>) -> Option<i64> {
    let read = |raw: &serde_json::value::RawValue| {
        let scale: Scale = serde_json::from_str(raw.get()).ok()?;
        Some(scale.spec.replicas)
    };
    let wanted = request.object.and_then(read)?;
    let before = request.old_object.and_then(read);
    (request.operation == Operation::Update && before != Some(wanted)).then_some(wanted)
}

/// Judges `live` with `size` pods. Only what the size breaks counts: all else was so before.
#[must_use]
pub fn judge(live: &AerospikeCluster, size: i64, settings: &Settings) -> Response {
    let mut new = live.clone();
    new.spec.size = i32::try_from(size).unwrap_or(i32::MAX);
    let is_going = live.metadata.deletion_timestamp.is_some();
    if is_going || new.spec.size == live.spec.size {
        return Response::allowed();
    }
    let Verdict { findings, .. } = check(&Proposal {
        operation: Operation::Update,
        new: &new,
        old: Some(live),
        settings,
    });
    let verdict = Verdict {
        findings,
        warnings: Vec::new(),
    };
    let name = live.metadata.name.as_deref().unwrap_or_default();
    Response::of_verdict(KIND, name, &verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::admission::cluster::testing::cluster;

    fn asked(object: &serde_json::Value, old: &serde_json::Value) -> Option<i64> {
        let body = json!({"request": {"uid": "u", "operation": "UPDATE", "object": object, "oldObject": old}});
        let body = body.to_string();
        wanted(&Request::read(body.as_bytes()).unwrap())
    }

    #[test]
    fn only_another_number_is_a_question() {
        let scale = |replicas: i64| json!({"kind": "Scale", "spec": {"replicas": replicas}});
        assert_eq!(asked(&scale(3), &scale(2)), Some(3));
        assert_eq!(asked(&scale(3), &scale(3)), None);
        assert_eq!(asked(&json!({"kind": "Scale"}), &scale(3)), Some(0));
        assert_eq!(asked(&json!("text"), &scale(3)), None);
    }

    #[test]
    fn a_size_that_breaks_a_rule_is_refused_and_old_mistakes_are_not() {
        let settings = Settings::default();
        let live = cluster(&json!({"rackConfig": {"racks": [{"id": 1, "revision": "V1"}]}}));
        assert!(judge(&live, 3, &settings).allowed);
        assert!(judge(&live, 2, &settings).allowed);
        assert!(!judge(&live, 0, &settings).allowed);
        assert!(!judge(&live, i64::MAX, &settings).allowed);
    }

    #[test]
    fn a_cluster_that_goes_may_have_any_size() {
        let mut live = cluster(&json!({}));
        live.metadata.deletion_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
                k8s_openapi::jiff::Timestamp::UNIX_EPOCH,
            ));
        assert!(judge(&live, 0, &Settings::default()).allowed);
    }
}
