//! `validate`: says of every review what the webhook says, and as a program says it in text, in JSON and by its exit code.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use aerospike_operator::{
    admission,
    resolve::Settings,
    validate::{
        engine::{Severity, judge},
        manifest::{self, Document},
    },
};
use serde_json::{Value, json};
use tempfile::TempDir;

fn data(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", name]
        .iter()
        .collect()
}

/// The texts of a folder whose names end in `suffix`, by name.
fn texts(folder: &str, suffix: &str) -> Vec<(String, String)> {
    let files = fs::read_dir(data(folder)).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let mut texts: Vec<_> = paths
        .filter(|path| path.to_str().unwrap().ends_with(suffix))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    texts.sort();
    assert!(!texts.is_empty());
    texts
}

fn document(value: &Value) -> Document {
    manifest::read(&value.to_string()).unwrap().remove(0)
}

/// Place and message of each cause in the webhook's answer to `request`.
fn refused_by_webhook(request: &Value) -> Vec<(String, String)> {
    let answer = admission::validate(request.to_string().as_bytes(), &Settings::default());
    let answer: Value = serde_json::from_slice(&answer.unwrap().body).unwrap();
    let causes = answer["response"]["status"]["details"]["causes"].as_array();
    let member = |cause: &Value, name: &str| cause[name].as_str().unwrap().to_owned();
    let causes = causes.into_iter().flatten();
    let mut causes: Vec<_> = causes
        .map(|cause| (member(cause, "field"), member(cause, "message")))
        .collect();
    causes.sort();
    causes
}

/// Place and message of each error that `validate` finds.
fn refused_by_validate(request: &Value) -> Vec<(String, String)> {
    let old = &request["request"]["oldObject"];
    let object = document(&request["request"]["object"]);
    let opinion = judge(
        &object,
        (!old.is_null()).then_some(old),
        &Settings::default(),
    );
    let entries = opinion.entries.iter();
    let errors = entries.filter(|entry| entry.severity == Severity::Error);
    let mut errors: Vec<_> = errors
        .map(|entry| {
            let text = format!("{} [{}]", entry.message, entry.code);
            (entry.path.to_string(), text)
        })
        .collect();
    errors.sort();
    errors
}

#[test]
fn reviews_are_judged_as_the_webhook_judges_them() {
    let mut refused = 0;
    for (name, text) in texts("reviews", ".request.json") {
        let request: Value = serde_json::from_str(&text).unwrap();
        if request["request"]["operation"] == "DELETE" {
            continue;
        }
        let said = refused_by_validate(&request);
        refused += usize::from(!said.is_empty());
        assert_eq!(said, refused_by_webhook(&request), "{name}");
    }
    assert!(refused >= 2);
}

#[test]
fn samples_are_accepted_and_stay_accepted_when_nothing_changes() {
    for (name, text) in texts("samples", ".yaml") {
        let document = manifest::read(&text).unwrap().remove(0);
        let old = document.value.clone();
        for old in [None, Some(&old)] {
            let opinion = judge(&document, old, &Settings::default());
            let errors = opinion.entries.iter();
            let errors: Vec<_> = errors
                .filter(|entry| entry.severity == Severity::Error)
                .collect();
            assert_eq!(errors, Vec::<&_>::new(), "{name}");
        }
    }
}

const GOOD: &str = include_str!("data/plain.yaml");

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Runs `validate` in `folder`.
fn validate(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_aerospike-operator"))
        .arg("validate")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who refuses the arguments reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Exit code, standard output, standard error.
fn said(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn findings_are_lines_of_file_line_and_column() {
    let bad = GOOD.replace("size: 2", "size: 0\n  imagee: x");
    let manifests = format!("kind: Service\n---\n{bad}");
    let folder = folder(&[("a.yaml", &manifests), ("b.yml", GOOD), ("c.txt", "{")]);
    let (code, stdout, stderr) = said(validate(folder.path(), &["."], ""));
    assert_eq!(
        stdout,
        "./a.yaml:9:3: error: spec.size: 0 is out of range: must be 1 to 256 [CRD-02]\n\
         ./a.yaml:10:3: warning: spec.imagee: unknown field, did you mean \"image\"?: the API server drops it, and kubectl \
         refuses the object unless told --validate=warn [SCHEMA-08]\n\
         2 clusters: 1 error, 1 warning\n"
    );
    assert_eq!(code, Some(1));
    assert_eq!(
        stderr,
        "aerospike-operator: 1 object of other kinds passed over\n"
    );
}

#[test]
fn json_is_nothing_but_an_array() {
    let folder = folder(&[("a.yaml", &GOOD.replace("size: 2", "size: 0"))]);
    let arguments = ["--output", "json", "a.yaml", "-"];
    let (code, stdout, stderr) = said(validate(folder.path(), &arguments, "kind: Service\n"));
    assert_eq!(
        serde_json::from_str::<Value>(&stdout).unwrap(),
        json!([{"severity": "error", "code": "CRD-02", "field": "spec.size", "reason": "FieldValueInvalid",
            "message": "0 is out of range: must be 1 to 256", "file": "a.yaml", "line": 7}])
    );
    assert_eq!((code, stderr.as_str()), (Some(1), ""));
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
fn a_change_is_judged_against_the_old_object() {
    let open = GOOD.replace("  namespace: ns\n", "");
    let more = "podSpec: {multiPodPerHost: false}\n  size: 2";
    let new = open.replace("size: 2", more);
    let folder = folder(&[("old.yaml", GOOD), ("new.yaml", &new)]);
    let (code, stdout, _) = said(validate(
        folder.path(),
        &["--old", "old.yaml", "new.yaml"],
        "",
    ));
    assert_eq!((code, stdout.lines().count()), (Some(0), 1), "{stdout}");
    let new = open.replace("size: 2", "podSpec: {multiPodPerHost: true}\n  size: 2");
    let (code, stdout, _) = said(validate(folder.path(), &["--old", "old.yaml", "-"], &new));
    let place = "-:6:13: error: spec.podSpec.multiPodPerHost: ";
    assert!(code == Some(1) && stdout.starts_with(place), "{stdout}");
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_judged() {
    let folder = folder(&[("a.yaml", "a: [\n"), ("b.yaml", GOOD)]);
    let (code, stdout, stderr) = said(validate(
        folder.path(),
        &["a.yaml", "b.yaml", "none.yaml"],
        "",
    ));
    assert_eq!(code, Some(2));
    assert_eq!(stdout, "1 cluster: 0 errors, 0 warnings\n");
    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{stderr}");
    assert!(
        lines[0].starts_with("aerospike-operator: a.yaml:"),
        "{stderr}"
    );
    assert!(
        lines[1].starts_with("aerospike-operator: none.yaml: "),
        "{stderr}"
    );
}

#[test]
fn bad_arguments_end_it_before_anything_is_printed() {
    let folder = folder(&[("a.yaml", GOOD)]);
    let cases: [&[&str]; 4] = [
        &[],
        &["--output", "xml", "a.yaml"],
        &["--old", "none.yaml", "a.yaml"],
        &["--old", "-", "-"],
    ];
    for arguments in cases {
        let (code, stdout, stderr) = said(validate(folder.path(), arguments, GOOD));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!stderr.is_empty(), "{arguments:?}");
    }
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
