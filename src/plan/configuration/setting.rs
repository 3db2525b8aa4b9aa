//! A statement of the configuration as a setting of a server that runs: how it is read, and how it is set.

use crate::{
    aerospike::{build::Build, command, list::Pairs},
    config::{
        parameters::{Kind, Parameter, Release, lookup},
        statements::{Key, Statements},
    },
    plan::observed::Configuration,
};

/// Which of a server's settings it is one of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Context<'a> {
    Service,
    Network,
    Security,
    Namespace(&'a str),
    Set(&'a str, &'a str),
    Xdr,
    DataCentre(&'a str),
    Shipped(&'a str, &'a str),
}

/// A setting of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<'a> {
    context: Context<'a>,
    /// As it is set.
    name: String,
    /// As it is told.
    told: String,
    parameter: &'static Parameter,
}

/// Parameters that the table calls dynamic and that are not changed at run time: servers that disagree about the first
/// form two clusters, racks are changed one by one, and the last is read at the start only where it matters.
const NEVER: &[&str] = &["cluster-name", "rack-id", "vault-token-file"];

/// Parameters of which a server works out the value itself where none is given.
const WORKED_OUT: &[&str] = &["service-threads", "batch-index-threads"];

/// Parameters that decide where partitions are, which is decided anew with each rebalance only.
const PLACING: &[&str] = &["active-rack", "prefer-uniform-balance"];

/// What would end a value, or a name, in a command.
const ENDS: &[char] = &[';', '\n', '\t'];

impl<'a> Setting<'a> {
    /// The setting of a server of this version that `key` is; none if it can only be changed by a restart.
    #[must_use]
    pub fn of(key: &'a Key, build: &Build) -> Option<Self> {
        let titles: Vec<_> = key.sections.iter().map(|title| split(title)).collect();
        let name = key.name.as_str();
        let (context, set, told) = named(&titles, name, build)?;
        let release = Release::parse(&build.to_string())?.in_table();
        let parameter = lookup(&path(&titles, name), release)?;
        let single = [Kind::Integer, Kind::Flag, Kind::Word, Kind::Text];
        let changes = parameter.dynamic && single.contains(&parameter.kind);
        let is_plain = !key.to_string().contains(ENDS);
        (changes && is_plain && !NEVER.contains(&name)).then_some(Self {
            context,
            name: set,
            told,
            parameter,
        })
    }

    /// What it shall be: what the statements say, else what it is where nothing is said. None if that is not known, or
    /// cannot be said in a command.
    #[must_use]
    pub fn wanted(&self, key: &Key, statements: &'a Statements) -> Option<&'a str> {
        let value = match statements.values(key) {
            [] if WORKED_OUT.contains(&key.name.as_str()) => return None,
            [] => self.parameter.default?.trim(),
            [value] => value,
            _ => return None,
        };
        (!value.contains(ENDS)).then_some(value)
    }

    /// Whether it acts from the next rebalance on.
    #[must_use]
    pub fn acts_with_rebalance(&self) -> bool {
        PLACING.contains(&self.name.as_str())
    }

    /// The command that reads it, beside others.
    #[must_use]
    pub fn question(&self, build: &Build) -> String {
        let of = |context: &str| format!("get-config:context={context}");
        match &self.context {
            Context::Service => command::SERVICE_CONFIG.to_owned(),
            Context::Network => command::NETWORK_CONFIG.to_owned(),
            Context::Security => of("security"),
            Context::Namespace(namespace) => command::namespace_config(build, namespace),
            Context::Set(namespace, set) => format!("sets/{namespace}/{set}"),
            Context::Xdr => of("xdr"),
            Context::DataCentre(dc) => format!("{};dc={dc}", of("xdr")),
            Context::Shipped(dc, namespace) => {
                format!("{};dc={dc};namespace={namespace}", of("xdr"))
            }
        }
    }

    /// What the server says that it is.
    #[must_use]
    pub fn live<'b>(&self, told: &'b Configuration, build: &Build) -> Option<&'b str> {
        let answer = told.get(&self.question(build))?;
        let pairs = match &self.context {
            Context::Set(..) => Pairs::parted_by(answer.trim_end_matches(';'), ':'),
            _ => Pairs::new(answer),
        };
        pairs.text(&self.told)
    }

    /// Whether two texts of it mean the same.
    #[must_use]
    pub fn is_same(&self, one: &str, other: &str) -> bool {
        let number = |text: &str| text.parse::<i128>().ok();
        let unset = |text: &str| text.is_empty() || text.eq_ignore_ascii_case("null");
        match self.parameter.kind {
            Kind::Integer => number(one).is_some() && number(one) == number(other),
            Kind::Text => one == other || unset(one) && unset(other),
            _ => one.eq_ignore_ascii_case(other),
        }
    }

    /// The command that sets it.
    #[must_use]
    pub fn command(&self, value: &str, build: &Build) -> String {
        let place = match &self.context {
            Context::Service => "service".to_owned(),
            Context::Network => "network".to_owned(),
            Context::Security => "security".to_owned(),
            Context::Namespace(name) => format!("namespace;{}={name}", dialect(build)),
            Context::Set(name, set) => format!("namespace;{}={name};set={set}", dialect(build)),
            Context::Xdr => "xdr".to_owned(),
            Context::DataCentre(dc) => format!("xdr;dc={dc}"),
            Context::Shipped(dc, namespace) => format!("xdr;dc={dc};namespace={namespace}"),
        };
        let value = if value.is_empty() { "null" } else { value };
        format!("set-config:context={place};{}={value}", self.name)
    }

    /// Its name with the section in which the server has it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A section's kind, and its own name or type if it has one.
fn split(title: &str) -> (&str, Option<&str>) {
    match title.split_once(' ') {
        Some((kind, name)) => (kind, Some(name)),
        None => (title, None),
    }
}

/// The context of a statement, its name in commands that set it, and that in answers.
fn named<'a>(
    titles: &[(&'a str, Option<&'a str>)],
    name: &str,
    build: &Build,
) -> Option<(Context<'a>, String, String)> {
    let bare = || name.to_owned();
    let below = |section: &str| format!("{section}.{name}");
    let plain = |context| Some((context, bare(), bare()));
    match titles {
        [("service", None)] => plain(Context::Service),
        [
            ("network", None),
            (section @ ("heartbeat" | "fabric"), None),
        ] => Some((Context::Network, below(section), below(section))),
        [("security", None)] => plain(Context::Security),
        [("security", None), (section @ ("log" | "ldap"), None)] => {
            Some((Context::Security, below(section), below(section)))
        }
        [("namespace", Some(namespace)), rest @ ..] => in_namespace(namespace, rest, name, build),
        [("xdr", None)] => plain(Context::Xdr),
        [("xdr", None), ("dc", Some(dc))] => plain(Context::DataCentre(dc)),
        [
            ("xdr", None),
            ("dc", Some(dc)),
            ("namespace", Some(namespace)),
        ] => plain(Context::Shipped(dc, namespace)),
        _ => None,
    }
}

/// Engines' parameters are set by their bare names, and told with the engine; those of indexes have it in both, since 7.0.
fn in_namespace<'a>(
    namespace: &'a str,
    sections: &[(&'a str, Option<&'a str>)],
    name: &str,
    build: &Build,
) -> Option<(Context<'a>, String, String)> {
    let context = Context::Namespace(namespace);
    let below = |section: &str| format!("{section}.{name}");
    match sections {
        [] => Some((context, name.to_owned(), name.to_owned())),
        [("storage-engine", Some(_))] => Some((context, name.to_owned(), below("storage-engine"))),
        [(index @ ("index-type" | "sindex-type"), Some(_))] if build.is_at_least([7, 0, 0, 0]) => {
            Some((context, below(index), below(index)))
        }
        [(geo @ "geo2dsphere-within", None)] => {
            Some((context, format!("{geo}-{name}"), below(geo)))
        }
        [("set", Some(set))] => {
            let context = Context::Set(namespace, set);
            Some((context, name.to_owned(), name.to_owned()))
        }
        _ => None,
    }
}

/// The place in the table.
fn path(titles: &[(&str, Option<&str>)], name: &str) -> String {
    let step = |(kind, own): &(&str, Option<&str>)| match (*kind, own) {
        (kind, None) => kind.to_owned(),
        ("namespace" | "set" | "dc", Some(_)) => format!("{kind}s[]"),
        (kind, Some(variant)) => format!("{kind}<{variant}>"),
    };
    let steps: Vec<_> = titles.iter().map(step).collect();
    format!("{}.{name}", steps.join("."))
}

/// What the argument is called that names a namespace.
fn dialect(build: &Build) -> &'static str {
    if build.is_at_least([7, 2, 0, 0]) {
        "namespace"
    } else {
        "id"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::parse(text)
    }

    fn build(text: &str) -> Build {
        text.parse().unwrap()
    }

    /// The command that reads it, the name in the answer, the command that sets it to 7.
    fn told(text: &str, version: &str) -> Option<[String; 3]> {
        let (key, build) = (key(text), build(version));
        let setting = Setting::of(&key, &build)?;
        let question = setting.question(&build);
        Some([question, setting.told.clone(), setting.command("7", &build)])
    }

    #[test]
    fn each_context_has_its_own_names() {
        let network = "get-config:context=network";
        let namespace = "get-config:context=namespace;namespace=test";
        let set = "set-config:context=namespace;namespace=test";
        let cases = [
            (
                "service > proto-fd-max",
                "get-config:context=service",
                "proto-fd-max",
                "set-config:context=service;proto-fd-max=7".to_owned(),
            ),
            (
                "network > heartbeat > interval",
                network,
                "heartbeat.interval",
                "set-config:context=network;heartbeat.interval=7".to_owned(),
            ),
            (
                "namespace test > default-ttl",
                namespace,
                "default-ttl",
                format!("{set};default-ttl=7"),
            ),
            (
                "namespace test > storage-engine device > defrag-lwm-pct",
                namespace,
                "storage-engine.defrag-lwm-pct",
                format!("{set};defrag-lwm-pct=7"),
            ),
            (
                "namespace test > index-type flash > evict-mounts-pct",
                namespace,
                "index-type.evict-mounts-pct",
                format!("{set};index-type.evict-mounts-pct=7"),
            ),
            (
                "namespace test > geo2dsphere-within > max-cells",
                namespace,
                "geo2dsphere-within.max-cells",
                format!("{set};geo2dsphere-within-max-cells=7"),
            ),
            (
                "namespace test > set demo > stop-writes-count",
                "sets/test/demo",
                "stop-writes-count",
                format!("{set};set=demo;stop-writes-count=7"),
            ),
            (
                "security > log > report-violation",
                "get-config:context=security",
                "log.report-violation",
                "set-config:context=security;log.report-violation=7".to_owned(),
            ),
            (
                "xdr > dc far > period-ms",
                "get-config:context=xdr;dc=far",
                "period-ms",
                "set-config:context=xdr;dc=far;period-ms=7".to_owned(),
            ),
            (
                "xdr > dc far > namespace test > delay-ms",
                "get-config:context=xdr;dc=far;namespace=test",
                "delay-ms",
                "set-config:context=xdr;dc=far;namespace=test;delay-ms=7".to_owned(),
            ),
        ];
        for (text, question, name, command) in cases {
            let expected = [question.to_owned(), name.to_owned(), command];
            assert_eq!(told(text, "8.1.2.0"), Some(expected), "{text}");
        }
    }

    #[test]
    fn servers_before_7_2_know_a_namespace_by_its_id() {
        let [question, _, command] = told("namespace test > default-ttl", "7.1.0.4").unwrap();
        assert_eq!(question, "get-config:context=namespace;id=test");
        assert_eq!(
            command,
            "set-config:context=namespace;id=test;default-ttl=7"
        );
    }

    #[test]
    fn what_the_table_of_the_version_calls_static_is_no_setting() {
        for text in [
            "service > node-id",
            "service > cluster-name",
            "network > service > port",
            "namespace test > rack-id",
            "namespace test > replication-factor",
            "namespace test > storage-engine device > device",
            "namespace test > storage-engine memory > data-size",
            "namespace test > set demo > ",
            "namespace te;st > default-ttl",
            "security > ",
            "xdr > dc far > node-address-port",
            "xdr > dc far > namespace test > ship-set",
            "logging > console > context any",
            "nothing > like > it",
        ] {
            assert_eq!(told(text, "8.1.2.0"), None, "{text}");
        }
        let index = "namespace test > index-type flash > mounts-high-water-pct";
        assert_eq!(told(index, "6.4.0.1"), None);
        let flush = "namespace test > storage-engine device > flush-size";
        assert!(told(flush, "7.1.0.0").is_some() && told(flush, "7.0.0.0").is_none());
    }

    #[test]
    fn what_is_not_said_is_what_the_table_says_unless_the_server_works_it_out() {
        let none = Statements::default();
        let build = build("8.1.2.0");
        let wanted = |text: &str| {
            let key = key(text);
            let setting = Setting::of(&key, &build).unwrap();
            setting.wanted(&key, &none).map(str::to_owned)
        };
        assert_eq!(wanted("service > proto-fd-max").as_deref(), Some("15000"));
        assert_eq!(wanted("service > service-threads"), None);
    }

    #[test]
    fn values_are_compared_by_what_they_mean() {
        let build = build("8.1.2.0");
        let is_same = |text: &str, one, other| {
            let key = key(text);
            Setting::of(&key, &build).unwrap().is_same(one, other)
        };
        assert!(is_same("service > proto-fd-max", "015000", "15000"));
        assert!(!is_same("service > proto-fd-max", "15001", "15000"));
        assert!(!is_same("service > proto-fd-max", "", ""));
        assert!(is_same("service > enable-hist-info", "TRUE", "true"));
        assert!(is_same("xdr > dc far > tls-name", "null", ""));
        assert!(!is_same("xdr > dc far > tls-name", "a", "A"));
    }
}
