//! The reader of the file: strict, as the server is.

use super::Refusal;
use super::lines::{Line, lines};
use super::settings::Settings;
use super::table::{Kind, Table, join};
use super::values;
use crate::version::Release;

/// Sections by where they stand, their keyword, and their path in the table. A path that ends in `[]` takes a
/// name, one that ends in `<>` a type.
const SECTIONS: &[(&str, &str, &str)] = &[
    ("", "service", "service"),
    ("", "logging", "logging"),
    ("", "network", "network"),
    ("", "namespace", "namespaces[]"),
    ("", "mod-lua", "mod-lua"),
    ("", "security", "security"),
    ("", "xdr", "xdr"),
    ("logging", "console", "logging[]"),
    ("logging", "file", "logging[]"),
    ("logging", "syslog", "logging[]"),
    ("network", "service", "network.service"),
    ("network", "heartbeat", "network.heartbeat"),
    ("network", "fabric", "network.fabric"),
    ("network", "admin", "network.admin"),
    ("network", "info", "network.info"),
    ("network", "tls", "network.tls[]"),
    ("namespaces[]", "set", "namespaces[].sets[]"),
    (
        "namespaces[]",
        "geo2dsphere-within",
        "namespaces[].geo2dsphere-within",
    ),
    ("namespaces[]", "sindex", "namespaces[].sindex"),
    (
        "namespaces[]",
        "storage-engine",
        "namespaces[].storage-engine<>",
    ),
    ("namespaces[]", "index-type", "namespaces[].index-type<>"),
    ("namespaces[]", "sindex-type", "namespaces[].sindex-type<>"),
    ("security", "log", "security.log"),
    ("security", "ldap", "security.ldap"),
    ("security", "syslog", "security.syslog"),
    ("xdr", "dc", "xdr.dcs[]"),
    ("xdr.dcs[]", "namespace", "xdr.dcs[].namespaces[]"),
];

/// Names that the server still knows, to say what took their place; the first two numbers are since when.
const OBSOLETE: &[(&str, (u16, u16), &str)] = &[
    (
        "memory-size",
        (7, 0),
        "please use 'stop-writes-sys-memory-pct', 'evict-indexes-memory-pct', and storage context 'evict-used-pct' for stop-writes & eviction",
    ),
    (
        "high-water-memory-pct",
        (7, 0),
        "please use 'evict-indexes-memory-pct' and storage context 'evict-used-pct'",
    ),
    (
        "stop-writes-pct",
        (7, 0),
        "please use 'stop-writes-sys-memory-pct'",
    ),
    (
        "single-bin",
        (6, 4),
        "see documentation for converting to multi-bin",
    ),
    (
        "scan-threads-limit",
        (6, 0),
        "please use 'query-threads-limit'",
    ),
    (
        "write-block-size",
        (7, 1),
        "please use 'flush-size' and 'post-write-cache' and perhaps 'max-record-size'",
    ),
];

/// Where statements of a section that is skipped go.
const SKIPPED: &str = "(skipped)";

const LONGEST_NAMESPACE: usize = 31;

struct Open {
    path: String,
    key: String,
}

struct Parser {
    table: Table,
    settings: Settings,
    open: Vec<Open>,
}

/// The settings in `text`, for a server of `release`.
///
/// # Errors
///
/// What the server refuses while it reads; it says so on the standard error.
pub fn parse(release: Release, text: &str) -> Result<Settings, Refusal> {
    let root = Open {
        path: String::new(),
        key: String::new(),
    };
    let settings = Settings::empty(release);
    let mut parser = Parser {
        table: Table::of(release),
        settings,
        open: vec![root],
    };
    for line in lines(text) {
        parser.read(&line)?;
    }
    if parser.open.len() > 1 {
        return Err(Refusal::of_all("parsing - final context missing '}'?"));
    }
    Ok(parser.settings)
}

impl Parser {
    fn read(&mut self, line: &Line<'_>) -> Result<(), Refusal> {
        let name = line.words[0];
        if name == "}" && self.open.len() > 1 {
            self.open.pop();
            return Ok(());
        }
        if self.here().path == SKIPPED {
            return Ok(());
        }
        match self.section(name) {
            Some(path) => self.enter(line, path),
            None => self.statement(line),
        }
    }

    fn here(&self) -> &Open {
        self.open.last().expect("the root is never closed")
    }

    /// `storage-engine<device>` and its like are found by what they are without their type.
    fn section(&self, name: &str) -> Option<&'static str> {
        let here = &self.here().path;
        let known = SECTIONS
            .iter()
            .find(|(outer, keyword, _)| outer == here && *keyword == name);
        let path = known.map(|(.., path)| *path)?;
        let row = path.trim_end_matches("[]").trim_end_matches("<>");
        let ignored = path == "network.info";
        (ignored
            || self
                .table
                .at(row)
                .is_some_and(|row| row.kind == Kind::Section))
        .then_some(path)
    }

    fn enter(&mut self, line: &Line<'_>, path: &'static str) -> Result<(), Refusal> {
        let name = line.words[0];
        let row = path.trim_end_matches("[]").trim_end_matches("<>");
        let Some(row) = self.table.at(row) else {
            self.settings.warn("info service is obsolete - ignoring");
            self.open.push(Open {
                path: SKIPPED.to_owned(),
                key: String::new(),
            });
            return Ok(());
        };
        self.refuse_enterprise(line, row.enterprise)?;
        let label = line.words.get(1).copied().filter(|word| *word != "{");
        if path == "logging[]" {
            return self.enter_sink(line, label);
        }
        if path.ends_with("<>") {
            return self.enter_typed(line, row.path, label);
        }
        let key = if path.ends_with("[]") {
            self.named(line, row.name(), label)?
        } else {
            join(&self.here().key, name)
        };
        self.settings.add_section(&key);
        self.open.push(Open {
            path: path.to_owned(),
            key,
        });
        Ok(())
    }

    fn named(
        &mut self,
        line: &Line<'_>,
        list: &str,
        label: Option<&str>,
    ) -> Result<String, Refusal> {
        let keyword = line.words[0];
        let Some(label) = label else {
            return Err(Refusal::at(
                line.number,
                format!("{keyword} must specify a name"),
            ));
        };
        let key = format!("{}.{{{label}}}", join(&self.here().key, list));
        if self.here().path.is_empty() {
            self.add_namespace(line, label)?;
        }
        Ok(key)
    }

    fn add_namespace(&mut self, line: &Line<'_>, label: &str) -> Result<(), Refusal> {
        if label.len() > LONGEST_NAMESPACE {
            let text = format!("namespace name too long (max length is {LONGEST_NAMESPACE})");
            return Err(Refusal::at(line.number, text));
        }
        let most = self.table.release().most_namespaces();
        if self.settings.namespaces().len() == most {
            return Err(Refusal::in_module(
                "namespace",
                format!("too many namespaces (max is {most})"),
            ));
        }
        if self
            .settings
            .namespaces()
            .iter()
            .any(|known| known == label)
        {
            return Err(Refusal::in_module(
                "namespace",
                format!("{{{label}}} duplicate namespace"),
            ));
        }
        self.settings.add_namespace(label);
        Ok(())
    }

    fn enter_sink(&mut self, line: &Line<'_>, label: Option<&str>) -> Result<(), Refusal> {
        let name = match (line.words[0], label) {
            ("file", None) => {
                return Err(Refusal::at(
                    line.number,
                    "file must specify a path".to_owned(),
                ));
            }
            ("file", Some(path)) => path,
            ("syslog", _) => "/dev/log",
            _ => "stderr",
        };
        let key = self.settings.add_sink(name);
        self.open.push(Open {
            path: "logging[]".to_owned(),
            key,
        });
        Ok(())
    }

    /// A section with a type: some types stand on one line and open nothing.
    fn enter_typed(
        &mut self,
        line: &Line<'_>,
        path: &str,
        label: Option<&str>,
    ) -> Result<(), Refusal> {
        let (keyword, kind) = (line.words[0], label.unwrap_or_default());
        let typed = format!("{path}<{kind}>");
        let Some(row) = self.table.at(&typed) else {
            return Err(Refusal::at(
                line.number,
                format!("{keyword} has unknown value '{kind}'"),
            ));
        };
        self.refuse_enterprise(line, row.enterprise)?;
        let key = join(&self.here().key, keyword);
        if keyword == "storage-engine" && self.settings.get(&key).is_some() {
            let namespace = self
                .settings
                .namespaces()
                .last()
                .cloned()
                .unwrap_or_default();
            return Err(Refusal::of_all(format!(
                "{{{namespace}}} can only configure one 'storage-engine'"
            )));
        }
        self.settings.set(&key, kind);
        let members = format!("{typed}.");
        if self.table.rows().any(|row| row.path.starts_with(&members)) {
            self.open.push(Open { path: typed, key });
        }
        Ok(())
    }

    fn statement(&mut self, line: &Line<'_>) -> Result<(), Refusal> {
        let name = line.words[0];
        let here = self.here();
        if here.path == "logging[]" && name == "context" {
            return self.log_context(line);
        }
        let Some(row) = self
            .table
            .statement(&here.path, name)
            .filter(|row| is_written(row.path))
        else {
            return Err(Refusal::at(line.number, self.unknown(name)));
        };
        self.refuse_enterprise(line, row.enterprise)?;
        let value = values::read(self.table, row, name, &line.words[1..])
            .map_err(|text| Refusal::at(line.number, text))?;
        let key = join(&self.here().key, name);
        if row.kind == Kind::List {
            self.settings.append(&key, value);
        } else {
            self.settings.set(&key, value);
        }
        Ok(())
    }

    fn unknown(&self, name: &str) -> String {
        let version = self.table.release().version;
        let known = OBSOLETE
            .iter()
            .find(|(old, (major, minor), _)| *old == name && version.at_least(*major, *minor));
        known.map_or_else(
            || format!("unknown config parameter name '{name}'"),
            |(_, _, hint)| format!("'{name}' is obsolete - {hint}"),
        )
    }

    fn log_context(&mut self, line: &Line<'_>) -> Result<(), Refusal> {
        let word = |index: usize| line.words.get(index).copied().unwrap_or_default();
        let (context, level) = (word(1), word(2));
        let sink = self.here().key.clone();
        let known = self.table.has_log_context(context)
            && self.settings.set_log_level(&sink, context, level);
        if known {
            return Ok(());
        }
        Err(Refusal::at(
            line.number,
            format!("can't add logging context {context} {level}"),
        ))
    }

    fn refuse_enterprise(&self, line: &Line<'_>, enterprise: bool) -> Result<(), Refusal> {
        if enterprise && self.table.release().is_community() {
            return Err(Refusal::at(
                line.number,
                format!("'{}' is enterprise-only", line.words[0]),
            ));
        }
        Ok(())
    }
}

/// Members of the table that are no statements of the file: names of sections, and the contexts of log sinks.
fn is_written(path: &str) -> bool {
    !path.ends_with("[].name")
        && (!path.starts_with("logging[].")
            || ["facility", "path", "tag"]
                .iter()
                .any(|name| path.ends_with(name)))
}
