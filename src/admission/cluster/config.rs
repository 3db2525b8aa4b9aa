//! The server's configuration against the version of its image: sections, names, types, ranges, required keys; and what
//! the server takes but cannot do here.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    admission::{
        rules::{Area, Told},
        subject::{ConfiguredRack, Subject},
    },
    config::{
        Problem, go_text, lines,
        parameters::{Release, releases},
        schema::{self, Server},
    },
    finding::{FieldPath, Finding, Step, Warning},
    resolve::{Edition, image::version_of},
};

/// The rules of this part.
pub const AREA: Area = Area {
    rules: &[
        version_names_a_release,
        parameters_fit_the_server,
        texts_stay_on_their_lines,
        ipv6_is_not_advertised,
        syslog_parameters_are_in_the_syslog_sink,
    ],
    changes: &[],
    advice: &[
        release_is_known,
        memory_of_the_pod_is_tracked,
        ports_are_used_once,
    ],
};

/// What the operator derives from other parameters; what is wrong with those is said there.
const DERIVED: &[&str] = &[
    "access-port",
    "access-addresses",
    "alternate-access-port",
    "alternate-access-addresses",
    "tls-access-port",
    "tls-access-addresses",
    "tls-alternate-access-port",
    "tls-alternate-access-addresses",
    "rack-id",
];

/// The first release that counts the memory of the pod rather than that of the node.
const TRACKS_MEMORY: [u64; 4] = [8, 1, 2, 0];
const MEMORY_TRACKING: &str = "cgroup-mem-tracking";

/// Sections of `network` that listen, the parameters that say on which ports, and those that say on which addresses.
const LISTENING: &[&str] = &["service", "admin", "heartbeat", "fabric", "info"];
const PORTS: &[&str] = &["port", "tls-port"];
const ADDRESSES: &[&str] = &["address", "addresses", "tls-address", "tls-addresses"];

/// Parameters of a log sink that only `syslog` has.
const SYSLOG: &[&str] = &["facility", "path", "tag"];

/// The release in the image's tag. None if there is no version, or one that is refused for its age: those have findings.
fn release(subject: &Subject<'_>) -> Option<Result<Release, String>> {
    let version = version_of(&subject.spec.image).ok()?.to_string();
    match Release::parse(&version) {
        Some(release) => (releases().first() <= Some(&release)).then_some(Ok(release)),
        None => Some(Err(version)),
    }
}

fn version_names_a_release(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(Err(version)) = release(subject) else {
        return Vec::new();
    };
    vec![Finding::invalid(
        "SCH-03",
        FieldPath::spec().child("image"),
        format!(
            "aerospikeConfig not valid: failed to validate config for the version {version}: invalid version; \
             the tag must name a release by three numbers at least, such as 8.1.2.0"
        ),
    )]
}

fn release_is_known(subject: &Subject<'_>) -> Vec<Warning> {
    let Some(Ok(release)) = release(subject) else {
        return Vec::new();
    };
    let judged_as = release.in_table();
    if judged_as == release {
        return Vec::new();
    }
    vec![Warning {
        code: "SCH-03",
        path: FieldPath::spec().child("image"),
        message: format!(
            "the parameters of server {release} are not known to this operator: \
             the configuration is checked by those of {judged_as}"
        ),
    }]
}

/// Of a server that listens everywhere: with addresses of their own two sections may have one port.
fn ports_are_used_once(subject: &Subject<'_>) -> Vec<Warning> {
    let mut taken = BTreeMap::new();
    ports(subject)
        .filter_map(|(section, key, port)| {
            let (other, of_other) = taken.insert(port, (section, key))?;
            Some(Warning {
                code: "W-09",
                path: FieldPath::spec().children(&["aerospikeConfig", "network", section, key]),
                message: format!(
                    "port {port} is that of network.{other}.{of_other} too: a server that listens twice on one port does not start"
                ),
            })
        })
        .told()
}

/// The ports on which the server listens on every address, with section and parameter.
fn ports<'a>(
    subject: &Subject<'a>,
) -> impl Iterator<Item = (&'static str, &'static str, u64)> + use<'a> {
    let network = subject.spec.aerospike_config.get("network");
    let sections = LISTENING.iter().filter_map(move |name| {
        let section = network?.get(*name)?.as_object()?;
        let is_everywhere = !ADDRESSES.iter().any(|key| section.contains_key(*key));
        is_everywhere.then_some((*name, section))
    });
    sections.flat_map(|(name, section)| {
        PORTS
            .iter()
            .filter_map(move |key| Some((name, *key, section.get(*key)?.as_u64()?)))
    })
}

fn parameters_fit_the_server(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(Ok(release)) = release(subject) else {
        return Vec::new();
    };
    let server = Server {
        release: release.in_table(),
        enterprise: Edition::of(&subject.spec.image) != Edition::Community,
    };
    let problems = subject.configurations().flat_map(|rack| {
        let problems = schema::problems(rack.config, server).into_iter();
        problems
            .filter(|problem| !is_derived(problem))
            .map(move |problem| problem.into_finding(|path| rack.place(path)))
    });
    problems.told()
}

/// AKO writes every text as it is, and so every line that somebody puts into one.
fn texts_stay_on_their_lines(subject: &Subject<'_>) -> Vec<Finding> {
    subject
        .configurations()
        .flat_map(|rack| {
            let problems = lines::problems(rack.config).into_iter();
            problems.map(move |problem| problem.into_finding(|path| rack.place(path)))
        })
        .told()
}

fn is_derived(problem: &Problem) -> bool {
    let last = problem.path.steps().last();
    last.and_then(Step::name)
        .is_some_and(|name| DERIVED.contains(&name))
}

fn ipv6_is_not_advertised(subject: &Subject<'_>) -> Vec<Finding> {
    let members = ["service", "advertise-ipv6"];
    let advertising = subject
        .configurations()
        .filter(|rack| rack.get(&members) == Some(&Value::Bool(true)));
    advertising
        .map(|rack| {
            Finding::invalid(
                "CFG-02",
                rack.place_of(&members),
                "advertise-ipv6 is not supported: leave it out or set it to false",
            )
        })
        .told()
}

fn syslog_parameters_are_in_the_syslog_sink(subject: &Subject<'_>) -> Vec<Finding> {
    subject
        .configurations()
        .flat_map(|rack| {
            let sinks = rack.get(&["logging"]).and_then(Value::as_array);
            let sinks = sinks.into_iter().flatten().enumerate();
            sinks.flat_map(move |(index, sink)| misplaced(rack, index, sink))
        })
        .told()
}

fn misplaced(rack: ConfiguredRack<'_>, index: usize, sink: &Value) -> Vec<Finding> {
    let name = sink.get("name").and_then(Value::as_str);
    let given = SYSLOG.iter().filter(|key| sink.get(**key).is_some());
    let Some(name) = name.filter(|name| *name != "syslog") else {
        return Vec::new();
    };
    given
        .map(|key| {
            let list = FieldPath::default().child("logging");
            Finding::forbidden(
                "LOG-02",
                rack.place(&list.item(index, name).child(key)),
                format!(
                    "can use {key} only with `syslog` in aerospikeConfig.logging {}: leave it out, or name the sink syslog",
                    excerpt(sink)
                ),
            )
        })
        .told()
}

/// The sink as AKO prints it, up to a length that fits a line.
fn excerpt(sink: &Value) -> String {
    const LONGEST: usize = 200;
    let text = go_text::value(sink);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn memory_of_the_pod_is_tracked(subject: &Subject<'_>) -> Vec<Warning> {
    let version = version_of(&subject.spec.image).ok();
    if !version.is_some_and(|version| version.at_least(&TRACKS_MEMORY)) {
        return Vec::new();
    }
    let members = ["service", MEMORY_TRACKING];
    let untracked = subject.configurations().filter(|rack| {
        rack.section(&["service"]).is_some() && rack.get(&members) != Some(&Value::Bool(true))
    });
    let mut places: Vec<_> = untracked.map(|rack| rack.place_of(&members)).collect();
    places.sort();
    places.dedup();
    let warnings = places.into_iter().map(|path| Warning {
        code: "W-04",
        path,
        message: format!(
            "{MEMORY_TRACKING} is not enabled: servers from 8.1.2.0 on can count the memory that the pod may use \
             instead of the node's, and should in Kubernetes"
        ),
    });
    warnings.told()
}

#[cfg(test)]
mod tests;
