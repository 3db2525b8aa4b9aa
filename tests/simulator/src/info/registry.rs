//! The table of commands, and how one is found.

use super::{
    cluster, config_read, config_write, data, identity, indexes, logs, services, sets, statistics,
    texts,
};
use crate::faults::{Fault, Point};
use crate::node::Node;
use crate::security::{Access, Caller};
use crate::version::Version;
use crate::wire::info::{self, Command};

/// A command on its way through the server.
pub struct Request<'a> {
    /// Who it is asked.
    pub node: &'a mut Node,
    /// Who asks.
    pub caller: &'a Caller,
    /// Whether it came by the admin port.
    pub by_admin_port: bool,
    /// Now, in milliseconds.
    pub now: u64,
}

/// What a command works with.
pub struct Call<'a> {
    /// The server.
    pub node: &'a mut Node,
    /// The command.
    pub command: Command<'a>,
    /// Whether it came by the admin port.
    pub by_admin_port: bool,
    /// Now, in milliseconds.
    pub now: u64,
}

/// The answer, or the error, both as text.
pub type Answer = Result<String, String>;

/// How versions up to 7.0 want a command written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Without anything behind it.
    Bare,
    /// With a slash and a name, or bare.
    Tree,
    /// With a colon.
    Colon,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    All,
    Enterprise,
}

struct Entry {
    name: &'static str,
    shape: Shape,
    since: (u16, u16, u16),
    edition: For,
    needs: Option<Access<'static>>,
    run: fn(&mut Call<'_>) -> Answer,
}

const fn bare(name: &'static str, run: fn(&mut Call<'_>) -> Answer) -> Entry {
    Entry {
        name,
        shape: Shape::Bare,
        since: (0, 0, 0),
        edition: For::All,
        needs: None,
        run,
    }
}

const fn tree(name: &'static str, run: fn(&mut Call<'_>) -> Answer) -> Entry {
    Entry {
        shape: Shape::Tree,
        ..bare(name, run)
    }
}

const fn colon(name: &'static str, run: fn(&mut Call<'_>) -> Answer) -> Entry {
    Entry {
        shape: Shape::Colon,
        ..bare(name, run)
    }
}

impl Entry {
    const fn since(self, major: u16, minor: u16, patch: u16) -> Self {
        Self {
            since: (major, minor, patch),
            ..self
        }
    }

    const fn enterprise(self) -> Self {
        Self {
            edition: For::Enterprise,
            ..self
        }
    }

    const fn needs(self, access: Access<'static>) -> Self {
        Self {
            needs: Some(access),
            ..self
        }
    }

    fn lives_at(&self, version: Version) -> bool {
        let (major, minor, patch) = self.since;
        version >= Version::patch(major, minor, patch)
    }

    /// One table takes every form since 7.1.
    fn is_written_right(&self, command: &Command<'_>, version: Version) -> bool {
        version.at_least(7, 1)
            || match self.shape {
                Shape::Bare => command.separator.is_none(),
                Shape::Tree => command.separator != Some(':'),
                Shape::Colon => command.separator == Some(':'),
            }
    }
}

const COMMANDS: &[Entry] = &[
    bare("build", identity::build),
    bare("edition", identity::edition),
    bare("version", identity::version),
    bare("release", identity::release).since(8, 1, 1),
    bare("node", identity::node),
    bare("name", identity::node),
    bare("status", identity::status),
    bare("build_os", identity::build_os),
    bare("build_arch", identity::build_arch).since(7, 2, 0),
    bare("build_time", identity::build_time),
    bare("build_sha", identity::build_sha).since(7, 2, 0),
    bare("build_ee_sha", identity::build_ee_sha).since(7, 2, 0),
    bare("compatibility-id", identity::compatibility_id),
    bare("features", identity::features),
    bare("cluster-name", identity::cluster_name),
    bare("namespaces", identity::namespaces),
    bare("connection", identity::connection).since(8, 1, 0),
    bare("help", help),
    bare("feature-key", identity::feature_key).enterprise(),
    colon("cluster-stable", cluster::cluster_stable),
    colon("recluster", cluster::recluster).needs(Access::ServiceControl),
    bare("get-sl", cluster::succession_list),
    bare("cluster-generation", cluster::cluster_generation),
    bare("rebalance-generation", cluster::rebalance_generation),
    bare("partition-generation", cluster::partition_generation),
    colon("quiesce", cluster::quiesce)
        .enterprise()
        .needs(Access::ServiceControl),
    colon("quiesce-undo", cluster::quiesce_undo)
        .enterprise()
        .needs(Access::ServiceControl),
    colon("racks", cluster::racks).enterprise(),
    bare("rack-ids", cluster::rack_ids).enterprise(),
    colon("roster", cluster::roster).enterprise(),
    colon("roster-set", cluster::roster_set)
        .enterprise()
        .needs(Access::ServiceControl),
    colon("revive", cluster::revive)
        .enterprise()
        .needs(Access::ServiceControl),
    bare("statistics", statistics::statistics),
    tree("namespace", statistics::namespace),
    tree("sets", sets::sets),
    bare("best-practices", statistics::best_practices),
    bare("health-outliers", statistics::nothing),
    bare("health-stats", statistics::nothing),
    bare("index-pressure", statistics::index_pressure),
    colon("latencies", statistics::latencies),
    colon("get-stats", statistics::get_stats),
    bare("service", services::service),
    bare("services", services::services),
    bare("services-alternate", services::services_alternate),
    bare("services-alumni", services::services_alumni),
    bare("services-alumni-reset", services::services_alumni_reset).needs(Access::ServiceControl),
    bare("service-clear-std", services::service_clear_std),
    bare("service-clear-alt", services::service_clear_alt),
    bare("service-tls-std", services::service_tls_std).enterprise(),
    bare("service-tls-alt", services::service_tls_alt).enterprise(),
    bare("admin-clear-std", services::admin_clear_std).since(8, 1, 0),
    bare("admin-tls-std", services::admin_tls_std).since(8, 1, 0),
    bare("peers-generation", services::peers_generation),
    bare("peers-clear-std", services::peers_clear_std),
    bare("peers-clear-alt", services::peers_clear_alt),
    bare("peers-tls-std", services::peers_tls_std).enterprise(),
    bare("peers-tls-alt", services::peers_tls_alt).enterprise(),
    bare("alumni-clear-std", services::alumni_clear_std),
    bare("alumni-clear-alt", services::alumni_clear_alt).since(8, 1, 0),
    bare("alumni-tls-std", services::alumni_tls_std).enterprise(),
    bare("alumni-tls-alt", services::alumni_tls_alt)
        .enterprise()
        .since(8, 1, 0),
    bare("mesh", services::mesh),
    bare("mcast", services::mcast),
    bare("endpoints", services::endpoints),
    colon("tip", services::tip).needs(Access::ServiceControl),
    colon("tip-clear", services::tip_clear).needs(Access::ServiceControl),
    colon("get-config", config_read::get_config),
    colon("set-config", config_write::set_config).needs(Access::SetConfig),
    bare("logs", logs::logs),
    tree("log", logs::levels),
    colon("log-set", logs::set).needs(Access::LoggingControl),
    bare("replicas", data::replicas),
    bare("replicas-all", data::replicas_all),
    bare("replicas-master", data::replicas_master),
    colon("truncate", data::truncate),
    colon("truncate-undo", data::truncate_undo),
    colon("truncate-namespace", data::truncate_namespace),
    colon("truncate-namespace-undo", data::truncate_undo),
    colon("eviction-reset", data::accepted),
    colon("sindex-list", indexes::list),
    tree("sindex", indexes::list),
    colon("sindex-stat", indexes::figures),
    colon("sindex-exists", indexes::exists),
    colon("sindex-delete", indexes::delete).needs(Access::Indexes),
    colon("sindex-create", indexes::create).needs(Access::Indexes),
    bare("udf-list", statistics::nothing),
    colon("query-show", statistics::nothing),
    colon("jobs", statistics::nothing),
    colon("query-abort", data::query_abort).needs(Access::Jobs),
    colon("query-abort-all", data::query_abort_all).needs(Access::Jobs),
    colon("physical-devices", data::physical_devices),
    bare("smd-info", data::smd_info),
    bare("user-agents", statistics::nothing).since(8, 1, 0),
    colon("user-agent-set", data::accepted).since(8, 1, 0),
    colon("masking", data::accepted).enterprise().since(8, 1, 1),
    bare("masking-show", statistics::nothing)
        .enterprise()
        .since(8, 1, 1),
    colon("xdr-dc-state", data::no_data_center).enterprise(),
    colon("xdr-get-filter", data::no_data_center).enterprise(),
    colon("xdr-set-filter", data::no_data_center).enterprise(),
];

/// The whole body that a caller gets who has not logged in.
#[must_use]
pub fn answer_unauthenticated() -> String {
    "ERROR:80:not authenticated\n".to_owned()
}

/// The lines that answer the commands in `body`.
pub fn answer(request: &mut Request<'_>, body: &[u8]) -> String {
    if body.is_empty() {
        return summary(request);
    }
    let lines = info::commands(body).filter_map(|text| {
        request.node.counts.info += 1;
        let value = one(request, &text)?;
        Some(info::answer(&text, &value))
    });
    lines.collect()
}

/// The deprecated answer to an empty request.
fn summary(request: &mut Request<'_>) -> String {
    const SUMMARY: [&str; 6] = [
        "version",
        "edition",
        "build",
        "node",
        "services",
        "statistics",
    ];
    request.node.counts.deprecated += 1;
    let lines = SUMMARY
        .iter()
        .filter_map(|name| Some(info::answer(name, &one(request, name)?)));
    lines.collect()
}

/// The value of one command; older servers say nothing to what they do not know.
fn one(request: &mut Request<'_>, text: &str) -> Option<String> {
    let (command, version) = (Command::read(text), request.node.version());
    let known = COMMANDS
        .iter()
        .find(|entry| entry.name == command.name && entry.lives_at(version));
    let Some(entry) = known.filter(|entry| entry.is_written_right(&command, version)) else {
        return unknown(request.node, text);
    };
    if entry.edition == For::Enterprise && request.node.release().is_community() {
        return Some(texts::enterprise_only(version));
    }
    let denied = entry
        .needs
        .filter(|access| !request.node.allows(request.caller, *access));
    let denied = denied.or_else(|| may_not_truncate(request, &command));
    if let Some(access) = denied {
        return Some(texts::role_violation(version, access.name()));
    }
    if let Some(error) = request.node.faults.error(text) {
        return Some(error);
    }
    Some(run(entry, request, command))
}

/// Reads see what the node takes for the truth, orders meet the truth itself.
fn run(entry: &Entry, request: &mut Request<'_>, command: Command<'_>) -> String {
    let (by_admin_port, now) = (request.by_admin_port, request.now);
    let name = command.name;
    let stale = request.node.stale.take();
    let (mut view, pretends) = match stale {
        Some(view) => (Some(view), entry.needs.is_none()),
        None => (None, false),
    };
    if let (Some(view), true) = (&mut view, pretends) {
        std::mem::swap(&mut request.node.engine, view);
    }
    let mut call = Call {
        node: request.node,
        command,
        by_admin_port,
        now,
    };
    let (Ok(value) | Err(value)) = (entry.run)(&mut call);
    if let (Some(view), true) = (&mut view, pretends) {
        std::mem::swap(&mut request.node.engine, view);
    }
    let node = &mut *request.node;
    node.stale = view;
    node.crash |=
        Point::after(name).is_some_and(|point| node.faults.strike(&Fault::Crash { point }));
    value
}

/// Truncating may be granted for one namespace or set.
fn may_not_truncate(request: &Request<'_>, command: &Command<'_>) -> Option<Access<'static>> {
    if !command.name.starts_with("truncate") {
        return None;
    }
    let argument = |name: &str| command.argument(name).unwrap_or_default();
    let wanted = Access::Truncate(argument("namespace"), argument("set"));
    let allowed = request.node.allows(request.caller, wanted);
    (!allowed).then_some(Access::Truncate("", ""))
}

fn unknown(node: &mut Node, text: &str) -> Option<String> {
    node.counts.unknown_info += 1;
    if node.strict {
        node.note(
            1,
            "info",
            format!("VIOLATION unknown-info '{}'", text.escape_debug()),
        );
    }
    node.version()
        .at_least(7, 1)
        .then(|| "ERROR:4:unrecognized command".to_owned())
}

fn help(call: &mut Call<'_>) -> Answer {
    let (version, community) = (call.node.version(), call.node.release().is_community());
    let known = COMMANDS.iter().filter(|entry| entry.lives_at(version));
    let known = known.filter(|entry| !community || entry.edition == For::All);
    Ok(known.map(|entry| entry.name).collect::<Vec<_>>().join(";"))
}

impl<'a> Call<'a> {
    /// An error with the text of this version.
    pub fn error(&self, code: u16, text: &str) -> String {
        texts::error(self.node.version(), code, text)
    }

    /// An argument that may be left out, of at most `longest` bytes.
    pub fn optional(&self, name: &str, longest: usize) -> Result<Option<&'a str>, String> {
        let value = self.command.argument(name);
        match value {
            Some(value) if value.len() > longest => {
                Err(self.error(4, &format!("'{name}' value too long")))
            }
            value => Ok(value),
        }
    }

    /// An argument that must be there.
    pub fn required(&self, name: &str, longest: usize) -> Result<&'a str, String> {
        self.optional(name, longest)?
            .ok_or_else(|| self.error(4, &format!("missing '{name}'")))
    }

    /// The namespace asked about, by its old name or its new one; older servers know the old one only.
    pub fn namespace(&mut self) -> Result<Option<&'a str>, String> {
        let new = self.optional("namespace", 31)?;
        let old = self
            .command
            .argument("id")
            .or_else(|| self.command.argument("ns"));
        self.node.counts.deprecated += u64::from(new.is_none() && old.is_some());
        let namespace = new.or(old);
        match namespace {
            Some(name) if !self.node.has_namespace(name) => {
                Err(self.error(20, "namespace not found on node"))
            }
            namespace => Ok(namespace),
        }
    }

    /// The namespace that must be named.
    pub fn required_namespace(&mut self) -> Result<&'a str, String> {
        self.namespace()?
            .ok_or_else(|| self.error(20, "missing 'namespace'"))
    }
}
