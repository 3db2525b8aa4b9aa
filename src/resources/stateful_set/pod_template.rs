//! The template of a rack's pods.

use k8s_openapi::api::core::v1::{PodSpec, PodTemplateSpec};
use kube::api::ObjectMeta;

use super::{containers, scheduling, server, volumes};
use crate::{
    resolve::{Desired, Rack},
    resources::{filled, filled_list, labels, names, telling},
};

/// A server is killed after this time. Flushing a large write queue takes minutes, and a kill costs a slow start.
const TERMINATION_GRACE_SECONDS: i64 = 600;

/// The template of the pods of `rack`.
pub fn pod_template(desired: &Desired, rack: &Rack) -> PodTemplateSpec {
    PodTemplateSpec {
        metadata: Some(metadata(desired, rack)),
        spec: Some(spec(desired, rack)),
    }
}

fn metadata(desired: &Desired, rack: &Rack) -> ObjectMeta {
    let pod = desired.spec.pod_spec.as_ref();
    let user = pod.and_then(|pod| pod.metadata.clone()).unwrap_or_default();
    let mut all = user.labels;
    all.extend(labels::rack(&desired.identity.name, &rack.identifier()));
    ObjectMeta {
        labels: Some(all),
        annotations: filled(user.annotations),
        ..ObjectMeta::default()
    }
}

fn spec(desired: &Desired, rack: &Rack) -> PodSpec {
    let pod = desired.spec.pod_spec.clone().unwrap_or_default();
    PodSpec {
        service_account_name: Some(names::pod_access(&desired.identity.name)),
        automount_service_account_token: Some(false),
        termination_grace_period_seconds: Some(TERMINATION_GRACE_SECONDS),
        host_network: telling(pod.host_network),
        dns_policy: pod.effective_dns_policy,
        dns_config: pod.dns_config,
        security_context: pod.security_context,
        image_pull_secrets: filled_list(pod.image_pull_secrets),
        affinity: Some(scheduling::affinity(desired, rack)),
        node_selector: filled(rack.scheduling.node_selector.clone()),
        tolerations: filled_list(rack.scheduling.tolerations.clone()),
        init_containers: Some(containers::init_containers(desired, rack)),
        containers: server::containers(desired, rack),
        volumes: Some(volumes::volumes(desired, rack)),
        ..PodSpec::default()
    }
}
