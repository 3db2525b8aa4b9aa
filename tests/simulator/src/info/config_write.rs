//! Changes of the configuration while the server runs.

use super::registry::{Answer, Call};
use super::texts::{enterprise_only, refused_setting};
use crate::cluster::Timing;
use crate::conf::settings::namespace_key;
use crate::conf::table::{Kind, Row};
use crate::conf::values;
use crate::node::Node;

/// Where a parameter is in the table, and under which key it is kept.
struct Place {
    row: &'static Row,
    name: String,
    key: String,
}

pub fn set_config(call: &mut Call<'_>) -> Answer {
    let context = call.required("context", 31)?;
    let community = call.node.release().is_community();
    match context {
        "service" | "network" => set(call, context, context),
        "namespace" => set_in_namespace(call),
        "security" | "xdr" if community => Err(enterprise_only(call.node.version())),
        "security" => set_in_security(call),
        "xdr" => set_in_xdr(call),
        _ => Err(refused_setting(call.node.version(), "invalid context")),
    }
}

fn refused(call: &Call<'_>) -> String {
    refused_setting(call.node.version(), "invalid set-config parameter")
}

/// Of several parameters the one that the server's own list has first is applied, the others are dropped.
fn set(call: &mut Call<'_>, section: &str, key: &str) -> Answer {
    let given = call.command.arguments();
    let places =
        given.filter_map(|(name, value)| Some((place(call.node, section, key, name)?, value)));
    let first = places.min_by_key(|(place, _)| place.row.path);
    let (place, value) = first.ok_or_else(|| refused(call))?;
    apply(call, &place, value)
}

fn place(node: &Node, section: &str, key: &str, name: &str) -> Option<Place> {
    let table = node.settings.table();
    let (section, name, key) = match name.rsplit_once('.') {
        Some((below, name)) => (format!("{section}.{below}"), name, format!("{key}.{below}")),
        None => (section.to_owned(), name, key.to_owned()),
    };
    let row = table.statement(&section, name)?;
    Some(Place {
        row,
        name: name.to_owned(),
        key: format!("{key}.{name}"),
    })
}

fn apply(call: &mut Call<'_>, place: &Place, value: &str) -> Answer {
    let (row, community) = (place.row, call.node.release().is_community());
    let allowed = row.dynamic || row.name() == "replication-factor";
    if !allowed || (row.enterprise && community) {
        return Err(refused(call));
    }
    let value = match (value, row.kind) {
        ("null", Kind::Text) => Ok("null".to_owned()),
        _ => values::read(call.node.settings.table(), row, &place.name, &[value]),
    };
    let sound = value.and_then(|value| permitted(call.node, place, &value).map(|()| value));
    match sound {
        Ok(value) => {
            keep(call, place, value);
            Ok("ok".to_owned())
        }
        Err(reason) => {
            call.node.note(1, "info", reason);
            Err(refused(call))
        }
    }
}

fn keep(call: &mut Call<'_>, place: &Place, value: String) {
    let settings = &mut call.node.settings;
    if place.row.kind == Kind::List {
        settings.append(&place.key, value);
    } else {
        settings.set(&place.key, value);
    }
    let text = format!("config-set command completed: params {}", call.command.rest);
    call.node.note(2, "info", text);
    settle(call.node);
}

/// Tells the rest of the server.
fn settle(node: &mut Node) {
    let number = |name: &str, otherwise| node.settings.number(name, otherwise);
    let interval = number("network.heartbeat.interval", 150);
    let timing = Timing::new(interval, number("network.heartbeat.timeout", 10));
    let least = usize::try_from(number("service.min-cluster-size", 1)).unwrap_or(1);
    let name = node
        .settings
        .get("service.cluster-name")
        .unwrap_or("null")
        .to_owned();
    node.engine.set_timing(timing);
    node.engine.set_least_cluster(least);
    node.engine.set_cluster_name(&name);
    node.renew_offer();
}

type Condition = fn(&Node, &Place, &str) -> Result<(), String>;

/// What the table does not say.
const CONDITIONS: &[Condition] = &[
    expiry_has_a_reaper,
    histograms_are_off,
    heartbeat_fits,
    consistency_fits,
    files_suffice,
    cluster_is_large_enough,
];

fn permitted(node: &Node, place: &Place, value: &str) -> Result<(), String> {
    CONDITIONS
        .iter()
        .try_for_each(|condition| condition(node, place, value))
}

fn expiry_has_a_reaper(node: &Node, place: &Place, value: &str) -> Result<(), String> {
    if place.row.path != "namespaces[].default-ttl" || value == "0" {
        return Ok(());
    }
    let sibling = |name: &str| place.key.replace("default-ttl", name);
    let reaped = node.settings.number(&sibling("nsup-period"), 0) != 0
        || node.settings.is_true(&sibling("allow-ttl-without-nsup"));
    let text = "must configure non-zero nsup-period or allow-ttl-without-nsup true to set non-zero default-ttl";
    if reaped { Ok(()) } else { Err(text.to_owned()) }
}

fn histograms_are_off(node: &Node, place: &Place, _: &str) -> Result<(), String> {
    let on = |(key, values): (&str, &[String])| {
        key.contains("enable-benchmarks-") && values.last().is_some_and(|value| value == "true")
    };
    if place.row.path == "service.microsecond-histograms" && node.settings.entries().any(on) {
        let text = "microsecond-histograms can only be changed if all microbenchmark histograms are disabled";
        return Err(text.to_owned());
    }
    Ok(())
}

fn heartbeat_fits(node: &Node, place: &Place, value: &str) -> Result<(), String> {
    const NAMES: [(&str, u64); 3] = [
        ("interval", 150),
        ("timeout", 10),
        ("connect-timeout-ms", 500),
    ];
    if !place.row.path.starts_with("network.heartbeat.")
        || !NAMES.iter().any(|(name, _)| *name == place.name)
    {
        return Ok(());
    }
    let [interval, timeout, connect] = NAMES.map(|(name, default)| match value.parse() {
        Ok(value) if name == place.name => value,
        _ => node
            .settings
            .number(&format!("network.heartbeat.{name}"), default),
    });
    let most = interval.saturating_mul(timeout) / 3;
    if connect <= most || (place.name != "connect-timeout-ms" && connect == 500) {
        return Ok(());
    }
    Err(format!(
        "heartbeat connect-timeout-ms must be >= 50 and <= {most} - ignoring {connect}"
    ))
}

fn consistency_fits(node: &Node, place: &Place, _: &str) -> Result<(), String> {
    const NOT_IF_STRONG: [&str; 6] = [
        "replication-factor",
        "conflict-resolution-policy",
        "disable-write-dup-res",
        "disallow-expunge",
        "read-consistency-level-override",
        "write-commit-level-override",
    ];
    const ONLY_IF_STRONG: [&str; 3] = [
        "disable-mrt-writes",
        "mrt-duration",
        "strong-consistency-allow-expunge",
    ];
    let namespace = place
        .key
        .strip_prefix("namespaces.{")
        .and_then(|rest| rest.split('}').next());
    let Some(namespace) = namespace else {
        return Ok(());
    };
    let name = place.name.as_str();
    match node.is_strong(namespace) {
        true if NOT_IF_STRONG.contains(&name) => Err(format!(
            "{{{namespace}}} '{name}' is not applicable with 'strong-consistency'"
        )),
        false if ONLY_IF_STRONG.contains(&name) => Err(format!(
            "{{{namespace}}} '{name}' is only applicable with 'strong-consistency'"
        )),
        _ => Ok(()),
    }
}

/// The limit of open files that the recorded server ran with.
const MOST_FILES: u64 = 20_000;

fn files_suffice(_: &Node, place: &Place, value: &str) -> Result<(), String> {
    let too_many = value.parse::<u64>().is_ok_and(|value| value > MOST_FILES);
    if place.row.path == "service.proto-fd-max" && too_many {
        return Err(format!(
            "can't set proto-fd-max {value} > system limit {MOST_FILES}"
        ));
    }
    Ok(())
}

fn cluster_is_large_enough(node: &Node, place: &Place, value: &str) -> Result<(), String> {
    let size = node.engine.members().len();
    let too_many = value.parse::<usize>().is_ok_and(|least| least > size);
    if place.row.path == "service.min-cluster-size" && too_many {
        return Err(format!(
            "min-cluster-size {value} should be <= current cluster size {size} - ignoring"
        ));
    }
    Ok(())
}

fn set_in_namespace(call: &mut Call<'_>) -> Answer {
    let namespace = call.required_namespace()?;
    let key = namespace_key(namespace, "").replace("}.", "}");
    if let Some(set_name) = call.optional("set", 63)? {
        let key = format!("{key}.sets.{{{set_name}}}");
        let answer = set(call, "namespaces[].sets[]", &key)?;
        call.node.settings.add_section(&key);
        return Ok(answer);
    }
    let given = call
        .command
        .arguments()
        .filter(|(name, _)| !["context", "namespace", "id"].contains(name));
    let places =
        given.filter_map(|(name, value)| Some((namespace_place(call.node, &key, name)?, value)));
    let first = places.min_by_key(|(place, _)| place.row.path);
    let (place, value) = first.ok_or_else(|| refused(call))?;
    apply(call, &place, value)
}

/// Storage parameters go by their bare names; index types by dotted ones since 7.0, by bare ones before.
fn namespace_place(node: &Node, key: &str, name: &str) -> Option<Place> {
    if let Some(name) = name.strip_prefix("geo2dsphere-within-") {
        let key = format!("{key}.geo2dsphere-within");
        return place(node, "namespaces[].geo2dsphere-within", &key, name);
    }
    let dotted = name.split_once('.');
    let engine_place = |engine: &str, name: &str| {
        let key = format!("{key}.{engine}");
        let kind = node.settings.get(&key).unwrap_or("memory");
        place(node, &format!("namespaces[].{engine}<{kind}>"), &key, name)
    };
    match dotted {
        Some((engine @ ("index-type" | "sindex-type"), name)) if node.version().at_least(7, 0) => {
            engine_place(engine, name)
        }
        Some(_) => None,
        None => place(node, "namespaces[]", key, name).or_else(|| {
            let engines = ["storage-engine", "index-type", "sindex-type"];
            let old = if node.version().at_least(7, 0) { 1 } else { 3 };
            engines[..old]
                .iter()
                .find_map(|engine| engine_place(engine, name))
        }),
    }
}

fn set_in_security(call: &mut Call<'_>) -> Answer {
    if !call.node.is_secured() {
        return Err(refused(call));
    }
    let argument = |name: &str| call.command.argument(name);
    let Some(wanted) = argument("log.report-data-op") else {
        return set(call, "security", "security");
    };
    let (list, entry) = match (argument("role"), argument("user"), argument("namespace")) {
        (Some(role), ..) => ("report-data-op-role", role.to_owned()),
        (_, Some(user), _) => ("report-data-op-user", user.to_owned()),
        (.., Some(namespace)) => {
            let set = argument("set").map_or_else(String::new, |set| format!(":{set}"));
            ("report-data-op", format!("{namespace}{set}"))
        }
        _ => return Err(refused(call)),
    };
    let key = format!("security.log.{list}");
    call.node.settings.remove_value(&key, &entry);
    match wanted {
        "true" => call.node.settings.append(&key, entry),
        "false" => {}
        _ => return Err(refused(call)),
    }
    Ok("ok".to_owned())
}

fn set_in_xdr(call: &mut Call<'_>) -> Answer {
    let refused = refused_setting(call.node.version(), "invalid state or set-config parameter");
    let Some(dc) = call.command.argument("dc") else {
        return set(call, "xdr", "xdr");
    };
    let dc_key = format!("xdr.dcs.{{{dc}}}");
    let argument = |name: &str| call.command.argument(name);
    let settings = &mut call.node.settings;
    let exists = settings.has_section(&dc_key);
    let (namespace, address, action) = (
        argument("namespace"),
        argument("node-address-port"),
        argument("action"),
    );
    let namespace_key = namespace.map(|namespace| format!("{dc_key}.namespaces.{{{namespace}}}"));
    let changed = match (namespace_key, address, action) {
        (None, None, Some("create")) if !exists => {
            settings.add_section(&dc_key);
            true
        }
        (None, None, Some("delete")) => settings.remove_section(&dc_key),
        _ if !exists => false,
        (None, Some(address), Some("add")) => {
            settings.append(&format!("{dc_key}.node-address-port"), address.to_owned());
            true
        }
        (None, Some(address), Some("remove")) => {
            settings.remove_value(&format!("{dc_key}.node-address-port"), address)
        }
        (Some(key), None, Some("add")) if !settings.has_section(&key) => {
            settings.add_section(&key);
            true
        }
        (Some(key), None, Some("remove")) => settings.remove_section(&key),
        (Some(key), None, None) if settings.has_section(&key) => {
            return set(call, "xdr.dcs[].namespaces[]", &key);
        }
        (None, None, None) => return set(call, "xdr.dcs[]", &dc_key),
        _ => false,
    };
    if changed {
        Ok("ok".to_owned())
    } else {
        Err(refused)
    }
}
