//! The configuration in force.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::registry::{Answer, Call};
use super::texts::refused_setting;
use crate::conf::Settings;
use crate::conf::settings::namespace_key;
use crate::conf::table::{Kind, Row, Table};
use crate::node::Node;
use crate::version::Version;

const SERVICE: &str = include_str!("../../data/keys/service");
const NETWORK: &str = include_str!("../../data/keys/network");
const NAMESPACE: &str = include_str!("../../data/keys/namespace");

/// The version that the forms are from: what its table has and the form has not, is not shown.
const FORMS_ARE_FROM: Version = Version::patch(8, 1, 2);

pub fn get_config(call: &mut Call<'_>) -> Answer {
    let context = call.optional("context", 31)?.unwrap_or("service");
    let lines = match context {
        "service" => service_lines(&call.node.settings, &call.node.id()),
        "network" => network_lines(&call.node.settings),
        "namespace" => {
            let name = call.required_namespace()?;
            return Ok(namespace_text(call.node, name).to_string());
        }
        "security" if !call.node.is_secured() => Vec::new(),
        "security" => section_lines(&call.node.settings, "security"),
        "xdr" => xdr_lines(call),
        _ => return Err(refused_setting(call.node.version(), "invalid context")),
    };
    Ok(lines.join(";"))
}

fn service_lines(settings: &Settings, id: &str) -> Vec<String> {
    let mut values = section_values(settings.table(), "service", SERVICE);
    values.insert("node-id".to_owned(), id.to_owned());
    overlay(settings, "service", &mut values);
    print(values)
}

/// Names and what they are if the file says nothing, for the parameters directly in a section.
fn section_values(table: Table, section: &str, form: &str) -> BTreeMap<String, String> {
    let prefix = format!("{section}.");
    let forms = form.lines().filter_map(|line| line.split_once('='));
    let alive =
        forms.filter(|(name, _)| !name.contains('.') && lives(table, &format!("{prefix}{name}")));
    let mut values: BTreeMap<_, _> = alive
        .map(|(name, value)| {
            (
                name.to_owned(),
                default(table, &format!("{prefix}{name}"), value).to_owned(),
            )
        })
        .collect();
    let older = table
        .rows()
        .filter(|row| is_member(row, &prefix) && !shown_later(row));
    for row in older {
        values
            .entry(row.name().to_owned())
            .or_insert_with(|| printed(row.default));
    }
    values
}

fn lives(table: Table, path: &str) -> bool {
    table.at(path).is_some() || !Table::ever_had(path)
}

/// Forms are of the Community Edition, which reports zeros for what it has not.
fn default<'a>(table: Table, path: &str, form: &'a str) -> &'a str {
    match table.at(path) {
        Some(row)
            if row.enterprise && !table.release().is_community() && !row.default.is_empty() =>
        {
            row.default
        }
        _ => form,
    }
}

fn is_member(row: &Row, prefix: &str) -> bool {
    let name = row.path.strip_prefix(prefix).unwrap_or(".");
    row.kind != Kind::Section
        && row.kind != Kind::List
        && name != "name"
        && !name.contains(['.', '['])
}

fn shown_later(row: &Row) -> bool {
    let release = crate::version::Release {
        version: FORMS_ARE_FROM,
        edition: crate::version::Edition::Community,
    };
    Table::of(release).at(row.path).is_some()
}

fn printed(value: &str) -> String {
    if value.is_empty() {
        "null".to_owned()
    } else {
        value.to_owned()
    }
}

/// Puts what was configured in the place of defaults.
fn overlay(settings: &Settings, key: &str, values: &mut BTreeMap<String, String>) {
    let prefix = format!("{key}.");
    for (known, all) in settings.entries() {
        let Some(name) = known
            .strip_prefix(&prefix)
            .filter(|name| !name.contains('.'))
        else {
            continue;
        };
        let repeated = matches!(
            name,
            "feature-key-file" | "report-data-op" | "role-query-pattern"
        );
        for (index, value) in all.iter().enumerate() {
            let name = if repeated {
                format!("{name}[{index}]")
            } else {
                name.to_owned()
            };
            values.insert(name, value.clone());
        }
    }
}

fn print(values: BTreeMap<String, String>) -> Vec<String> {
    values
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn network_lines(settings: &Settings) -> Vec<String> {
    let table = settings.table();
    let forms = NETWORK.lines().filter_map(|line| line.split_once('='));
    let lists = |name: &str, value: &str| value == "*" || lives(table, &format!("network.{name}"));
    let section = |name: &str| {
        name.split('.')
            .next()
            .is_some_and(|it| table.at(&format!("network.{it}")).is_some())
    };
    let alive = forms.filter(|(name, value)| section(name) && lists(name, value));
    let mut lines: Vec<_> = alive
        .flat_map(|(name, value)| network_line(settings, name, value))
        .collect();
    lines.extend(tls_lines(settings));
    lines
}

fn network_line(settings: &Settings, name: &str, default: &str) -> Vec<String> {
    let set = settings.all(&format!("network.{name}"));
    if set.is_empty() && default != "*" {
        return vec![format!("{name}={default}")];
    }
    set.iter().map(|value| format!("{name}={value}")).collect()
}

fn tls_lines(settings: &Settings) -> Vec<String> {
    let names = settings.section_names("network.tls").enumerate();
    let lines = names.flat_map(|(index, name)| {
        let mut values = BTreeMap::from([("name".to_owned(), name.to_owned())]);
        overlay(settings, &format!("network.tls.{{{name}}}"), &mut values);
        values
            .into_iter()
            .map(move |(name, value)| format!("tls[{index}].{name}={value}"))
    });
    lines.collect()
}

/// The settings of a namespace as one text, which is kept until one of them changes.
pub fn namespace_text(node: &mut Node, namespace: &str) -> Arc<str> {
    let revision = node.settings.revision();
    if let Some((known, text)) = node.texts.get(namespace) {
        if *known == revision {
            return Arc::clone(text);
        }
    }
    let text: Arc<str> = namespace_lines(&node.settings, namespace).join(";").into();
    let entry = (revision, Arc::clone(&text));
    node.texts.insert(namespace.to_owned(), entry);
    text
}

/// The settings of a namespace, of its engines last.
pub fn namespace_lines(settings: &Settings, namespace: &str) -> Vec<String> {
    let mut values = section_values(settings.table(), "namespaces[]", NAMESPACE);
    overlay(
        settings,
        &namespace_key(namespace, "").replace("}.", "}"),
        &mut values,
    );
    let engines = ["storage-engine", "index-type", "sindex-type"];
    values.retain(|name, _| !engines.contains(&name.as_str()));
    let mut lines = print(values);
    lines.extend(geo_lines(settings, namespace));
    lines.extend(
        ["index-type", "sindex-type"]
            .iter()
            .flat_map(|engine| engine_lines(settings, namespace, engine)),
    );
    lines.extend(engine_lines(settings, namespace, "storage-engine"));
    lines
}

fn geo_lines(settings: &Settings, namespace: &str) -> Vec<String> {
    let forms = NAMESPACE.lines().filter_map(|line| line.split_once('='));
    let geo = forms.filter(|(name, _)| name.starts_with("geo2dsphere-within."));
    geo.map(|(name, value)| {
        format!(
            "{name}={}",
            settings
                .get(&namespace_key(namespace, name))
                .unwrap_or(value)
        )
    })
    .collect()
}

fn engine_lines(settings: &Settings, namespace: &str, engine: &str) -> Vec<String> {
    let otherwise = if engine == "storage-engine" {
        "memory"
    } else {
        "mem"
    };
    let key = namespace_key(namespace, engine);
    let kind = settings.get(&key).unwrap_or(otherwise);
    let mut lines = vec![format!("{engine}={kind}")];
    lines.extend(backing_lines(settings, &key, engine, kind));
    let section = format!("namespaces[].{engine}<{kind}>");
    let mut values = section_values(settings.table(), &section, "");
    values.extend(all_rows(settings.table(), &section));
    let backed = ["device", "file"]
        .iter()
        .any(|name| !settings.all(&format!("{key}.{name}")).is_empty());
    values.retain(|name, _| (name != "flush-size" || backed) && name != "encryption");
    overlay(settings, &key, &mut values);
    values.retain(|name, _| !["device", "file", "mount"].contains(&name.as_str()));
    lines.extend(
        print(values)
            .into_iter()
            .map(|line| format!("{engine}.{line}")),
    );
    lines
}

fn all_rows(table: Table, section: &str) -> BTreeMap<String, String> {
    let prefix = format!("{section}.");
    let rows = table.rows().filter(|row| is_member(row, &prefix));
    rows.map(|row| (row.name().to_owned(), printed(row.default)))
        .collect()
}

const STRIPES: usize = 8;

fn backing_lines(settings: &Settings, key: &str, engine: &str, kind: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for name in ["device", "file", "mount"] {
        for (index, entry) in settings.all(&format!("{key}.{name}")).iter().enumerate() {
            let (path, shadow) = entry.split_once(' ').unwrap_or((entry, ""));
            lines.push(format!("{engine}.{name}[{index}]={path}"));
            if !shadow.is_empty() {
                lines.push(format!("{engine}.{name}[{index}].shadow={shadow}"));
            }
        }
    }
    let striped = lines.is_empty() && kind == "memory" && settings.release().version.at_least(7, 0);
    let count = if striped { STRIPES } else { 0 };
    lines.extend((0..count).map(|index| format!("{engine}.stripe[{index}]=stripe-{index}")));
    lines
}

fn section_lines(settings: &Settings, section: &str) -> Vec<String> {
    let mut values = section_values(settings.table(), section, "");
    values.extend(all_rows(settings.table(), section));
    overlay(settings, section, &mut values);
    let mut lines = print(values);
    for below in ["ldap", "log"] {
        let path = format!("{section}.{below}");
        let mut values = all_rows(settings.table(), &path);
        overlay(settings, &path, &mut values);
        lines.extend(
            print(values)
                .into_iter()
                .map(|line| format!("{below}.{line}")),
        );
    }
    lines
}

fn xdr_lines(call: &Call<'_>) -> Vec<String> {
    let settings = &call.node.settings;
    if settings.release().is_community() {
        return Vec::new();
    }
    let Some(dc) = call.command.argument("dc") else {
        let names = settings
            .section_names("xdr.dcs")
            .collect::<Vec<_>>()
            .join(",");
        let source = settings.get("xdr.src-id").unwrap_or("0");
        return vec![
            format!("dcs={names}"),
            format!("src-id={source}"),
            "trace-sample=0".to_owned(),
        ];
    };
    let (section, key) = match call.command.argument("namespace") {
        Some(namespace) => (
            "xdr.dcs[].namespaces[]",
            format!("xdr.dcs.{{{dc}}}.namespaces.{{{namespace}}}"),
        ),
        None => ("xdr.dcs[]", format!("xdr.dcs.{{{dc}}}")),
    };
    if !settings.has_section(&key) {
        return Vec::new();
    }
    let mut values = all_rows(settings.table(), section);
    overlay(settings, &key, &mut values);
    let mut lines = print(values);
    if section == "xdr.dcs[]" {
        let names = settings
            .section_names(&format!("{key}.namespaces"))
            .collect::<Vec<_>>()
            .join(",");
        lines.push(format!("namespaces={names}"));
    }
    lines
}
