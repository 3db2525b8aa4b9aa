//! Services of a cluster, and the budget for voluntary disruptions of its pods.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        core::v1::{Service, ServicePort, ServiceSpec},
        policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    },
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

use super::{filled, filled_list, labels, metadata, names};
use crate::{
    api::{
        services::{LoadBalancer, ServiceSpec as UserService, TrafficPolicy},
        storage::ObjectMetadata,
    },
    resolve::{Desired, network::Ports},
};

/// Ports below this one are not taken for the load balancer.
const LEAST_LOAD_BALANCER_PORT: i32 = 1024;

/// The service that gives each pod a name.
#[must_use]
pub fn headless(desired: &Desired) -> Service {
    let cluster = &desired.identity.name;
    let user = user_metadata(desired.spec.headless_service.as_ref());
    let mut all = labels::cluster(cluster);
    all.extend(user.labels);
    let mut service = Service {
        metadata: metadata(desired, names::headless_service(cluster), all),
        spec: Some(ServiceSpec {
            cluster_ip: Some("None".to_owned()),
            publish_not_ready_addresses: Some(true),
            selector: Some(labels::cluster(cluster)),
            ports: client_ports(desired.network.ports),
            ..ServiceSpec::default()
        }),
        status: None,
    };
    service.metadata.annotations = filled(user.annotations);
    service
}

/// The service through whose node ports a single pod is reached.
#[must_use]
pub fn pod(desired: &Desired, pod_name: &str) -> Service {
    let user = user_metadata(desired.spec.pod_service.as_ref());
    let selector = BTreeMap::from([(labels::POD_NAME.to_owned(), pod_name.to_owned())]);
    let mut service = Service {
        metadata: metadata(desired, pod_name.to_owned(), user.labels),
        spec: Some(ServiceSpec {
            type_: Some("NodePort".to_owned()),
            external_traffic_policy: Some("Local".to_owned()),
            publish_not_ready_addresses: Some(true),
            selector: Some(selector),
            ports: client_ports(desired.network.ports),
            ..ServiceSpec::default()
        }),
        status: None,
    };
    service.metadata.annotations = filled(user.annotations);
    service
}

/// The load balancer over all pods, if the spec asks for one and there is a port to balance.
#[must_use]
pub fn load_balancer(desired: &Desired) -> Option<Service> {
    let seeds = desired.spec.seeds_finder_services.as_ref()?;
    let wanted = seeds.load_balancer.as_ref()?;
    let cluster = &desired.identity.name;
    let port = load_balancer_port(wanted, desired.network.client_port())?;
    let mut service = Service {
        metadata: metadata(
            desired,
            names::load_balancer(cluster),
            labels::cluster(cluster),
        ),
        spec: Some(ServiceSpec {
            type_: Some("LoadBalancer".to_owned()),
            external_traffic_policy: wanted.external_traffic_policy.map(policy_name),
            load_balancer_source_ranges: filled_list(wanted.load_balancer_source_ranges.clone()),
            selector: Some(labels::cluster(cluster)),
            ports: Some(vec![port]),
            ..ServiceSpec::default()
        }),
        status: None,
    };
    service.metadata.annotations = filled(wanted.annotations.clone());
    Some(service)
}

fn load_balancer_port(wanted: &LoadBalancer, client_port: Option<u16>) -> Option<ServicePort> {
    let given = |port: Option<i32>| port.filter(|port| *port >= LEAST_LOAD_BALANCER_PORT);
    let target = given(wanted.target_port).or(client_port.map(i32::from))?;
    Some(ServicePort {
        name: wanted.port_name.clone().filter(|name| !name.is_empty()),
        port: given(wanted.port).unwrap_or(target),
        protocol: Some("TCP".to_owned()),
        target_port: Some(IntOrString::Int(target)),
        ..ServicePort::default()
    })
}

fn policy_name(policy: TrafficPolicy) -> String {
    let name = match policy {
        TrafficPolicy::Local => "Local",
        TrafficPolicy::Cluster => "Cluster",
    };
    name.to_owned()
}

/// The budget for voluntary disruptions, unless the spec wants none.
#[must_use]
pub fn disruption_budget(desired: &Desired) -> Option<PodDisruptionBudget> {
    if desired.spec.disable_pdb == Some(true) {
        return None;
    }
    let cluster = &desired.identity.name;
    Some(PodDisruptionBudget {
        metadata: metadata(
            desired,
            names::disruption_budget(cluster),
            labels::cluster(cluster),
        ),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: desired.spec.max_unavailable.clone(),
            selector: Some(LabelSelector {
                match_labels: Some(labels::cluster(cluster)),
                ..LabelSelector::default()
            }),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    })
}

fn user_metadata(service: Option<&UserService>) -> ObjectMetadata {
    service
        .and_then(|service| service.metadata.clone())
        .unwrap_or_default()
}

/// The ports that clients and administrators use. The protocol is written out because it is part of a port's key.
fn client_ports(ports: Ports) -> Option<Vec<ServicePort>> {
    let named = [
        ("service", ports.service),
        ("tls-service", ports.tls_service),
        ("admin", ports.admin),
        ("tls-admin", ports.tls_admin),
    ];
    let configured = named
        .into_iter()
        .filter_map(|(name, port)| Some((name, port?)));
    let ports = configured.map(|(name, port)| ServicePort {
        name: Some(name.to_owned()),
        port: port.into(),
        protocol: Some("TCP".to_owned()),
        ..ServicePort::default()
    });
    filled_list(ports.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::resources::testing;

    fn cluster(change: impl FnOnce(&mut Value)) -> Desired {
        testing::sample_with("dim_nostorage_cluster", change)
    }

    fn port(balancer: &Value) -> Option<(i32, IntOrString)> {
        let desired = cluster(|cr| {
            cr["spec"]["seedsFinderServices"] = json!({"loadBalancer": balancer});
        });
        let ports = load_balancer(&desired)?.spec?.ports?;
        Some((ports[0].port, ports[0].target_port.clone()?))
    }

    #[test]
    fn a_load_balancer_leads_to_the_client_port_unless_told_otherwise() {
        let ports = |port, target| Some((port, IntOrString::Int(target)));
        assert_eq!(port(&json!({})), ports(3000, 3000));
        assert_eq!(
            port(&json!({"port": 1024, "targetPort": 5000})),
            ports(1024, 5000)
        );
        assert_eq!(port(&json!({"port": 80})), ports(3000, 3000));
        assert_eq!(load_balancer(&cluster(|_| {})), None);
    }

    #[test]
    fn user_labels_win_on_the_headless_service() {
        let desired = cluster(|cr| {
            cr["spec"]["headlessService"] =
                json!({"metadata": {"labels": {"app": "x"}, "annotations": {"a": "1"}}});
        });
        let metadata = headless(&desired).metadata;
        assert_eq!(metadata.labels.unwrap()[labels::APP], "x");
        assert_eq!(metadata.annotations.unwrap()["a"], "1");
    }

    #[test]
    fn the_service_of_a_pod_has_the_users_labels_only() {
        let desired = cluster(|cr| {
            cr["spec"]["podService"] = json!({"metadata": {"labels": {"a": "1"}}});
        });
        let labels = pod(&desired, "aerocluster-0-0").metadata.labels.unwrap();
        assert_eq!(labels, BTreeMap::from([("a".to_owned(), "1".to_owned())]));
    }

    #[test]
    fn there_is_no_budget_where_none_is_wanted() {
        let off = cluster(|cr| cr["spec"]["disablePDB"] = json!(true));
        assert_eq!(disruption_budget(&off), None);
        let on = disruption_budget(&cluster(|_| {})).unwrap();
        assert_eq!(on.spec.unwrap().max_unavailable, Some(IntOrString::Int(1)));
    }
}
