//! The `validate` command: judges manifests as the API server and the webhook would, without a cluster. Files in, findings
//! out; all but reading and printing is pure.

#[cfg(test)]
pub(crate) mod agreement;
pub mod bad_yaml;
pub mod engine;
pub mod gather;
pub mod git;
pub mod manifest;
pub mod places;
pub mod predecessors;
pub mod report;
pub mod schema;
pub mod source;
pub mod upgrade;

use std::{
    env,
    io::{self, IsTerminal},
    path::PathBuf,
    process::ExitCode,
};

use serde_json::Value;

use crate::{cli::SettingsArgs, resolve::Settings, stdout};
use gather::{Gathered, Unreadable};
use manifest::Document;
use predecessors::Predecessors;
use report::{Look, Output, Remark, Report, counted};
use source::STDIN;

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
    /// How findings are written.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
    /// What runs today: clusters found in it, by namespace and name, are judged as changed, all others as new.
    #[arg(long, value_name = "FILE|DIR|-", conflicts_with = "old_from_git")]
    pub old: Option<PathBuf>,
    /// As --old, with what the same files held in a commit, such as main or HEAD~1. Runs `git`.
    #[arg(long, value_name = "REF")]
    pub old_from_git: Option<String>,
    /// Judges an upgrade: every cluster with this version of the server, as a change of what runs (--old), else of the
    /// cluster as it is written.
    #[arg(long, value_name = "VERSION", value_parser = upgrade::version)]
    pub server_version: Option<String>,
    /// Passes over files that cannot be read and do not name the kind, as in folders; for lists of files that another
    /// program makes, such as pre-commit.
    #[arg(long)]
    pub pass_over_unreadable: bool,
    /// The address of the folder `docs` of this operator, to which findings shall lead.
    #[arg(long, env = "DOCS_URL", value_name = "URL")]
    pub docs_url: Option<String>,
    /// What the installation contributes to every cluster.
    #[command(flatten)]
    pub settings: SettingsArgs,
}

/// Judges what `args` name, and prints what was found.
#[must_use]
pub fn run(args: &ValidateArgs) -> ExitCode {
    let old = match what_runs(args) {
        Ok(old) => old,
        Err(messages) => {
            for message in messages {
                complain(&message);
            }
            return ExitCode::from(USAGE);
        }
    };
    let judge = Judge {
        old,
        server_version: args.server_version.clone(),
        settings: args.settings.settings(),
    };
    let report = judge.report(gather::read(&args.paths, args.pass_over_unreadable));
    print(&report, args);
    if !report.unreadable.is_empty() {
        ExitCode::from(USAGE)
    } else if report.has_errors() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// The objects that are there today, or why that cannot be told.
fn what_runs(args: &ValidateArgs) -> Result<Predecessors, Vec<String>> {
    let inputs = args.paths.iter().chain(&args.old);
    let inputs = inputs.filter(|path| path.as_os_str() == STDIN).count();
    if inputs > 1 {
        return Err(vec!["standard input can be read only once".to_owned()]);
    }
    match (&args.old, &args.old_from_git) {
        (Some(old), _) => {
            let gathered = gather::read(std::slice::from_ref(old), false);
            Ok(Predecessors::anywhere(readable(gathered)?))
        }
        (None, Some(_)) if inputs > 0 => {
            Err(vec!["standard input has no history in git".to_owned()])
        }
        (None, Some(reference)) => {
            let gathered = readable(from_git(reference, &args.paths)?)?;
            Ok(Predecessors::of_commit(gathered, reference))
        }
        (None, None) => Ok(Predecessors::default()),
    }
}

fn readable(gathered: Gathered) -> Result<Gathered, Vec<String>> {
    if gathered.unreadable.is_empty() {
        return Ok(gathered);
    }
    Err(gathered.unreadable.iter().map(told).collect())
}

fn from_git(reference: &str, paths: &[PathBuf]) -> Result<Gathered, Vec<String>> {
    let mut gathered = Gathered::default();
    for path in paths {
        let sources = git::read(reference, path).map_err(|error| vec![error.to_string()])?;
        for source in sources {
            gathered.add(source);
        }
    }
    Ok(gathered)
}

/// What objects are judged against.
#[derive(Clone, Debug, Default)]
pub struct Judge {
    /// What runs today.
    pub old: Predecessors,
    /// The version of the server that every cluster shall have.
    pub server_version: Option<String>,
    /// What the installation contributes.
    pub settings: Settings,
}

impl Judge {
    /// Judges every cluster among what was gathered.
    #[must_use]
    pub fn report(&self, gathered: Gathered) -> Report {
        let old = self.old.match_with(&gathered);
        let mut report = Report {
            unreadable: gathered.unreadable,
            others: gathered.passed_over,
            ..Report::default()
        };
        for ((source, document), old) in gathered.objects.into_iter().zip(old) {
            if !engine::is_cluster(&document.value) {
                report.others += 1;
                continue;
            }
            let opinion = self.opinion(document, old);
            report.clusters += 1;
            report.partial += usize::from(opinion.is_partial);
            let entries = opinion.entries.into_iter();
            report.remarks.extend(entries.map(|entry| Remark {
                source: source.clone(),
                entry,
            }));
        }
        report
    }

    fn opinion(&self, document: Document, old: Option<&Value>) -> engine::Opinion {
        let Some(version) = &self.server_version else {
            return engine::judge(&document, old, &self.settings);
        };
        let upgraded = Document {
            value: upgrade::with_version(&document.value, version),
            places: document.places,
        };
        engine::judge(&upgraded, old.or(Some(&document.value)), &self.settings)
    }
}

fn print(report: &Report, args: &ValidateArgs) {
    let look = Look {
        colours: io::stdout().is_terminal()
            && env::var_os("NO_COLOR").is_none_or(|set| set.is_empty()),
        docs: args.docs_url.clone().filter(|address| !address.is_empty()),
    };
    let (output, summary) = (args.output, report.summary());
    let mut text = report.render(output, &look);
    if !output.is_data() {
        text.extend([&summary, "\n"]);
    }
    for unreadable in &report.unreadable {
        complain(&told(unreadable));
    }
    stdout::print(&text);
    if report.others > 0 {
        let others = counted(report.others, "object");
        complain(&format!("{others} of other kinds passed over"));
    }
    if output.is_data() {
        complain(&summary);
    }
}

/// In the lines of [`complain`], which ends them.
fn told(unreadable: &Unreadable) -> String {
    report::unreadable(unreadable).trim_end().to_owned()
}

fn complain(message: &str) {
    eprintln!("aerospike-operator: {message}");
}
