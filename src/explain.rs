//! What each rule is, why it exists, and what breaks and keeps it: for `aerospike-operator rules`, for the pages in
//! `docs/rules`, and for code scanners.

pub mod examples;
pub mod page;
pub mod table;

use std::{fmt::Write, process::ExitCode};

use crate::stdout;

/// Explains the rules by which clusters are judged.
#[derive(Clone, Debug, clap::Args)]
pub struct RulesArgs {
    /// The code of a rule, as it stands at the end of a message; all are listed without it.
    pub code: Option<String>,
    /// As Markdown.
    #[arg(long)]
    pub markdown: bool,
}

/// Prints what `args` ask for.
#[must_use]
pub fn run(args: &RulesArgs) -> ExitCode {
    let Some(code) = &args.code else {
        stdout::print(&if args.markdown { page::index() } else { list() });
        return ExitCode::SUCCESS;
    };
    let Some(rule) = table::rule(code) else {
        eprintln!("aerospike-operator: there is no rule {code:?}; without a code all are listed");
        return ExitCode::FAILURE;
    };
    let page = page::of(rule);
    stdout::print(&if args.markdown { page } else { plain(&page) });
    ExitCode::SUCCESS
}

/// A line a rule.
fn list() -> String {
    let mut text = String::new();
    for rule in table::rules() {
        writeln!(text, "{:<10} {}", rule.code, rule.holds).expect("a String takes everything");
    }
    text
}

/// A page without its marks, for a terminal.
#[must_use]
pub fn plain(page: &str) -> String {
    let mut text = String::new();
    let mut is_code = false;
    for line in page.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
            continue;
        }
        let line = match line.trim_start_matches('#') {
            _ if is_code => format!("    {line}"),
            heading if heading.len() < line.len() => heading.trim_start().to_owned(),
            other => other.replace('`', ""),
        };
        text.extend([line.trim_end(), "\n"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_shown_no_marks() {
        assert_eq!(
            plain("# A: b\n\nUse `c`.\n\n```yaml\na: `x`\n# y\n```\n"),
            "A: b\n\nUse c.\n\n    a: `x`\n    # y\n"
        );
    }

    #[test]
    fn every_rule_is_listed() {
        assert_eq!(list().lines().count(), table::rules().count());
    }
}
