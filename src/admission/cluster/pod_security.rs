//! The Pod Security standard of Kubernetes 1.35, for the pods that the operator would make: who may create clusters may
//! create pods through the operator, which `--pod-policy` limits.

mod pod;

use self::pod::{Context, Pod};
use crate::{
    admission::{rules::Area, subject::Subject},
    finding::{FieldPath, Finding},
    resolve::{PodPolicy, network},
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[pods_meet_the_standard],
    changes: &[],
    advice: &[],
};

/// A control of the standard.
struct Control {
    code: &'static str,
    /// The level from which on it holds.
    level: PodPolicy,
    /// What is wrong at a breach, and what would be right.
    text: &'static str,
    /// Where a pod breaks it.
    breaches: fn(&Pod<'_>) -> Vec<FieldPath>,
}

/// The control about volume types is not here: of the sources that a cluster can have only `hostPath` breaks it.
const CONTROLS: [Control; 17] = [
    Control {
        code: "PSS-01",
        level: PodPolicy::Baseline,
        text: "processes of the host are not allowed: leave hostProcess out",
        breaches: host_processes,
    },
    Control {
        code: "PSS-02",
        level: PodPolicy::Baseline,
        text: "namespaces of the host are not allowed: leave hostNetwork out",
        breaches: host_namespaces,
    },
    Control {
        code: "PSS-03",
        level: PodPolicy::Baseline,
        text: "privileged containers are not allowed: leave privileged out",
        breaches: privileged,
    },
    Control {
        code: "PSS-04",
        level: PodPolicy::Baseline,
        text: "this capability is not allowed, as it is none that container runtimes give by default: leave it out",
        breaches: more_than_default_capabilities,
    },
    Control {
        code: "PSS-05",
        level: PodPolicy::Baseline,
        text: "folders of the host are not allowed: use another source",
        breaches: host_paths,
    },
    Control {
        code: "PSS-06",
        level: PodPolicy::Baseline,
        text: "ports of the host are not allowed: leave hostPort out; servers open none if multiPodPerHost is true, or if all \
               types of aerospikeNetworkPolicy are pod",
        breaches: host_ports,
    },
    Control {
        code: "PSS-07",
        level: PodPolicy::Baseline,
        text: "probes and hooks to another host than the pod are not allowed: leave host out",
        breaches: probed_hosts,
    },
    Control {
        code: "PSS-08",
        level: PodPolicy::Baseline,
        text: "this AppArmor profile is not allowed: use RuntimeDefault or Localhost (as annotation runtime/default or \
               localhost/<name>), or leave it out",
        breaches: app_armor,
    },
    Control {
        code: "PSS-09",
        level: PodPolicy::Baseline,
        text: "this SELinux option is not allowed: leave user and role out, and of types use container_t, container_init_t, \
               container_kvm_t or container_engine_t",
        breaches: se_linux,
    },
    Control {
        code: "PSS-10",
        level: PodPolicy::Baseline,
        text: "an unmasked /proc is not allowed: use Default, or leave procMount out",
        breaches: proc_mounts,
    },
    Control {
        code: "PSS-11",
        level: PodPolicy::Baseline,
        text: "this seccomp profile is not allowed: use RuntimeDefault or Localhost",
        breaches: unconfined_seccomp,
    },
    Control {
        code: "PSS-12",
        level: PodPolicy::Baseline,
        text: "this sysctl is not allowed, as it may reach beyond the pod: leave it out",
        breaches: unsafe_sysctls,
    },
    Control {
        code: "PSS-13",
        level: PodPolicy::Restricted,
        text: "allowPrivilegeEscalation must be false",
        breaches: privilege_escalation,
    },
    Control {
        code: "PSS-14",
        level: PodPolicy::Restricted,
        text: "runAsNonRoot must be true, here or in spec.podSpec.securityContext; volumes must then be writable for the user",
        breaches: root_allowed,
    },
    Control {
        code: "PSS-15",
        level: PodPolicy::Restricted,
        text: "runAsUser must not be 0: give another user, or leave it out",
        breaches: root_users,
    },
    Control {
        code: "PSS-16",
        level: PodPolicy::Restricted,
        text: "seccompProfile must be RuntimeDefault or Localhost, here or in spec.podSpec.securityContext",
        breaches: missing_seccomp,
    },
    Control {
        code: "PSS-17",
        level: PodPolicy::Restricted,
        text: "capabilities must drop ALL, and may add NET_BIND_SERVICE only",
        breaches: kept_capabilities,
    },
];

const DEFAULT_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    BIND_LOW_PORTS,
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];
const BIND_LOW_PORTS: &str = "NET_BIND_SERVICE";
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

fn pods_meet_the_standard(subject: &Subject<'_>) -> Vec<Finding> {
    let policy = subject.settings.pod_policy;
    let (Some(spec), PodPolicy::Baseline | PodPolicy::Restricted) =
        (&subject.spec.pod_spec, policy)
    else {
        return Vec::new();
    };
    let pod = Pod::of(subject, spec);
    let controls = CONTROLS.iter().filter(|control| control.level <= policy);
    controls
        .flat_map(|control| {
            let message = format!(
                "{} (the operator runs with --pod-policy={policy})",
                control.text
            );
            let breaches = (control.breaches)(&pod).into_iter();
            breaches.map(move |path| Finding::forbidden(control.code, path, message.clone()))
        })
        .collect()
}

/// The places of a member in the contexts for which `is_breach` holds.
fn places(pod: &Pod<'_>, member: &str, is_breach: impl Fn(&Context<'_>) -> bool) -> Vec<FieldPath> {
    let breaches = pod.contexts().filter(|context| is_breach(context));
    breaches.map(|context| context.path.child(member)).collect()
}

fn host_processes(pod: &Pod<'_>) -> Vec<FieldPath> {
    let breaches = pod.contexts().filter(|context| {
        context
            .windows
            .is_some_and(|options| options.host_process == Some(true))
    });
    breaches
        .map(|context| context.path.children(&["windowsOptions", "hostProcess"]))
        .collect()
}

fn host_namespaces(pod: &Pod<'_>) -> Vec<FieldPath> {
    let shared = pod.spec.host_network == Some(true);
    shared
        .then(|| Pod::path().child("hostNetwork"))
        .into_iter()
        .collect()
}

fn privileged(pod: &Pod<'_>) -> Vec<FieldPath> {
    places(pod, "privileged", |context| {
        context.own.is_some_and(|own| own.privileged == Some(true))
    })
}

/// The places of added capabilities for which `is_breach` holds.
fn added_capabilities(pod: &Pod<'_>, is_breach: impl Fn(&str) -> bool) -> Vec<FieldPath> {
    pod.contexts()
        .flat_map(|context| {
            let capabilities = context.own.and_then(|own| own.capabilities.as_ref());
            let added = capabilities.and_then(|capabilities| capabilities.add.as_deref());
            let added = added.unwrap_or_default().iter().enumerate();
            let breaches = added.filter(|(_, name)| is_breach(name));
            let path = context.path.children(&["capabilities", "add"]);
            breaches
                .map(|(index, name)| path.item(index, name))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn more_than_default_capabilities(pod: &Pod<'_>) -> Vec<FieldPath> {
    added_capabilities(pod, |name| !DEFAULT_CAPABILITIES.contains(&name))
}

fn host_paths(pod: &Pod<'_>) -> Vec<FieldPath> {
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
                .collect::<Vec<_>>()
        })
        .collect()
}

fn host_ports(pod: &Pod<'_>) -> Vec<FieldPath> {
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
    own.chain(of_servers).collect()
}

fn probed_hosts(pod: &Pod<'_>) -> Vec<FieldPath> {
    let containers = pod.containers.iter();
    containers.flat_map(pod::PlacedContainer::hosts).collect()
}

fn app_armor(pod: &Pod<'_>) -> Vec<FieldPath> {
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
        .collect()
}

fn se_linux(pod: &Pod<'_>) -> Vec<FieldPath> {
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
        .collect()
}

fn proc_mounts(pod: &Pod<'_>) -> Vec<FieldPath> {
    places(pod, "procMount", |context| {
        let kind = context.own.and_then(|own| own.proc_mount.as_deref());
        kind.is_some_and(|kind| kind != "Default")
    })
}

fn unconfined_seccomp(pod: &Pod<'_>) -> Vec<FieldPath> {
    let breaches = pod.contexts().filter(|context| {
        context
            .seccomp
            .is_some_and(|profile| !PROFILES.contains(&profile.type_.as_str()))
    });
    breaches
        .map(|context| context.path.children(&["seccompProfile", "type"]))
        .collect()
}

fn unsafe_sysctls(pod: &Pod<'_>) -> Vec<FieldPath> {
    let context = pod.spec.security_context.as_ref();
    let sysctls = context.and_then(|context| context.sysctls.as_deref());
    let sysctls = sysctls.unwrap_or_default().iter().enumerate();
    let path = Pod::path().children(&["securityContext", "sysctls"]);
    sysctls
        .filter(|(_, sysctl)| !SAFE_SYSCTLS.contains(&sysctl.name.as_str()))
        .map(|(index, sysctl)| path.item(index, &sysctl.name).child("name"))
        .collect()
}

fn privilege_escalation(pod: &Pod<'_>) -> Vec<FieldPath> {
    places(pod, "allowPrivilegeEscalation", |context| {
        let own = context.own.and_then(|own| own.allow_privilege_escalation);
        !context.is_pod && own != Some(false)
    })
}

fn root_allowed(pod: &Pod<'_>) -> Vec<FieldPath> {
    let for_all = pod.context().run_as_non_root;
    places(pod, "runAsNonRoot", |context| {
        match context.run_as_non_root {
            Some(non_root) => !non_root,
            None => !context.is_pod && for_all != Some(true),
        }
    })
}

fn root_users(pod: &Pod<'_>) -> Vec<FieldPath> {
    places(pod, "runAsUser", |context| context.run_as_user == Some(0))
}

fn missing_seccomp(pod: &Pod<'_>) -> Vec<FieldPath> {
    let for_all = pod.context().seccomp.is_some();
    places(pod, "seccompProfile", |context| {
        !context.is_pod && !for_all && context.seccomp.is_none()
    })
}

/// What is added beyond the default is told by the control about that.
fn kept_capabilities(pod: &Pod<'_>) -> Vec<FieldPath> {
    let breaches = pod.contexts().filter(|context| {
        let capabilities = context.own.and_then(|own| own.capabilities.as_ref());
        let dropped = capabilities.and_then(|capabilities| capabilities.drop.as_deref());
        let all = dropped.unwrap_or_default().iter().any(|name| name == "ALL");
        !context.is_pod && !all
    });
    let added = added_capabilities(pod, |name| {
        DEFAULT_CAPABILITIES.contains(&name) && name != BIND_LOW_PORTS
    });
    breaches
        .map(|context| context.path.children(&["capabilities", "drop"]))
        .chain(added)
        .collect()
}

#[cfg(test)]
mod tests;
