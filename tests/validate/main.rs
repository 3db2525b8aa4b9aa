//! `validate`: says of every review what the webhook says; as a program it takes what people have, and says it in every
//! form by which people and programs read it.

mod inputs;
mod outputs;
mod samples;
mod sarif;

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
use serde_json::Value;
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

/// A cluster that is in order.
const GOOD: &str = "\
apiVersion: asdb.aerospike.com/v1
kind: AerospikeCluster
metadata:
  name: db
spec:
  size: 2
  image: aerospike/aerospike-server-enterprise:8.1.2.0
  validationPolicy:
    skipWorkDirValidate: true
  aerospikeConfig:
    service:
      cgroup-mem-tracking: true
    namespaces:
    - name: test
      replication-factor: 2
      storage-engine:
        type: memory
        data-size: 1073741824
    network:
      service: {port: 3000}
      heartbeat: {port: 3002}
      fabric: {port: 3001}
";

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
