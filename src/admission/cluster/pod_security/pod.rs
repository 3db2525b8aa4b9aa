//! A cluster's pod as the standard looks at it: what is set for all of it, and what for each of its containers, the
//! operator's own included.

use k8s_openapi::api::core::v1::{
    AppArmorProfile, Container, ContainerPort, HTTPGetAction, SELinuxOptions, SeccompProfile,
    SecurityContext, TCPSocketAction, WindowsSecurityContextOptions,
};

use crate::admission::rules::Told;
use crate::{admission::subject::Subject, api::pod::PodSpec, finding::FieldPath, resources::names};

/// A cluster's pod.
pub struct Pod<'a> {
    pub subject: &'a Subject<'a>,
    pub spec: &'a PodSpec,
    pub containers: Vec<PlacedContainer<'a>>,
}

/// A container with its place.
pub struct PlacedContainer<'a> {
    pub path: FieldPath,
    context: Option<&'a SecurityContext>,
    /// As the user wrote it; none for the operator's own.
    written: Option<&'a Container>,
}

/// A security context, with what a pod's and a container's have in common.
pub struct Context<'a> {
    pub path: FieldPath,
    pub is_pod: bool,
    pub app_armor: Option<&'a AppArmorProfile>,
    pub run_as_non_root: Option<bool>,
    pub run_as_user: Option<i64>,
    pub se_linux: Option<&'a SELinuxOptions>,
    pub seccomp: Option<&'a SeccompProfile>,
    pub windows: Option<&'a WindowsSecurityContextOptions>,
    /// With what only a container can set.
    pub own: Option<&'a SecurityContext>,
}

/// The context at `$path`. What the types of a pod's and of a container's have in common are names of members.
macro_rules! context {
    ($path:expr, $context:expr, is_pod: $is_pod:expr, own: $own:expr) => {{
        let context = $context;
        Context {
            path: $path,
            is_pod: $is_pod,
            app_armor: context.and_then(|context| context.app_armor_profile.as_ref()),
            run_as_non_root: context.and_then(|context| context.run_as_non_root),
            run_as_user: context.and_then(|context| context.run_as_user),
            se_linux: context.and_then(|context| context.se_linux_options.as_ref()),
            seccomp: context.and_then(|context| context.seccomp_profile.as_ref()),
            windows: context.and_then(|context| context.windows_options.as_ref()),
            own: $own,
        }
    }};
}

impl<'a> Pod<'a> {
    pub fn of(subject: &'a Subject<'a>, spec: &'a PodSpec) -> Self {
        let server = spec.aerospike_container.as_ref();
        let init = spec.aerospike_init_container.as_ref();
        let operators = [
            (
                "aerospikeContainer",
                server.and_then(|server| server.security_context.as_ref()),
            ),
            (
                "aerospikeInitContainer",
                init.and_then(|init| init.security_context.as_ref()),
            ),
        ];
        let operators = operators.map(|(member, context)| PlacedContainer {
            path: Self::path().child(member),
            context,
            written: None,
        });
        let sidecars = written("sidecars", &spec.sidecars);
        let init = written("initContainers", &spec.init_containers);
        let others = init.filter(|container| !container.is_placeholder());
        Self {
            subject,
            spec,
            containers: operators
                .into_iter()
                .chain(sidecars)
                .chain(others)
                .collect(),
        }
    }

    pub fn path() -> FieldPath {
        FieldPath::spec().child("podSpec")
    }

    /// What is set for all containers.
    pub fn context(&self) -> Context<'a> {
        let path = Self::path().child("securityContext");
        context!(path, self.spec.security_context.as_ref(), is_pod: true, own: None)
    }

    /// What is set for all containers, then for each.
    pub fn contexts(&self) -> impl Iterator<Item = Context<'a>> {
        let own = self.containers.iter().map(PlacedContainer::context);
        std::iter::once(self.context()).chain(own)
    }

    /// The places of a member in the contexts for which `is_breach` holds.
    pub fn places(&self, member: &str, is_breach: impl Fn(&Context<'_>) -> bool) -> Vec<FieldPath> {
        let breaches = self.contexts().filter(|context| is_breach(context));
        breaches.map(|context| context.path.child(member)).told()
    }

    /// The places of added capabilities for which `is_breach` holds.
    pub fn added_capabilities(&self, is_breach: impl Fn(&str) -> bool) -> Vec<FieldPath> {
        self.contexts()
            .flat_map(|context| {
                let capabilities = context.own.and_then(|own| own.capabilities.as_ref());
                let added = capabilities.and_then(|capabilities| capabilities.add.as_deref());
                let added = added.unwrap_or_default().iter().enumerate();
                let breaches = added.filter(|(_, name)| is_breach(name));
                let path = context.path.children(&["capabilities", "add"]);
                breaches.map(|(index, name)| path.item(index, name)).told()
            })
            .told()
    }
}

fn written<'a>(
    member: &str,
    containers: &'a [Container],
) -> impl Iterator<Item = PlacedContainer<'a>> {
    let list = Pod::path().child(member);
    let containers = containers.iter().enumerate();
    containers.map(move |(index, container)| PlacedContainer {
        path: list.item(index, &container.name),
        context: container.security_context.as_ref(),
        written: Some(container),
    })
}

impl<'a> PlacedContainer<'a> {
    /// In the list of init containers the name of ours marks its place; the rest of the entry is ignored.
    fn is_placeholder(&self) -> bool {
        let name = self.written.map(|container| container.name.as_str());
        name == Some(names::INIT_CONTAINER)
    }

    fn context(&self) -> Context<'a> {
        let path = self.path.child("securityContext");
        context!(path, self.context, is_pod: false, own: self.context)
    }

    /// The ports that the user opens.
    pub fn ports(&self) -> &'a [ContainerPort] {
        let ports = self
            .written
            .and_then(|container| container.ports.as_deref());
        ports.unwrap_or_default()
    }

    /// The places at which probes and hooks name a host.
    pub fn hosts(&self) -> Vec<FieldPath> {
        let Some(container) = self.written else {
            return Vec::new();
        };
        let probes = [
            ("livenessProbe", &container.liveness_probe),
            ("readinessProbe", &container.readiness_probe),
            ("startupProbe", &container.startup_probe),
        ];
        let probes = probes.into_iter().filter_map(|(member, probe)| {
            let probe = probe.as_ref()?;
            let targets = targets(probe.http_get.as_ref(), probe.tcp_socket.as_ref());
            Some((self.path.child(member), targets))
        });
        let hooks = container.lifecycle.iter().flat_map(|lifecycle| {
            [
                ("postStart", &lifecycle.post_start),
                ("preStop", &lifecycle.pre_stop),
            ]
        });
        let hooks = hooks.filter_map(|(member, hook)| {
            let hook = hook.as_ref()?;
            let path = self.path.children(&["lifecycle", member]);
            Some((
                path,
                targets(hook.http_get.as_ref(), hook.tcp_socket.as_ref()),
            ))
        });
        probes
            .chain(hooks)
            .flat_map(|(path, targets)| {
                let named = targets.into_iter();
                let named = named.filter(|(_, host)| host.is_some_and(|host| !host.is_empty()));
                named.map(move |(member, _)| path.children(&[member, "host"]))
            })
            .told()
    }
}

/// The ways to reach something, each with the host that it names.
type Targets<'a> = [(&'static str, Option<&'a str>); 2];

fn targets<'a>(http: Option<&'a HTTPGetAction>, tcp: Option<&'a TCPSocketAction>) -> Targets<'a> {
    let http = http.and_then(|action| action.host.as_deref());
    let tcp = tcp.and_then(|action| action.host.as_deref());
    [("httpGet", http), ("tcpSocket", tcp)]
}
