//! What Kubernetes would refuse in the sidecars and init containers that are asked for. It would refuse the pods, long
//! after the cluster was accepted; here it is a finding. What only the newest versions refuse is left to them.
//!
//! Unknown members never come here: the definition has the whole schema of a container, so that the API server drops
//! them, and warns, before it asks anybody.

mod environment;
mod mounts;
mod ports;
mod probes;
mod resources;
pub(super) mod security;

use k8s_openapi::api::core::v1::Container;

use crate::{
    admission::{
        cluster::{name::is_dns_1123, syntax::shown},
        rules::{Area, Told},
        subject::Subject,
    },
    finding::{FieldPath, Finding},
    resources::names::INIT_CONTAINER,
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[
        containers_can_run,
        ports::host_ports_are_free,
        mounts::mounts_name_volumes,
        mounts::devices_name_volumes,
        resources::own_resources_are_possible,
        security::own_contexts_are_possible,
    ],
    changes: &[],
    advice: &[],
};

/// What holds for each container by itself.
const CONTAINER_RULES: &[fn(&PlacedContainer<'_>) -> Vec<Finding>] = &[
    name_is_a_label,
    image_is_given,
    policies_are_known,
    resize_policies_are_known,
    ports::ports_are_numbers_of_ports,
    ports::ports_have_names_of_their_own,
    ports::protocols_are_known,
    environment::variables_have_names,
    environment::variables_have_one_source,
    environment::sources_of_variables_are_known,
    mounts::mounts_are_complete,
    mounts::mounts_stay_in_their_volume,
    mounts::mounts_are_shared_as_is_possible,
    mounts::devices_are_complete,
    mounts::devices_and_mounts_differ,
    probes::probes_have_one_handler,
    probes::probes_count_from_zero,
    probes::probes_ask_for_what_they_can,
    probes::hooks_have_one_handler,
    probes::init_containers_are_not_probed,
    resources::container_resources_are_possible,
    security::container_context_is_possible,
];

/// What a container is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Sidecar,
    Init,
}

/// A container of the user's with its place.
#[derive(Clone, Debug)]
struct PlacedContainer<'a> {
    path: FieldPath,
    role: Role,
    container: &'a Container,
}

impl PlacedContainer<'_> {
    /// Whether it runs beside the server: as a sidecar, or as an init container that is never waited for.
    fn stays(&self) -> bool {
        let restarts = self.container.restart_policy.as_deref();
        self.role == Role::Sidecar || restarts == Some("Always")
    }
}

/// Every container of the user's. What marks the place of our own init container is none.
fn containers<'a>(subject: &Subject<'a>) -> impl Iterator<Item = PlacedContainer<'a>> + use<'a> {
    let pod = subject.spec.pod_spec.as_ref();
    let lists = pod.into_iter().flat_map(|pod| {
        [
            ("sidecars", Role::Sidecar, &pod.sidecars),
            ("initContainers", Role::Init, &pod.init_containers),
        ]
    });
    let placed = lists.flat_map(|(list, role, containers)| {
        let list = FieldPath::spec().children(&["podSpec", list]);
        let all = containers.iter().enumerate();
        all.map(move |(index, container)| PlacedContainer {
            path: list.item(index, &container.name),
            role,
            container,
        })
    });
    placed.filter(|placed| placed.role == Role::Sidecar || placed.container.name != INIT_CONTAINER)
}

fn containers_can_run(subject: &Subject<'_>) -> Vec<Finding> {
    let judged = containers(subject).flat_map(|placed| {
        let rules = CONTAINER_RULES.iter();
        rules.flat_map(move |rule| rule(&placed))
    });
    judged.told()
}

fn name_is_a_label(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let name = &placed.container.name;
    if is_dns_1123(name) {
        return Vec::new();
    }
    let path = placed.path.child("name");
    if name.is_empty() {
        return vec![Finding::required(
            "POD-10",
            path,
            "a container needs a name",
        )];
    }
    vec![Finding::invalid(
        "POD-10",
        path,
        format!(
            "{} is no name of a container: at most 63 lower case letters, digits and '-', beginning and ending with a \
             letter or digit",
            shown(name)
        ),
    )]
}

fn image_is_given(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let image = placed.container.image.as_deref().unwrap_or_default();
    if !image.is_empty() && image.trim() == image {
        return Vec::new();
    }
    let path = placed.path.child("image");
    if image.is_empty() {
        let message = "a container needs an image";
        return vec![Finding::required("POD-11", path, message)];
    }
    let message = format!("{} must not begin or end with a space", shown(image));
    vec![Finding::invalid("POD-11", path, message)]
}

fn policies_are_known(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let PlacedContainer {
        path, container, ..
    } = placed;
    let policies: [(&str, &Option<String>, &[&str]); 3] = [
        (
            "imagePullPolicy",
            &container.image_pull_policy,
            &["Always", "IfNotPresent", "Never"],
        ),
        (
            "terminationMessagePolicy",
            &container.termination_message_policy,
            &["File", "FallbackToLogsOnError"],
        ),
        (
            "restartPolicy",
            &container.restart_policy,
            &["Always", "Never", "OnFailure"],
        ),
    ];
    let unknown = policies.into_iter().filter_map(|(name, value, known)| {
        unknown("POD-12", (path, name), value.as_deref(), known)
    });
    unknown.told()
}

fn resize_policies_are_known(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let policies = placed.container.resize_policy.iter().flatten().enumerate();
    let judged = policies.flat_map(|(index, policy)| {
        let path = placed
            .path
            .child("resizePolicy")
            .item(index, &policy.resource_name);
        let resource = Some(policy.resource_name.as_str());
        let restart = Some(policy.restart_policy.as_str());
        [
            unknown(
                "POD-12",
                (&path, "resourceName"),
                resource,
                &["cpu", "memory"],
            ),
            unknown(
                "POD-12",
                (&path, "restartPolicy"),
                restart,
                &["NotRequired", "RestartContainer"],
            ),
        ]
    });
    judged.flatten().told()
}

/// A finding if `value`, which stands at a member of what `place` names, is given and none of `known`.
pub(super) fn unknown(
    code: &'static str,
    place: (&FieldPath, &str),
    value: Option<&str>,
    known: &[&str],
) -> Option<Finding> {
    let value = value.filter(|value| !known.contains(value))?;
    let message = format!("{} is none of {}", shown(value), known.join(", "));
    let (path, member) = place;
    Some(Finding::invalid(code, path.child(member), message))
}

#[cfg(test)]
mod tests;
