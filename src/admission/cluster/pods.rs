//! Settings of the pods: host network, DNS, reserved names and labels, resources.

use std::collections::{BTreeMap, HashSet};

use k8s_openapi::{
    api::core::v1::{Container, ResourceRequirements},
    apimachinery::pkg::api::resource::Quantity,
};

use crate::{
    admission::{
        rules::{Area, Told},
        subject::Subject,
    },
    api::{EVICTION_BLOCKED, pod::PodSpec, storage::ObjectMetadata},
    finding::{FieldPath, Finding, Warning, shortened},
    resolve::quantity::Amount,
    resources::{labels, names},
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[
        pods_on_the_host_network_have_nodes_of_their_own,
        dns_finds_the_other_servers,
        own_dns_is_configured,
        labels_of_the_operator_are_its_own,
        annotations_of_the_operator_are_its_own,
        names_of_the_operator_are_its_own,
        container_names_are_unique,
        limits_cover_requests,
        cleanup_in_parallel_has_limits,
    ],
    changes: &[],
    advice: &[dlog_files_are_not_validated],
};

/// Labels by which the operator finds pods.
const LABELS: [&str; 3] = [labels::APP, labels::RACK_ID, labels::CLUSTER];
/// What limits must cover.
const COMPUTE: [&str; 2] = ["cpu", "memory"];

fn path() -> FieldPath {
    FieldPath::spec().child("podSpec")
}

fn pods_on_the_host_network_have_nodes_of_their_own(subject: &Subject<'_>) -> Vec<Finding> {
    let pod = subject.spec.pod_spec.as_ref();
    let clash = pod
        .is_some_and(|pod| pod.host_network == Some(true) && pod.multi_pod_per_host == Some(true));
    if !clash {
        return Vec::new();
    }
    vec![Finding::forbidden(
        "POD-01",
        path().child("hostNetwork"),
        "host networking cannot be enabled with multi pod per host: two servers cannot open the same port of a node; leave one \
         of both out",
    )]
}

fn dns_policy<'a>(subject: &Subject<'a>) -> Option<&'a str> {
    subject
        .spec
        .pod_spec
        .as_ref()?
        .effective_dns_policy
        .as_deref()
}

fn dns_finds_the_other_servers(subject: &Subject<'_>) -> Vec<Finding> {
    if dns_policy(subject) != Some("Default") {
        return Vec::new();
    }
    vec![Finding::invalid(
        "POD-02",
        path().child("dnsPolicy"),
        "dnsPolicy: Default is not supported: servers find each other by names of the Kubernetes cluster; use ClusterFirst, or \
         ClusterFirstWithHostNet with hostNetwork",
    )]
}

fn own_dns_is_configured(subject: &Subject<'_>) -> Vec<Finding> {
    let pod = subject.spec.pod_spec.as_ref();
    let configured = pod.is_some_and(|pod| pod.dns_config.is_some());
    if dns_policy(subject) != Some("None") || configured {
        return Vec::new();
    }
    vec![Finding::required(
        "POD-03",
        path().child("dnsConfig"),
        "dnsConfig is required field when dnsPolicy is set to None: give nameservers that know the names of the Kubernetes \
         cluster",
    )]
}

fn metadata<'a>(subject: &Subject<'a>) -> Option<&'a ObjectMetadata> {
    subject.spec.pod_spec.as_ref()?.metadata.as_ref()
}

fn labels_of_the_operator_are_its_own(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(metadata) = metadata(subject) else {
        return Vec::new();
    };
    let own = LABELS.into_iter();
    own.filter(|label| metadata.labels.contains_key(*label))
        .map(|label| {
            Finding::forbidden(
                "POD-04",
                path().children(&["metadata", "labels"]).map_key(label),
                format!(
                    "label {label} is managed by the operator, which finds pods by it: leave it out"
                ),
            )
        })
        .told()
}

fn annotations_of_the_operator_are_its_own(subject: &Subject<'_>) -> Vec<Finding> {
    let annotation = EVICTION_BLOCKED;
    if metadata(subject).is_none_or(|metadata| !metadata.annotations.contains_key(annotation)) {
        return Vec::new();
    }
    let place = path().children(&["metadata", "annotations"]);
    vec![Finding::forbidden(
        "POD-05",
        place.map_key(annotation),
        format!(
            "annotation {annotation} is reserved: the operator sets it on pods that are to be evicted; leave it out"
        ),
    )]
}

/// A container of the user's with the place of its name.
struct Named<'a> {
    member: &'static str,
    index: usize,
    name: &'a str,
}

impl Named<'_> {
    fn path(&self) -> FieldPath {
        path()
            .child(self.member)
            .item(self.index, self.name)
            .child("name")
    }
}

fn containers<'a>(subject: &Subject<'a>) -> impl Iterator<Item = Named<'a>> + use<'a> {
    let listed = |pod: &'a PodSpec| -> [(&'static str, &'a [Container]); 2] {
        [
            ("sidecars", &pod.sidecars),
            ("initContainers", &pod.init_containers),
        ]
    };
    let lists = subject.spec.pod_spec.as_ref().into_iter().flat_map(listed);
    lists.flat_map(|(member, list)| {
        let containers = list.iter().enumerate();
        containers.map(move |(index, container)| Named {
            member,
            index,
            name: &container.name,
        })
    })
}

/// Among the init containers the name of ours marks its place.
fn is_reserved(container: &Named<'_>) -> bool {
    container.name == names::SERVER_CONTAINER
        || (container.name == names::INIT_CONTAINER && container.member == "sidecars")
}

fn names_of_the_operator_are_its_own(subject: &Subject<'_>) -> Vec<Finding> {
    containers(subject)
        .filter(is_reserved)
        .map(|container| {
            Finding::forbidden(
                "POD-06",
                container.path(),
                format!(
                    "{} is a reserved container name, the operator's own container has it: choose another",
                    container.name
                ),
            )
        })
        .told()
}

/// Silent about containers without a name.
fn container_names_are_unique(subject: &Subject<'_>) -> Vec<Finding> {
    let mut seen = HashSet::new();
    containers(subject)
        .filter(|container| !container.name.is_empty() && !seen.insert(container.name))
        .map(|container| {
            Finding::duplicate(
                "POD-07",
                container.path(),
                format!(
                    "duplicate container name {:?}: sidecars and init containers need names of their own",
                    shortened(container.name, 63)
                ),
            )
        })
        .told()
}

fn limits_cover_requests(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(pod) = &subject.spec.pod_spec else {
        return Vec::new();
    };
    let server = pod.aerospike_container.as_ref();
    let init = pod.aerospike_init_container.as_ref();
    let ours = [
        (
            "RES-01",
            "aerospikeContainer",
            server.and_then(|container| container.resources.as_ref()),
        ),
        (
            "RES-03",
            "aerospikeInitContainer",
            init.and_then(|container| container.resources.as_ref()),
        ),
    ];
    let short = ours.into_iter().filter_map(|(code, member, resources)| {
        let short = uncovered(resources?);
        (!short.is_empty()).then_some((code, member, short))
    });
    short
        .map(|(code, member, short)| {
            Finding::invalid(
                code,
                path().children(&[member, "resources"]),
                format!(
                    "resources.Limits cannot be less than resource.Requests: raise the limit of {}, or leave all limits out",
                    short.join(" and ")
                ),
            )
        })
        .told()
}

/// What is requested beyond its limit, where there are both limits and requests. What is missing counts as nothing, and
/// what is no quantity is left to others.
fn uncovered(resources: &ResourceRequirements) -> Vec<&'static str> {
    let (Some(limits), Some(requests)) = (&resources.limits, &resources.requests) else {
        return Vec::new();
    };
    let is_short = |name: &&str| amount(limits, name) < amount(requests, name);
    let both = |name: &&str| amount(limits, name).is_some() && amount(requests, name).is_some();
    COMPUTE.into_iter().filter(both).filter(is_short).collect()
}

fn amount(list: &BTreeMap<String, Quantity>, name: &str) -> Option<Amount> {
    list.get(name)
        .map_or_else(|| Amount::parse("0"), |quantity| Amount::parse(&quantity.0))
}

fn cleanup_in_parallel_has_limits(subject: &Subject<'_>) -> Vec<Finding> {
    let pod = subject.spec.pod_spec.as_ref();
    let init = pod.and_then(|pod| pod.aerospike_init_container.as_ref());
    let resources = init.and_then(|init| init.resources.as_ref());
    let limited = resources.is_some_and(|resources| resources.limits.is_some());
    let threads = |subject: &Subject<'_>| {
        let storages = subject
            .racks()
            .iter()
            .filter_map(|rack| rack.effective_storage.as_ref());
        storages
            .filter_map(|storage| storage.cleanup_threads)
            .find(|threads| *threads != 1)
    };
    let Some(threads) = threads(subject).filter(|_| !limited) else {
        return Vec::new();
    };
    vec![Finding::required(
        "RES-02",
        path().children(&["aerospikeInitContainer", "resources", "limits"]),
        format!(
            "limits are required for multi-threaded cleanup (cleanupThreads: {threads}), which takes as much of a node as it \
             gets: set cpu and memory, or clean up with one thread"
        ),
    )]
}

fn dlog_files_are_not_validated(subject: &Subject<'_>) -> Vec<Warning> {
    let policy = subject.spec.validation_policy.as_ref();
    if policy.is_none_or(|policy| policy.skip_xdr_dlog_file_validate != Some(true)) {
        return Vec::new();
    }
    vec![Warning {
        code: "W-07",
        path: FieldPath::spec().children(&["validationPolicy", "skipXdrDlogFileValidate"]),
        message: "skipXdrDlogFileValidate is deprecated and of no effect: leave it out".to_owned(),
    }]
}

#[cfg(test)]
mod tests;
