//! Addresses that servers advertise, and the interfaces that they bind.

use std::collections::BTreeSet;

use crate::{
    admission::{
        rules::{Area, Change, Told},
        subject::Subject,
    },
    api::network::{AddressType, NetworkPolicy},
    finding::{FieldPath, Finding, shortened},
    resolve::network::whole_name,
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[
        custom_interfaces_have_networks,
        custom_interfaces_are_the_pods_own,
        custom_interfaces_are_attached,
    ],
    changes: &[fabric_stays, networks_of_fabric_stay],
    advice: &[],
};

/// Annotation of a pod with the networks that it is attached to, with commas between.
const NETWORKS: &str = "k8s.v1.cni.cncf.io/networks";

fn path() -> FieldPath {
    FieldPath::spec().child("aerospikeNetworkPolicy")
}

/// A use of networks: its member, whether it uses networks of choice, and which.
struct Use<'a> {
    member: &'static str,
    is_custom: bool,
    names_member: &'static str,
    names: &'a [String],
}

/// The addresses that servers advertise.
fn addresses(policy: &NetworkPolicy) -> [Use<'_>; 4] {
    let custom = |kind: Option<AddressType>| kind == Some(AddressType::CustomInterface);
    [
        Use {
            member: "access",
            is_custom: custom(policy.access),
            names_member: "customAccessNetworkNames",
            names: &policy.custom_access_network_names,
        },
        Use {
            member: "alternateAccess",
            is_custom: custom(policy.alternate_access),
            names_member: "customAlternateAccessNetworkNames",
            names: &policy.custom_alternate_access_network_names,
        },
        Use {
            member: "tlsAccess",
            is_custom: custom(policy.tls_access),
            names_member: "customTLSAccessNetworkNames",
            names: &policy.custom_tls_access_network_names,
        },
        Use {
            member: "tlsAlternateAccess",
            is_custom: custom(policy.tls_alternate_access),
            names_member: "customTLSAlternateAccessNetworkNames",
            names: &policy.custom_tls_alternate_access_network_names,
        },
    ]
}

/// The interfaces that fabric binds, plain and by TLS.
fn fabrics(policy: &NetworkPolicy) -> [Use<'_>; 2] {
    [
        Use {
            member: "fabric",
            is_custom: policy.fabric.is_some(),
            names_member: "customFabricNetworkNames",
            names: &policy.custom_fabric_network_names,
        },
        Use {
            member: "tlsFabric",
            is_custom: policy.tls_fabric.is_some(),
            names_member: "customTLSFabricNetworkNames",
            names: &policy.custom_tls_fabric_network_names,
        },
    ]
}

fn custom_uses<'a>(subject: &Subject<'a>) -> impl Iterator<Item = Use<'a>> + use<'a> {
    let policy = subject.spec.aerospike_network_policy.as_ref();
    let uses = policy
        .into_iter()
        .flat_map(|policy| addresses(policy).into_iter().chain(fabrics(policy)));
    uses.filter(|interface| interface.is_custom)
}

fn custom_interfaces_have_networks(subject: &Subject<'_>) -> Vec<Finding> {
    custom_uses(subject)
        .filter(|interface| interface.names.is_empty())
        .map(|interface| {
            Finding::required(
                "NP-01",
                path().child(interface.names_member),
                format!(
                    "{} is required with customInterface as {}: list network attachments as <namespace>/<name>",
                    interface.names_member, interface.member
                ),
            )
        })
        .told()
}

fn custom_interfaces_are_the_pods_own(subject: &Subject<'_>) -> Vec<Finding> {
    let pod = subject.spec.pod_spec.as_ref();
    let on_host = pod.is_some_and(|pod| pod.host_network == Some(true));
    let members: Vec<_> = custom_uses(subject)
        .map(|interface| interface.member)
        .collect();
    if !on_host || members.is_empty() {
        return Vec::new();
    }
    vec![Finding::forbidden(
        "NP-02",
        FieldPath::spec().children(&["podSpec", "hostNetwork"]),
        format!(
            "hostNetwork cannot be used with customInterface ({}): pods on their node's network have no networks of their own; \
             leave one of both out",
            members.join(", ")
        ),
    )]
}

/// The networks that pods are attached to, by whole name.
fn attached(subject: &Subject<'_>) -> BTreeSet<String> {
    let metadata = subject
        .spec
        .pod_spec
        .as_ref()
        .and_then(|pod| pod.metadata.as_ref());
    let listed = metadata.and_then(|metadata| metadata.annotations.get(NETWORKS));
    let names = listed.into_iter().flat_map(|listed| listed.split(','));
    names
        .map(|name| whole_name(name, subject.namespace))
        .collect()
}

fn custom_interfaces_are_attached(subject: &Subject<'_>) -> Vec<Finding> {
    let mut uses = custom_uses(subject).peekable();
    if uses.peek().is_none() {
        return Vec::new();
    }
    let attached = attached(subject);
    uses.flat_map(|interface| {
        let names = interface.names.iter().enumerate();
        let missing = names.filter(|(_, name)| !attached.contains(*name));
        missing
            .map(|(index, name)| {
                Finding::invalid(
                    "NP-03",
                    path().child(interface.names_member).item(index, name),
                    format!(
                        "required network {:?} is not present in pod annotation {NETWORKS}: add it to \
                         spec.podSpec.metadata.annotations",
                        shortened(name, 100)
                    ),
                )
            })
            .told()
    })
    .told()
}

/// Fabric before and after, plain and by TLS.
fn fabric_changes<'a>(change: &Change<'a>) -> impl Iterator<Item = [Use<'a>; 2]> {
    let policy = |subject: &Subject<'a>| subject.spec.aerospike_network_policy.as_ref();
    let policies = policy(change.old).zip(policy(change.new));
    policies
        .into_iter()
        .flat_map(|(old, new)| fabrics(old).into_iter().zip(fabrics(new)))
        .map(|(old, new)| [old, new])
}

fn fabric_stays(change: &Change<'_>) -> Vec<Finding> {
    let coded = fabric_changes(change).zip(["UPD-07", "UPD-08"]);
    coded
        .filter(|([old, new], _)| old.is_custom != new.is_custom)
        .map(|([_, new], code)| {
            Finding::forbidden(
                code,
                path().child(new.member),
                format!(
                    "cannot update {} type: servers with different fabric interfaces do not reach each other; keep it, or \
                     make a new cluster",
                    new.member
                ),
            )
        })
        .told()
}

fn networks_of_fabric_stay(change: &Change<'_>) -> Vec<Finding> {
    let coded = fabric_changes(change).zip(["UPD-09", "UPD-10"]);
    coded
        .filter(|([old, new], _)| old.is_custom && new.is_custom && old.names != new.names)
        .map(|([_, new], code)| {
            Finding::forbidden(
                code,
                path().child(new.names_member),
                format!(
                    "cannot update {}: servers in different networks do not reach each other; keep it, or make a new cluster",
                    new.names_member
                ),
            )
        })
        .told()
}

#[cfg(test)]
mod tests;
