//! What is written, and where to.

use std::fs;

use serde_json::Value;

use super::{GOOD, data, folder, said, sarif, validate};

/// Runs `validate` on the broken manifest of the golden files.
fn broken(output: &str) -> (Option<i32>, String, String) {
    let arguments = [
        "--output",
        output,
        "--docs-url",
        "https://example.com/docs",
        "broken.yaml",
    ];
    said(validate(&data("validate"), &arguments, ""))
}

/// Fails unless `text` is what the golden file `name` holds. `UPDATE_GOLDEN=1` writes it anew.
fn assert_golden(name: &str, text: &str) {
    let path = data("validate").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, text).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap();
    assert!(text == golden, "{name} reads differently:\n{text}");
}

const SUMMARY: &str = "aerospike-operator: 1 object of other kinds passed over\n\
    aerospike-operator: 2 clusters: ";

#[test]
fn a_broken_manifest_reads_as_it_always_did() {
    for (output, file) in [
        ("text", "broken.txt"),
        ("json", "broken.json"),
        ("sarif", "broken.sarif"),
        ("github", "broken.github"),
    ] {
        let (code, stdout, stderr) = broken(output);
        assert_eq!(code, Some(1), "{output}");
        assert_golden(file, &stdout);
        if output == "text" {
            assert_eq!(
                stderr,
                "aerospike-operator: 1 object of other kinds passed over\n"
            );
            assert!(stdout.contains("\n2 clusters: "), "{stdout}");
        } else {
            assert!(stderr.starts_with(SUMMARY), "{output}: {stderr}");
            assert_eq!(stderr.lines().count(), 2, "{output}: {stderr}");
        }
    }
}

#[test]
fn what_a_variable_is_set_to_is_never_written() {
    for output in ["text", "json", "sarif", "github"] {
        let (_, stdout, stderr) = broken(output);
        assert!(
            !stdout.contains("hunter2") && !stderr.contains("hunter2"),
            "{output}"
        );
        assert!(stdout.contains("POD-17"), "{output}");
    }
}

#[test]
fn sarif_keeps_to_its_schema() {
    let (_, stdout, _) = broken("sarif");
    assert_eq!(sarif::breaches(&stdout), [""; 0]);
    let folder = folder(&[("a.yaml", GOOD), ("b.yaml", "a: [\n")]);
    for arguments in [["--output=sarif", "a.yaml"], ["--output=sarif", "."]] {
        let (_, stdout, _) = said(validate(folder.path(), &arguments, ""));
        assert_eq!(sarif::breaches(&stdout), [""; 0]);
    }
    let (_, stdout, _) = said(validate(folder.path(), &["--output=sarif", "-"], "a: [\n"));
    assert_eq!(sarif::breaches(&stdout), [""; 0]);
    let log: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        log["runs"][0]["invocations"][0]["executionSuccessful"],
        false
    );
}

#[test]
fn nothing_to_say_is_still_a_document() {
    let folder = folder(&[]);
    for (output, expected) in [("json", "[]\n"), ("github", "")] {
        let (code, stdout, stderr) =
            said(validate(folder.path(), &["--output", output, "-"], GOOD));
        assert_eq!((code, stdout.as_str()), (Some(0), expected));
        assert_eq!(
            stderr,
            "aerospike-operator: 1 cluster: 0 errors, 0 warnings\n"
        );
    }
}

#[test]
fn what_is_in_order_is_said_in_one_line() {
    let folder = folder(&[]);
    let (code, stdout, stderr) = said(validate(folder.path(), &["-"], GOOD));
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (Some(0), "1 cluster: 0 errors, 0 warnings\n", "")
    );
}

#[test]
fn there_are_no_colours_where_there_is_no_terminal() {
    let (_, stdout, _) = broken("text");
    assert!(!stdout.contains('\u{1b}'), "{stdout}");
}

#[test]
fn the_installation_is_described_as_for_run() {
    let image = "podSpec: {aerospikeInitContainer: {imageNameAndTag: 'aerospike-kubernetes-init:2.5.3'}}\n  size: 2";
    let text = GOOD.replace("size: 2", image);
    let folder = folder(&[]);
    let arguments = ["--init-name-tag", "ours:1", "--output", "json", "-"];
    let (code, stdout, _) = said(validate(folder.path(), &arguments, &text));
    assert!(code == Some(0) && stdout.contains("INI-03"), "{stdout}");
}
