//! Reads everything that the plan needs, live, once a pass.

use std::collections::BTreeMap;

use futures::{TryFutureExt, future::try_join_all, try_join};
use k8s_openapi::{
    api::{
        core::v1::{Container, ContainerStatus, PersistentVolumeClaim, Pod as ApiPod, PodStatus},
        rbac::v1::ClusterRoleBinding,
    },
    jiff::Timestamp,
};
use kube::{
    Api, Client, ResourceExt,
    api::{DynamicObject, ListParams},
};

use super::{Context, Error, execute::api, servers};
use crate::{
    api::{AerospikeCluster, EVICTION_BLOCKED},
    plan::{
        Kind, Live, Observed, Pod, PodHealth,
        objects::{self, Objects},
        observed::Claim,
    },
    resolve::{Desired, Template},
    resources::{
        labels,
        names::{self, INIT_CONTAINER, SERVER_CONTAINER},
        rbac,
    },
};

/// Objects a call: long lists come in parts.
const PAGE: u32 = 500;

/// The cluster as the API server has it now, unless it is gone or another one took its name.
///
/// # Errors
///
/// If it cannot be read.
pub async fn fresh(
    cluster: &AerospikeCluster,
    context: &Context,
) -> Result<Option<AerospikeCluster>, Error> {
    let api: Api<AerospikeCluster> = Api::namespaced(
        context.client.clone(),
        &cluster.namespace().unwrap_or_default(),
    );
    let fresh = api
        .get_opt(&cluster.name_any())
        .await
        .map_err(Error::observing("the cluster"))?;
    Ok(fresh.filter(|fresh| {
        fresh.uid() == cluster.uid() && fresh.metadata.deletion_timestamp.is_none()
    }))
}

/// Everything that the plan needs.
///
/// # Errors
///
/// If the API server cannot be read; a server that does not answer is part of what is observed.
pub async fn observe(
    cluster: &AerospikeCluster,
    desired: &Desired,
    now: Timestamp,
    context: &Context,
) -> Result<Observed, Error> {
    let mut observed = without_servers(cluster, desired, now, &context.client).await?;
    servers::ask_all(desired, &mut observed, context).await;
    Ok(observed.with_restarting_servers())
}

/// What Kubernetes knows of the cluster; its servers are not asked.
///
/// # Errors
///
/// If the API server cannot be read.
pub async fn without_servers(
    cluster: &AerospikeCluster,
    desired: &Desired,
    now: Timestamp,
    client: &Client,
) -> Result<Observed, Error> {
    let identity = &desired.identity;
    let (objects, pods, claims, may_read_nodes) = try_join!(
        objects(desired, client),
        pods(desired, now, client),
        claims(client, &identity.namespace, &identity.name),
        may_read_nodes(desired, client),
    )?;
    Ok(Observed {
        now,
        status: cluster.status.clone().unwrap_or_default(),
        objects,
        pods,
        claims,
        may_read_nodes,
        ..Observed::default()
    })
}

/// Kinds of which all objects of the cluster bear its labels.
const LABELLED: [Kind; 6] = [
    Kind::ServiceAccount,
    Kind::Role,
    Kind::RoleBinding,
    Kind::ConfigMap,
    Kind::PodDisruptionBudget,
    Kind::StatefulSet,
];

async fn objects(desired: &Desired, client: &Client) -> Result<Objects, Error> {
    let selector = labels::cluster_selector(&desired.identity.name);
    let labelled = LABELLED
        .iter()
        .map(|kind| list(desired, *kind, Some(&selector), client));
    // Users choose the labels of the services of pods.
    let (labelled, services) = try_join!(
        try_join_all(labelled),
        list(desired, Kind::Service, None, client)
    )?;
    let mut found: Objects = labelled.into_iter().flatten().collect();
    let uid = desired.identity.uid.as_str();
    let wanted = objects::wanted(desired);
    found.extend(
        services
            .into_iter()
            .filter(|(key, live)| live.owner.as_deref() == Some(uid) || wanted.contains(key)),
    );
    let unseen = wanted.into_iter().filter(|key| !found.contains_key(key));
    let unseen = try_join_all(unseen.map(|key| get(desired, key, client))).await?;
    found.extend(unseen.into_iter().flatten());
    Ok(found)
}

async fn list(
    desired: &Desired,
    kind: Kind,
    selector: Option<&str>,
    client: &Client,
) -> Result<Vec<((Kind, String), Live)>, Error> {
    let api = api(desired, kind, client);
    let mut params = ListParams::default().limit(PAGE);
    params.label_selector = selector.map(str::to_owned);
    let mut found = Vec::new();
    loop {
        let page = api
            .list(&params)
            .await
            .map_err(Error::observing(format!("the list of {kind:?}")))?;
        let next = page.metadata.continue_.clone();
        found.extend(page.items.iter().map(|object| keyed(kind, object)));
        match next.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(found),
        }
    }
}

/// An object of one of our names that the list did not show: somebody else's, or none.
async fn get(
    desired: &Desired,
    (kind, name): (Kind, String),
    client: &Client,
) -> Result<Option<((Kind, String), Live)>, Error> {
    let object = api(desired, kind, client)
        .get_opt(&name)
        .await
        .map_err(Error::observing(format!("{kind:?} {name}")))?;
    Ok(object.map(|object| keyed(kind, &object)))
}

fn keyed(kind: Kind, object: &DynamicObject) -> ((Kind, String), Live) {
    let mut body = serde_json::to_value(object).expect("an object read as JSON is JSON");
    // The items of a list come without them.
    let resource = kind.resource();
    body["apiVersion"] = resource.api_version.into();
    body["kind"] = resource.kind.into();
    ((kind, object.name_any()), Live::of(body))
}

async fn may_read_nodes(desired: &Desired, client: &Client) -> Result<bool, Error> {
    if !desired.network.uses_node_addresses() {
        return Ok(true);
    }
    let subject = rbac::subject(&desired.identity);
    let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
    let binding = bindings
        .get(names::NODE_READER)
        .await
        .map_err(Error::observing(format!(
            "ClusterRoleBinding {}, which the operator's manifests install",
            names::NODE_READER
        )))?;
    Ok(binding.subjects.unwrap_or_default().contains(&subject))
}

async fn pods(
    desired: &Desired,
    now: Timestamp,
    client: &Client,
) -> Result<BTreeMap<String, Pod>, Error> {
    let api: Api<ApiPod> = Api::namespaced(client.clone(), &desired.identity.namespace);
    let selector = labels::cluster_selector(&desired.identity.name);
    let pods = api
        .list(&ListParams::default().labels(&selector))
        .map_err(Error::observing("the list of pods"))
        .await?;
    let pods = pods.items.into_iter();
    Ok(pods
        .map(|pod| (pod.name_any(), observed_pod(&pod, now)))
        .collect())
}

fn observed_pod(pod: &ApiPod, now: Timestamp) -> Pod {
    let status = pod.status.as_ref();
    let spec = pod.spec.as_ref();
    let init = spec.and_then(|spec| container(spec.init_containers.as_ref()?, INIT_CONTAINER));
    let server = spec.and_then(|spec| container(&spec.containers, SERVER_CONTAINER));
    let config_template = pod.annotations().get(labels::CONFIG_TEMPLATE);
    let made_for = |name| init.and_then(|init| variable(init, name));
    let image = |container: Option<&Container>| container?.image.clone();
    Pod {
        uid: pod.uid().unwrap_or_default(),
        resource_version: pod.resource_version().unwrap_or_default(),
        ip: status
            .and_then(|status| status.pod_ip.as_ref())
            .and_then(|ip| ip.parse().ok()),
        node: spec.and_then(|spec| spec.node_name.clone()),
        health: health(pod),
        created: created(pod),
        image: made_for(names::SERVER_IMAGE_VARIABLE).or_else(|| image(server)),
        pod_spec_hash: made_for(names::POD_SPEC_HASH_VARIABLE),
        volumes_hash: made_for(names::VOLUMES_HASH_VARIABLE),
        init_image: image(init),
        template_revision: pod.labels().get(labels::TEMPLATE_REVISION).cloned(),
        config_template: config_template.cloned().map(Template::from),
        eviction_asked: pod.annotations().get(EVICTION_BLOCKED).cloned(),
        reported: pod.annotations().contains_key(labels::RENDERED_CONFIG),
        server_runs: status.is_some_and(|status| running_since(status).is_some()),
        lost: is_lost(pod, now),
    }
}

fn container<'a>(containers: &'a [Container], name: &str) -> Option<&'a Container> {
    containers.iter().find(|container| container.name == name)
}

fn variable(container: &Container, name: &str) -> Option<String> {
    let mut variables = container.env.iter().flatten();
    variables.find(|it| it.name == name)?.value.clone()
}

/// Since when the process of the server runs, as the kubelet last said.
fn running_since(status: &PodStatus) -> Option<Timestamp> {
    let server = container_status(status, SERVER_CONTAINER)?;
    let running = server.state.as_ref()?.running.as_ref()?;
    Some(
        running
            .started_at
            .as_ref()
            .map_or(Timestamp::UNIX_EPOCH, |time| time.0),
    )
}

fn container_status<'a>(status: &'a PodStatus, name: &str) -> Option<&'a ContainerStatus> {
    let mut containers = status.container_statuses.iter().flatten();
    containers.find(|container| container.name == name)
}

/// Whether the pod is overdue, or ceased to be ready after its server was started.
fn is_lost(pod: &ApiPod, now: Timestamp) -> bool {
    if let Some(gone_by) = &pod.metadata.deletion_timestamp {
        return now > gone_by.0;
    }
    let Some(status) = &pod.status else {
        return false;
    };
    let mut conditions = status.conditions.iter().flatten();
    let ready = conditions.find(|it| it.type_ == "Ready");
    let unready = ready.filter(|ready| ready.status != "True");
    let since = unready.and_then(|ready| Some(ready.last_transition_time.as_ref()?.0));
    since
        .zip(running_since(status))
        .is_some_and(|(unready, running)| unready > running)
}

fn created(pod: &ApiPod) -> Timestamp {
    pod.metadata
        .creation_timestamp
        .as_ref()
        .map_or(Timestamp::UNIX_EPOCH, |time| time.0)
}

fn health(pod: &ApiPod) -> PodHealth {
    if pod.metadata.deletion_timestamp.is_some() {
        return PodHealth::Terminating;
    }
    let Some(status) = &pod.status else {
        return PodHealth::NotReady;
    };
    let since = failed_since(status).unwrap_or_else(|| created(pod));
    let server = container_status(status, SERVER_CONTAINER);
    // A pod of which a sidecar's image cannot be pulled is pending, whatever its server does.
    if server.is_some_and(|server| server.ready) && !ended(status) {
        let mut containers = status.container_statuses.iter().flatten();
        let sidecar = containers.find(|container| !container.ready);
        return sidecar.map_or(PodHealth::Ready, |sidecar| PodHealth::SidecarNotReady {
            container: sidecar.name.clone(),
            failure: container_failure(sidecar),
            since,
        });
    }
    if let Some(reason) = unschedulable(status) {
        return PodHealth::Unschedulable { reason, since };
    }
    if let Some(reason) = failure(status) {
        return PodHealth::Failed { reason, since };
    }
    PodHealth::NotReady
}

fn ended(status: &PodStatus) -> bool {
    ["Failed", "Succeeded"].contains(&status.phase.as_deref().unwrap_or_default())
}

fn unschedulable(status: &PodStatus) -> Option<String> {
    let scheduled = status
        .conditions
        .iter()
        .flatten()
        .find(|condition| condition.type_ == "PodScheduled")?;
    let reason = scheduled.reason.as_deref()?;
    let stuck = ["Unschedulable", "SchedulerError"].contains(&reason);
    (stuck && status.phase.as_deref() == Some("Pending")).then(|| {
        scheduled
            .message
            .clone()
            .unwrap_or_else(|| reason.to_owned())
    })
}

/// The first container that fails, init containers first, and why.
fn failure(status: &PodStatus) -> Option<String> {
    if status.phase.as_deref() == Some("Failed") {
        let message = status.message.clone().or_else(|| status.reason.clone());
        return Some(message.unwrap_or_else(|| "the pod failed".to_owned()));
    }
    let init = status.init_container_statuses.iter().flatten();
    let others = status.container_statuses.iter().flatten();
    init.chain(others).find_map(container_failure)
}

fn container_failure(container: &ContainerStatus) -> Option<String> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.as_deref()?;
    let failing = ["ErrImagePull", "ImagePullBackOff", "RegistryUnavailable"].contains(&reason)
        || reason.starts_with("Crash")
        || reason.ends_with("Error");
    let ended = container
        .last_state
        .as_ref()
        .and_then(|last| last.terminated.as_ref())
        .map(|ended| format!(", last exit code {}", ended.exit_code))
        .unwrap_or_default();
    let message = waiting.message.as_deref().unwrap_or_default();
    failing.then(|| format!("container {}: {reason}{ended} {message}", container.name))
}

fn failed_since(status: &PodStatus) -> Option<Timestamp> {
    status
        .conditions
        .iter()
        .flatten()
        .filter(|condition| condition.status == "False")
        .filter(|condition| {
            ["PodScheduled", "Ready", "Initialized"].contains(&condition.type_.as_str())
        })
        .filter_map(|condition| Some(condition.last_transition_time.as_ref()?.0))
        .min()
}

/// The claims of a cluster's pods.
///
/// # Errors
///
/// If they cannot be listed.
pub async fn claims(client: &Client, namespace: &str, cluster: &str) -> Result<Vec<Claim>, Error> {
    let api: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    let selector = labels::cluster_selector(cluster);
    let claims = api
        .list(&ListParams::default().labels(&selector))
        .await
        .map_err(Error::observing("the list of claims"))?;
    Ok(claims.items.iter().map(observed_claim).collect())
}

fn observed_claim(claim: &PersistentVolumeClaim) -> Claim {
    let annotation = |key: &str| claim.annotations().get(key).cloned();
    let spec = claim.spec.as_ref();
    Claim {
        name: claim.name_any(),
        uid: claim.uid().unwrap_or_default(),
        labels: claim.labels().clone(),
        volume: annotation(labels::STORAGE_VOLUME).or_else(|| annotation(labels::STORAGE_PATH)),
        storage_class: spec.and_then(|spec| spec.storage_class_name.clone()),
        block: spec.and_then(|spec| spec.volume_mode.as_deref()) == Some("Block"),
        initialized: claim.annotations().contains_key(labels::INITIALIZED),
        deleting: claim.metadata.deletion_timestamp.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn made_for(init: &serde_json::Value) -> (Option<String>, Option<String>) {
        let server = json!({"name": SERVER_CONTAINER, "image": "mirror.example/server:1"});
        let pod = json!({"spec": {"initContainers": [init], "containers": [server]}});
        let pod = observed_pod(&serde_json::from_value(pod).unwrap(), Timestamp::UNIX_EPOCH);
        (pod.image, pod.pod_spec_hash)
    }

    #[test]
    fn a_pod_tells_by_its_init_container_what_it_was_made_for() {
        let env = json!([{"name": "SERVER_IMAGE", "value": "server:1"}, {"name": "POD_SPEC_HASH", "value": "h"}]);
        let told = made_for(&json!({"name": INIT_CONTAINER, "env": env}));
        assert_eq!(told, (Some("server:1".to_owned()), Some("h".to_owned())));
    }

    #[test]
    fn a_pod_of_an_older_template_has_its_image_only() {
        let told = made_for(&json!({"name": INIT_CONTAINER}));
        assert_eq!(told, (Some("mirror.example/server:1".to_owned()), None));
    }

    fn lost(unready: &str) -> bool {
        let running = json!({"running": {"startedAt": "2026-01-01T00:01:00Z"}});
        let server = json!({"name": SERVER_CONTAINER, "state": running, "ready": false, "restartCount": 0, "image": "", "imageID": ""});
        let ready = json!({"type": "Ready", "status": "False", "lastTransitionTime": unready});
        let pod = json!({"status": {"conditions": [ready], "containerStatuses": [server]}});
        is_lost(&serde_json::from_value(pod).unwrap(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_server_that_takes_its_time_to_start_is_not_lost() {
        assert!(!lost("2026-01-01T00:00:00Z"));
        assert!(lost("2026-01-01T00:02:00Z"));
    }

    #[test]
    fn a_pod_that_should_be_gone_is_lost() {
        let pod = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
        let pod: ApiPod = serde_json::from_value(pod).unwrap();
        let at = |time: &str| time.parse().unwrap();
        assert!(!is_lost(&pod, at("2025-12-31T23:59:59Z")));
        assert!(is_lost(&pod, at("2026-01-01T00:00:01Z")));
    }
}
