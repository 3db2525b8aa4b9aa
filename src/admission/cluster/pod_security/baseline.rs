//! Where pods break the baseline, a function a control.

use super::pod::{PlacedContainer, Pod};
use crate::admission::rules::Told;
use crate::{finding::FieldPath, resolve::network};

/// What container runtimes give by default.
pub(super) const DEFAULT_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];
const SE_LINUX_TYPES: [&str; 5] = [
    "",
    "container_t",
    "container_init_t",
    "container_kvm_t",
    "container_engine_t",
];
const PROFILES: [&str; 2] = ["RuntimeDefault", "Localhost"];
const SAFE_SYSCTLS: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];
/// Prefix of the annotations that older manifests have in the place of `appArmorProfile`.
const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

pub(super) fn host_processes(pod: &Pod<'_>) -> Vec<FieldPath> {
    let breaches = pod.contexts().filter(|context| {
        context
            .windows
            .is_some_and(|options| options.host_process == Some(true))
    });
    breaches
        .map(|context| context.path.children(&["windowsOptions", "hostProcess"]))
        .told()
}

pub(super) fn host_namespaces(pod: &Pod<'_>) -> Vec<FieldPath> {
    let shared = pod.spec.host_network == Some(true);
    shared
        .then(|| Pod::path().child("hostNetwork"))
        .into_iter()
        .told()
}

pub(super) fn privileged(pod: &Pod<'_>) -> Vec<FieldPath> {
    pod.places("privileged", |context| {
        context.own.is_some_and(|own| own.privileged == Some(true))
    })
}

pub(super) fn more_than_default_capabilities(pod: &Pod<'_>) -> Vec<FieldPath> {
    pod.added_capabilities(|name| !DEFAULT_CAPABILITIES.contains(&name))
}

pub(super) fn host_paths(pod: &Pod<'_>) -> Vec<FieldPath> {
    pod.subject
        .placed_racks()
        .flat_map(|rack| {
            let volumes = rack.storage().map_or(&[][..], |storage| &storage.volumes);
            let path = rack.storage_path().child("volumes");
            let volumes = volumes.iter().enumerate();
            let on_host = volumes.filter(|(_, volume)| {
                let source = volume.source.as_ref();
                source.is_some_and(|source| source.host_path.is_some())
            });
            on_host
                .map(|(index, volume)| {
                    path.item(index, &volume.name)
                        .children(&["source", "hostPath"])
                })
                .told()
        })
        .told()
}

pub(super) fn host_ports(pod: &Pod<'_>) -> Vec<FieldPath> {
    let own = pod.containers.iter().flat_map(|container| {
        let ports = container.ports().iter().enumerate();
        let on_host = ports.filter(|(_, port)| port.host_port.unwrap_or(0) != 0);
        on_host.map(|(index, port)| {
            let path = container.path.child("ports");
            path.item(index, port.container_port).child("hostPort")
        })
    });
    let network = network::resolve(pod.subject.spec);
    let of_servers = network.opens_node_ports() && !network.host_network;
    let of_servers = of_servers.then(|| Pod::path().child("multiPodPerHost"));
    own.chain(of_servers).told()
}

pub(super) fn probed_hosts(pod: &Pod<'_>) -> Vec<FieldPath> {
    let containers = pod.containers.iter();
    containers.flat_map(PlacedContainer::hosts).told()
}

pub(super) fn app_armor(pod: &Pod<'_>) -> Vec<FieldPath> {
    let breaches = pod.contexts().filter(|context| {
        context
            .app_armor
            .is_some_and(|profile| !PROFILES.contains(&profile.type_.as_str()))
    });
    let is_allowed = |profile: &str| {
        matches!(profile, "" | "runtime/default") || profile.starts_with("localhost/")
    };
    let metadata = pod.spec.metadata.iter();
    let annotations = metadata.flat_map(|metadata| &metadata.annotations);
    let annotated = annotations
        .filter(|(key, profile)| key.starts_with(APP_ARMOR) && !is_allowed(profile))
        .map(|(key, _)| {
            Pod::path()
                .children(&["metadata", "annotations"])
                .map_key(key)
        });
    breaches
        .map(|context| context.path.children(&["appArmorProfile", "type"]))
        .chain(annotated)
        .told()
}

pub(super) fn se_linux(pod: &Pod<'_>) -> Vec<FieldPath> {
    pod.contexts()
        .filter_map(|context| Some((context.path, context.se_linux?)))
        .flat_map(|(path, options)| {
            let text = |text: &Option<String>| text.as_deref().unwrap_or_default().to_owned();
            let path = path.child("seLinuxOptions");
            [
                (
                    "type",
                    !SE_LINUX_TYPES.contains(&text(&options.type_).as_str()),
                ),
                ("user", !text(&options.user).is_empty()),
                ("role", !text(&options.role).is_empty()),
            ]
            .into_iter()
            .filter(|(_, is_breach)| *is_breach)
            .map(move |(member, _)| path.child(member))
        })
        .told()
}

pub(super) fn proc_mounts(pod: &Pod<'_>) -> Vec<FieldPath> {
    pod.places("procMount", |context| {
        let kind = context.own.and_then(|own| own.proc_mount.as_deref());
        kind.is_some_and(|kind| kind != "Default")
    })
}

pub(super) fn unconfined_seccomp(pod: &Pod<'_>) -> Vec<FieldPath> {
    let breaches = pod.contexts().filter(|context| {
        context
            .seccomp
            .is_some_and(|profile| !PROFILES.contains(&profile.type_.as_str()))
    });
    breaches
        .map(|context| context.path.children(&["seccompProfile", "type"]))
        .told()
}

pub(super) fn unsafe_sysctls(pod: &Pod<'_>) -> Vec<FieldPath> {
    let context = pod.spec.security_context.as_ref();
    let sysctls = context.and_then(|context| context.sysctls.as_deref());
    let sysctls = sysctls.unwrap_or_default().iter().enumerate();
    let path = Pod::path().children(&["securityContext", "sysctls"]);
    sysctls
        .filter(|(_, sysctl)| !SAFE_SYSCTLS.contains(&sysctl.name.as_str()))
        .map(|(index, sysctl)| path.item(index, &sysctl.name).child("name"))
        .told()
}
