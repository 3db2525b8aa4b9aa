//! Probes and hooks: how the kubelet asks and tells a container.

use k8s_openapi::api::core::v1::{
    ExecAction, GRPCAction, HTTPGetAction, LifecycleHandler, Probe, SleepAction, TCPSocketAction,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{PlacedContainer, ports::reachable, unknown};
use crate::{
    admission::{cluster::syntax::shown, rules::Told},
    finding::{FieldPath, Finding},
};

/// What a probe or a hook does.
#[derive(Default)]
struct Handler<'a> {
    exec: Option<&'a ExecAction>,
    http: Option<&'a HTTPGetAction>,
    tcp: Option<&'a TCPSocketAction>,
    grpc: Option<&'a GRPCAction>,
    sleep: Option<&'a SleepAction>,
}

impl<'a> Handler<'a> {
    fn of_probe(probe: &'a Probe) -> Self {
        Self {
            exec: probe.exec.as_ref(),
            http: probe.http_get.as_ref(),
            tcp: probe.tcp_socket.as_ref(),
            grpc: probe.grpc.as_ref(),
            sleep: None,
        }
    }

    fn of_hook(hook: &'a LifecycleHandler) -> Self {
        Self {
            exec: hook.exec.as_ref(),
            http: hook.http_get.as_ref(),
            tcp: hook.tcp_socket.as_ref(),
            grpc: None,
            sleep: hook.sleep.as_ref(),
        }
    }

    fn count(&self) -> usize {
        let given = [
            self.exec.is_some(),
            self.http.is_some(),
            self.tcp.is_some(),
            self.grpc.is_some(),
            self.sleep.is_some(),
        ];
        given.into_iter().filter(|given| *given).count()
    }

    /// What is wrong with it at `path`; `choice` are the kinds that there are.
    fn findings(&self, code: &'static str, path: &FieldPath, choice: &str) -> Vec<Finding> {
        match self.count() {
            0 => vec![Finding::required(
                code,
                path.clone(),
                format!("needs one of {choice}"),
            )],
            1 => self.details(code, path),
            _ => vec![Finding::forbidden(
                code,
                path.clone(),
                format!("must have only one of {choice}"),
            )],
        }
    }

    fn details(&self, code: &'static str, path: &FieldPath) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self
            .exec
            .is_some_and(|exec| exec.command.iter().flatten().next().is_none())
        {
            let path = path.children(&["exec", "command"]);
            findings.push(Finding::required(code, path, "needs a command"));
        }
        if let Some(http) = self.http {
            findings.extend(http_details(code, &path.child("httpGet"), http));
        }
        let tcp = self
            .tcp
            .map(|tcp| (path.children(&["tcpSocket", "port"]), tcp.port.clone()));
        let grpc = self.grpc.map(|grpc| {
            (
                path.children(&["grpc", "port"]),
                IntOrString::Int(grpc.port),
            )
        });
        let ports = tcp.into_iter().chain(grpc);
        findings.extend(ports.filter_map(|(path, port)| reachable(code, &path, &port)));
        if self.sleep.is_some_and(|sleep| sleep.seconds < 0) {
            let path = path.children(&["sleep", "seconds"]);
            findings.push(Finding::invalid(code, path, "must not be negative"));
        }
        findings
    }
}

fn http_details(code: &'static str, path: &FieldPath, http: &HTTPGetAction) -> Vec<Finding> {
    let scheme = http.scheme.as_deref().filter(|scheme| !scheme.is_empty());
    let mut findings: Vec<_> = reachable(code, &path.child("port"), &http.port)
        .into_iter()
        .collect();
    findings.extend(unknown(code, (path, "scheme"), scheme, &["HTTP", "HTTPS"]));
    let is_header = |name: &str| {
        !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
    };
    let headers = http.http_headers.iter().flatten().enumerate();
    let list = path.child("httpHeaders");
    let wrong = headers.filter(|(_, header)| !is_header(&header.name));
    let wrong = wrong.map(|(index, header)| {
        let path = list.index(index).child("name");
        let message = format!(
            "{} is no name of a header: letters, digits and '-'",
            shown(&header.name)
        );
        Finding::invalid(code, path, message)
    });
    findings.extend(wrong.told());
    findings
}

/// A probe with its member's name.
struct Named<'a> {
    name: &'static str,
    path: FieldPath,
    probe: &'a Probe,
}

const READINESS: &str = "readinessProbe";

/// The probes that there are.
fn probes<'a>(placed: &PlacedContainer<'a>) -> impl Iterator<Item = Named<'a>> + use<'a> {
    let (path, container) = (placed.path.clone(), placed.container);
    let probes = [
        ("livenessProbe", &container.liveness_probe),
        (READINESS, &container.readiness_probe),
        ("startupProbe", &container.startup_probe),
    ];
    probes.into_iter().filter_map(move |(name, probe)| {
        let path = path.child(name);
        Some(Named {
            name,
            path,
            probe: probe.as_ref()?,
        })
    })
}

pub(super) fn probes_have_one_handler(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let probes = probes(placed).filter(|_| placed.stays());
    probes
        .flat_map(|Named { path, probe, .. }| {
            Handler::of_probe(probe).findings("POD-25", &path, "exec, httpGet, tcpSocket, grpc")
        })
        .told()
}

pub(super) fn probes_count_from_zero(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let probes = probes(placed).filter(|_| placed.stays());
    let wrong = probes.flat_map(|Named { path, probe, .. }| {
        let counts = [
            ("initialDelaySeconds", probe.initial_delay_seconds),
            ("timeoutSeconds", probe.timeout_seconds),
            ("periodSeconds", probe.period_seconds),
            ("successThreshold", probe.success_threshold),
            ("failureThreshold", probe.failure_threshold),
        ];
        let negative = counts
            .into_iter()
            .filter(|(_, count)| count.is_some_and(|count| count < 0));
        negative.map(move |(member, _)| path.child(member))
    });
    wrong
        .map(|path| Finding::invalid("POD-26", path, "must not be negative"))
        .told()
}

/// One success is enough to be alive or started; only what is alive can be given time to end.
pub(super) fn probes_ask_for_what_they_can(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let probes = probes(placed).filter(|_| placed.stays());
    let wrong = probes.filter_map(|Named { name, path, probe }| {
        let (successes, grace) = (
            probe.success_threshold,
            probe.termination_grace_period_seconds,
        );
        let (member, message) = match name {
            READINESS if grace.is_some() => (
                "terminationGracePeriodSeconds",
                "is for livenessProbe and startupProbe only",
            ),
            READINESS => return None,
            _ if successes.is_some_and(|count| count > 1) => ("successThreshold", "must be 1"),
            _ if grace.is_some_and(|seconds| seconds < 1) => {
                ("terminationGracePeriodSeconds", "must be at least 1")
            }
            _ => return None,
        };
        Some(Finding::invalid("POD-26", path.child(member), message))
    });
    wrong.told()
}

pub(super) fn hooks_have_one_handler(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    let Some(lifecycle) = placed
        .container
        .lifecycle
        .as_ref()
        .filter(|_| placed.stays())
    else {
        return Vec::new();
    };
    let hooks = [
        ("postStart", &lifecycle.post_start),
        ("preStop", &lifecycle.pre_stop),
    ];
    let hooks = hooks
        .into_iter()
        .filter_map(|(name, hook)| Some((name, hook.as_ref()?)));
    hooks
        .flat_map(|(name, hook)| {
            let path = placed.path.children(&["lifecycle", name]);
            Handler::of_hook(hook).findings("POD-27", &path, "exec, httpGet, tcpSocket, sleep")
        })
        .told()
}

/// A container that ends before the server starts is neither probed nor told of its life.
pub(super) fn init_containers_are_not_probed(placed: &PlacedContainer<'_>) -> Vec<Finding> {
    if placed.stays() {
        return Vec::new();
    }
    let hooks = placed
        .container
        .lifecycle
        .as_ref()
        .map(|_| placed.path.child("lifecycle"));
    let paths = probes(placed).map(|probe| probe.path).chain(hooks);
    paths
        .map(|path| {
            Finding::forbidden(
                "POD-28",
                path,
                "an init container has this only with restartPolicy: Always",
            )
        })
        .told()
}
