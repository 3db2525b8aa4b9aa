//! The pages in `docs`, which are generated. Everything in `docs/rules`, `docs/reference` and `docs/schema` is.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{
    config::parameters::{Release, releases},
    explain::{page, table},
    reference::{editor, fields, parameters},
    stdout,
};

/// Folders that hold nothing else.
const GENERATED: [&str; 3] = ["rules", "reference", "schema"];

/// Writes the generated pages.
#[derive(Clone, Debug, clap::Args)]
pub struct DocsArgs {
    /// The folder that holds them.
    pub folder: PathBuf,
}

/// Prints the JSON schema of the custom resource, for editors.
#[derive(Clone, Debug, clap::Args)]
pub struct SchemaArgs {
    /// The version of the server whose parameters `aerospikeConfig` takes; the newest without it.
    #[arg(long, value_name = "VERSION", value_parser = release)]
    pub server_version: Option<Release>,
}

fn release(text: &str) -> Result<Release, String> {
    let release = Release::parse(text).map(Release::in_table);
    release.ok_or_else(|| "expected a version such as 8.1.2.0".to_owned())
}

/// Prints the schema.
#[must_use]
pub fn print_schema(args: &SchemaArgs) -> ExitCode {
    stdout::print(&schema(args.server_version.unwrap_or_else(newest)));
    ExitCode::SUCCESS
}

fn newest() -> Release {
    *releases().last().expect("the table has releases")
}

fn schema(release: Release) -> String {
    let schema = editor::schema(release);
    serde_json::to_string(&schema).expect("a schema is plain data") + "\n"
}

/// Every generated file, by its path below `docs`.
#[must_use]
pub fn pages() -> BTreeMap<String, String> {
    let rules = table::rules();
    let mut pages: BTreeMap<_, _> = rules
        .map(|rule| (format!("rules/{}.md", rule.code), page::of(rule)))
        .collect();
    pages.insert("rules/README.md".to_owned(), page::index());
    pages.insert("reference/fields.md".to_owned(), fields::page());
    pages.insert("reference/parameters.md".to_owned(), parameters::page());
    pages.insert("schema/aerospikecluster.json".to_owned(), schema(newest()));
    pages
}

/// Writes every page into the folder, and removes what is no page any more.
///
/// # Errors
///
/// If something cannot be written.
pub fn write(args: &DocsArgs) -> io::Result<()> {
    let pages = pages();
    for name in GENERATED {
        fs::create_dir_all(args.folder.join(name))?;
    }
    for (path, _) in there(&args.folder)? {
        if !pages.contains_key(&path) {
            fs::remove_file(args.folder.join(path))?;
        }
    }
    for (path, text) in pages {
        fs::write(args.folder.join(path), text)?;
    }
    Ok(())
}

/// What the generated folders hold.
///
/// # Errors
///
/// If they cannot be read.
pub fn there(folder: &Path) -> io::Result<BTreeMap<String, String>> {
    let mut there = BTreeMap::new();
    for name in GENERATED {
        for entry in fs::read_dir(folder.join(name))? {
            let file = entry?.file_name().to_string_lossy().into_owned();
            let path = format!("{name}/{file}");
            let text = fs::read_to_string(folder.join(&path))?;
            there.insert(path, text);
        }
    }
    Ok(there)
}
