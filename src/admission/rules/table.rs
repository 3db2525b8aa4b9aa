//! The table of all rules, `rules.tsv`, against the code. Its columns: the code; the section of the rule in the reference, or
//! `own`; where it is checked (`rule`: here, `schema`: by the custom resource's definition, `not`); what holds when it is
//! silent; and a note: why it is not checked, or how it deviates.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

struct Row {
    place: &'static str,
    note: &'static str,
}

fn table() -> BTreeMap<&'static str, Row> {
    let lines = include_str!("../rules.tsv").lines().skip(1);
    let mut table = BTreeMap::new();
    for line in lines {
        let cells: Vec<_> = line.split('\t').collect();
        let [code, section, place, holds, note] = cells[..] else {
            panic!("five cells in {line:?}");
        };
        assert!(!section.is_empty() && !holds.is_empty(), "{line}");
        let double = table.insert(code, Row { place, note });
        assert!(double.is_none(), "{code} is there twice");
    }
    table
}

/// Every Rust file below `folder` that is not only for tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        match name {
            "tests" | "tests.rs" | "properties.rs" | "table.rs" => {}
            _ if path.is_dir() => found.extend(sources(&path)),
            _ if Path::new(name).extension().is_some_and(|kind| kind == "rs") => found.push(path),
            _ => {}
        }
    }
    found
}

/// A code: `NS-24`, `DEF-10a`.
fn is_code(text: &str) -> bool {
    let Some((area, number)) = text.split_once('-') else {
        return false;
    };
    let digits = number.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let letters = number.len() - digits.len();
    !area.is_empty()
        && area.chars().all(|c| c.is_ascii_uppercase())
        && digits.len() == 2
        && digits.chars().all(|c| c.is_ascii_digit())
        && letters <= 1
}

/// The codes that stand in the code as texts of their own.
fn emitted() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders = ["admission", "resolve", "config"]
        .into_iter()
        .map(|name| root.join(name));
    let mut files: Vec<_> = folders.flat_map(|folder| sources(&folder)).collect();
    files.extend(["admission.rs", "resolve.rs", "config.rs"].map(|name| root.join(name)));
    let mut codes = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        codes.extend(
            code.split('"')
                .filter(|text| is_code(text))
                .map(str::to_owned),
        );
    }
    codes
}

#[test]
fn every_rule_of_the_table_is_checked_or_has_a_reason() {
    let emitted = emitted();
    let mut wrong = Vec::new();
    for (code, row) in table() {
        let is_emitted = emitted.contains(code);
        let is_right = match row.place {
            "rule" => is_emitted,
            "schema" => true,
            "not" => !is_emitted && !row.note.is_empty(),
            other => panic!("{code}: {other:?} is no place"),
        };
        if !is_right {
            wrong.push(code);
        }
    }
    assert_eq!(wrong, [""; 0], "listed otherwise than the code has it");
}

#[test]
fn every_code_is_in_the_table() {
    let table = table();
    let unknown: Vec<_> = emitted()
        .into_iter()
        .filter(|code| !table.contains_key(code.as_str()))
        .collect();
    assert_eq!(unknown, [""; 0]);
}
