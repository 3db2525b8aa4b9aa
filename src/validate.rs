//! The `validate` command: judges manifests as the API server and the webhook would, without a cluster. Files in, findings
//! out; all but reading and printing is pure.

#[cfg(test)]
pub(crate) mod agreement;
pub mod engine;
pub mod manifest;
pub mod places;
pub mod report;
pub mod schema;
pub mod source;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::Value;

use crate::{cli::SettingsArgs, resolve::Settings};
use manifest::Document;
use report::{Output, Report, counted};
use source::{STDIN, Source};

/// Something could not be read, or the arguments make no sense.
const USAGE: u8 = 2;

/// Judges manifests as the API server and the webhook would, without a cluster.
///
/// Exits with 0 if every cluster would be accepted, 1 if one would be refused, 2 if something cannot be read. Objects of
/// other kinds are passed over.
#[derive(Clone, Debug, clap::Args)]
pub struct ValidateArgs {
    /// Manifests in YAML or JSON, folders with such, or `-` for standard input
    #[arg(required = true, value_name = "FILE|DIR|-")]
    pub paths: Vec<PathBuf>,
    /// How findings are written
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
    /// What runs today: clusters found in it, by namespace and name, are judged as changed, all others as new
    #[arg(long, value_name = "OLD.yaml")]
    pub old: Option<PathBuf>,
    /// What the installation contributes to every cluster.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Judges what `args` name, and prints what was found.
#[must_use]
pub fn run(args: &ValidateArgs) -> ExitCode {
    if reads_standard_input_twice(args) {
        complain("standard input can be read only once");
        return ExitCode::from(USAGE);
    }
    let (old, old_is_bad) = documents(args.old.iter());
    if old_is_bad {
        return ExitCode::from(USAGE);
    }
    let (documents, is_bad) = documents(args.paths.iter());
    let old: Vec<_> = old
        .into_iter()
        .map(|(_, document)| document.value)
        .collect();
    let report = report(&documents, &old, &args.settings.settings());
    print(&report, args.output);
    match (is_bad, report.has_errors()) {
        (true, _) => ExitCode::from(USAGE),
        (false, true) => ExitCode::FAILURE,
        (false, false) => ExitCode::SUCCESS,
    }
}

fn reads_standard_input_twice(args: &ValidateArgs) -> bool {
    let paths = args.paths.iter().chain(&args.old);
    paths.filter(|path| path.as_os_str() == STDIN).count() > 1
}

/// Every object of the manifests, with its file's name, and whether one of them could not be read.
fn documents<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> (Vec<(String, Document)>, bool) {
    let (mut found, mut is_bad) = (Vec::new(), false);
    for source in paths.flat_map(|path| source::read(Path::new(path))) {
        match source.map_err(|error| error.to_string()).and_then(parsed) {
            Ok(documents) => found.extend(documents),
            Err(message) => {
                complain(&message);
                is_bad = true;
            }
        }
    }
    (found, is_bad)
}

fn parsed(source: Source) -> Result<Vec<(String, Document)>, String> {
    let Source { name, text } = source;
    let documents = manifest::read(&text).map_err(|bad| {
        let place = bad
            .at
            .map_or_else(String::new, |at| format!(":{}:{}", at.line, at.column));
        format!("{name}{place}: {bad}")
    })?;
    Ok(documents
        .into_iter()
        .map(|document| (name.clone(), document))
        .collect())
}

/// Judges every cluster among `documents`. One that is among `old` too is judged as a change of that.
#[must_use]
pub fn report(documents: &[(String, Document)], old: &[Value], settings: &Settings) -> Report {
    let mut report = Report::default();
    for (name, document) in documents {
        if !engine::is_cluster(&document.value) {
            report.others += 1;
            continue;
        }
        let old = old
            .iter()
            .find(|old| engine::is_cluster(old) && engine::is_same(old, &document.value));
        let opinion = engine::judge(document, old, settings);
        report.clusters += 1;
        report.partial += usize::from(opinion.is_partial);
        let entries = opinion.entries.into_iter();
        report
            .entries
            .extend(entries.map(|entry| (name.clone(), entry)));
    }
    report
}

fn print(report: &Report, output: Output) {
    // A reader that has seen enough closes the pipe; there is nobody left to tell.
    let _ = io::stdout().write_all(report.render(output).as_bytes());
    if output == Output::Text && report.others > 0 {
        complain(&format!(
            "{} of other kinds passed over",
            counted(report.others, "object")
        ));
    }
}

fn complain(message: &str) {
    eprintln!("aerospike-operator: {message}");
}
