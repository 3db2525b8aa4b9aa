//! The Pod Security standard of Kubernetes 1.35, for the pods that the operator would make: who may create clusters may
//! create pods through the operator, which `--pod-policy` limits.

mod baseline;
mod pod;
mod restricted;

use self::pod::Pod;
use crate::{
    admission::{
        rules::{Area, Told},
        subject::Subject,
    },
    finding::{FieldPath, Finding},
    resolve::PodPolicy,
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
        breaches: baseline::host_processes,
    },
    Control {
        code: "PSS-02",
        level: PodPolicy::Baseline,
        text: "namespaces of the host are not allowed: leave hostNetwork out",
        breaches: baseline::host_namespaces,
    },
    Control {
        code: "PSS-03",
        level: PodPolicy::Baseline,
        text: "privileged containers are not allowed: leave privileged out",
        breaches: baseline::privileged,
    },
    Control {
        code: "PSS-04",
        level: PodPolicy::Baseline,
        text: "this capability is not allowed, as it is none that container runtimes give by default: leave it out",
        breaches: baseline::more_than_default_capabilities,
    },
    Control {
        code: "PSS-05",
        level: PodPolicy::Baseline,
        text: "folders of the host are not allowed: use another source",
        breaches: baseline::host_paths,
    },
    Control {
        code: "PSS-06",
        level: PodPolicy::Baseline,
        text: "ports of the host are not allowed: leave hostPort out; servers open none if multiPodPerHost is true, or if all \
               types of aerospikeNetworkPolicy are pod",
        breaches: baseline::host_ports,
    },
    Control {
        code: "PSS-07",
        level: PodPolicy::Baseline,
        text: "probes and hooks to another host than the pod are not allowed: leave host out",
        breaches: baseline::probed_hosts,
    },
    Control {
        code: "PSS-08",
        level: PodPolicy::Baseline,
        text: "this AppArmor profile is not allowed: use RuntimeDefault or Localhost (as annotation runtime/default or \
               localhost/<name>), or leave it out",
        breaches: baseline::app_armor,
    },
    Control {
        code: "PSS-09",
        level: PodPolicy::Baseline,
        text: "this SELinux option is not allowed: leave user and role out, and of types use container_t, container_init_t, \
               container_kvm_t or container_engine_t",
        breaches: baseline::se_linux,
    },
    Control {
        code: "PSS-10",
        level: PodPolicy::Baseline,
        text: "an unmasked /proc is not allowed: use Default, or leave procMount out",
        breaches: baseline::proc_mounts,
    },
    Control {
        code: "PSS-11",
        level: PodPolicy::Baseline,
        text: "this seccomp profile is not allowed: use RuntimeDefault or Localhost",
        breaches: baseline::unconfined_seccomp,
    },
    Control {
        code: "PSS-12",
        level: PodPolicy::Baseline,
        text: "this sysctl is not allowed, as it may reach beyond the pod: leave it out",
        breaches: baseline::unsafe_sysctls,
    },
    Control {
        code: "PSS-13",
        level: PodPolicy::Restricted,
        text: "allowPrivilegeEscalation must be false",
        breaches: restricted::privilege_escalation,
    },
    Control {
        code: "PSS-14",
        level: PodPolicy::Restricted,
        text: "runAsNonRoot must be true, here or in spec.podSpec.securityContext; volumes must then be writable for the user",
        breaches: restricted::root_allowed,
    },
    Control {
        code: "PSS-15",
        level: PodPolicy::Restricted,
        text: "runAsUser must not be 0: give another user, or leave it out",
        breaches: restricted::root_users,
    },
    Control {
        code: "PSS-16",
        level: PodPolicy::Restricted,
        text: "seccompProfile must be RuntimeDefault or Localhost, here or in spec.podSpec.securityContext",
        breaches: restricted::missing_seccomp,
    },
    Control {
        code: "PSS-17",
        level: PodPolicy::Restricted,
        text: "capabilities must drop ALL, and may add NET_BIND_SERVICE only",
        breaches: restricted::kept_capabilities,
    },
];

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
        .told()
}

#[cfg(test)]
mod tests;
