//! What is read, and what it is held against.

use std::{fs, path::Path, process::Command};

use aerospike_operator::{
    resolve::Settings,
    validate::engine::{is_cluster, judge},
};
use serde_json::{Value, json};

use super::{GOOD, document, folder, said, validate};

fn codes(stdout: &str) -> Vec<String> {
    let found: Vec<Value> = serde_json::from_str(stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = found.iter();
    found
        .map(|finding| {
            format!(
                "{} {} {}",
                text(&finding["severity"]),
                text(&finding["code"]),
                text(&finding["file"])
            )
        })
        .collect()
}

#[test]
fn a_program_that_wrote_nothing_is_no_good_manifest() {
    let (code, stdout, stderr) = said(validate(Path::new("/"), &["-"], ""));
    assert_eq!(code, Some(2));
    assert!(stderr.contains("nothing on standard input"), "{stderr}");
    assert!(stdout.ends_with("; 1 text cannot be read\n"), "{stdout}");
}

#[test]
fn a_folder_is_read_with_all_below_it_but_what_is_no_manifest() {
    let bad = GOOD.replace("size: 2", "size: 0");
    let folder = folder(&[
        ("b.yml", &bad),
        ("c.txt", "{"),
        ("notes.json", "{// a comment\n}"),
    ]);
    let inside = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    inside("a/deep/a.yaml", &bad);
    inside(".git/x.yaml", &bad);
    inside("chart/Chart.yaml", "name: chart\n");
    inside(
        "chart/templates/x.yaml",
        "kind: AerospikeCluster\n{{ if .Values.x }}\n",
    );
    inside("templates/x.yaml", &bad);
    let (code, stdout, stderr) = said(validate(folder.path(), &["--output=json", "."], ""));
    assert_eq!(
        codes(&stdout),
        [
            "error CRD-02 ./a/deep/a.yaml",
            "error CRD-02 ./b.yml",
            "error CRD-02 ./templates/x.yaml"
        ]
    );
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("2 objects of other kinds passed over"),
        "{stderr}"
    );
}

#[test]
fn what_helm_and_kustomize_give_is_read_as_it_comes() {
    let bad = GOOD.replace("size: 2", "size: 0");
    let helm = format!(
        "---\n# Source: chart/templates/sa.yaml\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: a\n---\n\
         # Source: chart/templates/empty.yaml\n---\n# Source: chart/templates/cluster.yaml\n{bad}---\n---\n"
    );
    let indented = bad.replace('\n', "\n  ");
    let list = format!("apiVersion: v1\nkind: List\nitems:\n- {indented}\n- kind: Service\n");
    let clusters = list.replace(
        "v1\nkind: List",
        "asdb.aerospike.com/v1\nkind: AerospikeClusterList",
    );
    let windows = format!("\u{feff}{}", bad.replace('\n', "\r\n"));
    for (text, line, others) in [
        (helm, 16, 1),
        (list, 9, 1),
        (clusters, 9, 1),
        (windows, 6, 0),
    ] {
        let (code, stdout, stderr) = said(validate(Path::new("/"), &["--output=json", "-"], &text));
        let found: Vec<Value> = serde_json::from_str(&stdout).unwrap();
        assert_eq!((code, found.len()), (Some(1), 1), "{stdout}{stderr}");
        assert_eq!(found[0]["line"], line, "{text}");
        let told = format!("{others} object of other kinds passed over");
        assert_eq!(stderr.contains(&told), others > 0, "{stderr}");
    }
}

#[test]
fn a_slip_in_kind_or_group_is_not_passed_over() {
    let told = |version: &str, kind: &str| {
        let document = document(&json!({"apiVersion": version, "kind": kind}));
        let opinion = judge(&document, None, &Settings::default());
        is_cluster(&document.value).then(|| opinion.entries[0].message.clone())
    };
    let said = |text: &str| Some(text.to_owned());
    assert_eq!(
        told("asdb.aerospike.com/v1", "Aerospikecluster"),
        said("\"Aerospikecluster\" is not served, must be \"AerospikeCluster\"")
    );
    assert_eq!(
        told("v1", "AerospikeCluster"),
        said("\"v1\" is not served, must be \"asdb.aerospike.com/v1\"")
    );
    assert_eq!(told("asdb.aerospike.com/v1beta1", "AerospikeBackup"), None);
    assert_eq!(told("v1", "Service"), None);
}

#[test]
fn a_change_is_judged_against_the_old_object() {
    let old = GOOD.replace("name: db", "name: db\n  namespace: ns");
    let more = "podSpec: {multiPodPerHost: false}\n  size: 2";
    let new = GOOD.replace("size: 2", more);
    let folder = folder(&[("old.yaml", &old), ("new.yaml", &new)]);
    let judged = |arguments: &[&str], input: &str| said(validate(folder.path(), arguments, input));
    let (code, stdout, _) = judged(&["--old", "old.yaml", "new.yaml"], "");
    assert_eq!((code, stdout.lines().count()), (Some(0), 1), "{stdout}");
    let new = GOOD.replace("size: 2", "podSpec: {multiPodPerHost: true}\n  size: 2");
    let (code, stdout, _) = judged(&["--old", "old.yaml", "-"], &new);
    let place = "-:6:13: error: spec.podSpec.multiPodPerHost: ";
    assert!(code == Some(1) && stdout.starts_with(place), "{stdout}");
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity = [
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.com",
        "-c",
        "commit.gpgsign=false",
    ];
    let mut git = Command::new("git");
    let git = git.arg("-C").arg(folder).args(identity).args(arguments);
    let output = git.output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_change_is_judged_against_a_commit() {
    let folder = folder(&[("a.yaml", GOOD), ("weird name.yaml", "kind: Service\n")]);
    let path = folder.path();
    git(path, &["init", "-q", "-b", "main"]);
    git(path, &["add", "."]);
    git(path, &["commit", "-q", "-m", "first"]);
    let bad = GOOD.replace("size: 2", "podSpec: {multiPodPerHost: true}\n  size: 2");
    fs::write(path.join("a.yaml"), &bad).unwrap();
    let new = GOOD.replace("name: db", "name: other");
    fs::write(path.join("new.yaml"), &new).unwrap();
    let judged = |folder: &Path, arguments: &[&str]| {
        let all = [&["--output=json"], arguments].concat();
        said(validate(folder, &all, GOOD))
    };
    for (arguments, file) in [
        (["--old-from-git=main", "."], "./a.yaml"),
        (["--old-from-git=HEAD", "a.yaml"], "a.yaml"),
    ] {
        let (code, stdout, stderr) = judged(path, &arguments);
        assert_eq!(codes(&stdout), [format!("error UPD-06 {file}")], "{stderr}");
        assert_eq!(code, Some(1));
    }
    let absolute = path.join("a.yaml").display().to_string();
    let (_, stdout, _) = judged(Path::new("/"), &["--old-from-git=main", &absolute]);
    assert_eq!(codes(&stdout), [format!("error UPD-06 {absolute}")]);
    let (code, stdout, _) = judged(path, &["--old-from-git=main", "new.yaml"]);
    assert_eq!((code, stdout.as_str()), (Some(0), "[]\n"));
    for bad in [
        ["--old-from-git=nowhere", "a.yaml"],
        ["--old-from-git=--output=x", "a.yaml"],
        ["--old-from-git=main", "-"],
    ] {
        let (code, stdout, stderr) = judged(path, &bad);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{bad:?}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    let (code, _, stderr) = judged(Path::new("/"), &["--old-from-git=main", "/etc"]);
    assert!(
        code == Some(2) && stderr.contains("/etc: main: "),
        "{stderr}"
    );
}

#[test]
fn an_upgrade_is_tried_before_it_is_made() {
    let old = GOOD
        .replace(":8.1.2.0", ":6.4.0.12")
        .replace(
            "data-size: 1073741824",
            "data-size: 1073741824\n        memory-size: 1073741824",
        )
        .replace("\n        data-size: 1073741824", "")
        .replace(
            "      cgroup-mem-tracking: true\n",
            "      proto-fd-max: 15000\n",
        );
    let old = old.replace("        memory-size", "      memory-size");
    let folder = folder(&[("a.yaml", &old)]);
    let judged = |arguments: &[&str]| {
        let all = [&["--output=json", "a.yaml"], arguments].concat();
        said(validate(folder.path(), &all, ""))
    };
    let (code, stdout, _) = judged(&[]);
    assert_eq!((code, stdout.as_str()), (Some(0), "[]\n"), "{old}");
    let (code, stdout, _) = judged(&["--server-version=8.1.2.0"]);
    let found = codes(&stdout);
    assert_eq!(code, Some(1), "{stdout}");
    assert!(
        found.contains(&"error SCH-04 a.yaml".to_owned()),
        "{stdout}"
    );
    assert!(
        found.contains(&"warning VER-12 a.yaml".to_owned()),
        "{stdout}"
    );
    let (code, _, stderr) = judged(&["--server-version=latest"]);
    assert!(
        code == Some(2) && stderr.contains("such as 8.1.2.0"),
        "{stderr}"
    );
}

#[test]
fn a_list_of_files_that_somebody_made_may_hold_other_things_than_manifests() {
    let folder = folder(&[
        ("template.yaml", "{% if x %}\na: 1\n{% endif %}\n"),
        ("a.yaml", "kind: AerospikeCluster\nspec: [\n"),
        ("b.yaml", GOOD),
    ]);
    let arguments = ["--pass-over-unreadable", "template.yaml", "b.yaml"];
    let (code, _, stderr) = said(validate(folder.path(), &arguments, ""));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("1 object of other kinds passed over"));
    for arguments in [
        &["--pass-over-unreadable", "a.yaml"][..],
        &["template.yaml"],
    ] {
        let (code, _, stderr) = said(validate(folder.path(), arguments, ""));
        assert_eq!(code, Some(2), "{stderr}");
    }
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_judged() {
    let folder = folder(&[("a.yaml", "a: [\n"), ("b.yaml", GOOD)]);
    let arguments = ["a.yaml", "b.yaml", "none.yaml"];
    let (code, stdout, stderr) = said(validate(folder.path(), &arguments, ""));
    assert_eq!(code, Some(2));
    assert_eq!(
        stdout,
        "1 cluster: 0 errors, 0 warnings; 2 texts cannot be read\n"
    );
    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(lines.len(), 4, "{stderr}");
    assert!(
        lines[0].starts_with("aerospike-operator: a.yaml:1:4: "),
        "{stderr}"
    );
    assert_eq!(lines[1..3], ["  1 | a: [", "    |    ^"]);
    assert!(
        lines[3].starts_with("aerospike-operator: none.yaml: "),
        "{stderr}"
    );
}

#[test]
fn bad_arguments_end_it_before_anything_is_printed() {
    let folder = folder(&[("a.yaml", GOOD)]);
    let cases: [&[&str]; 6] = [
        &[],
        &["--output", "xml", "a.yaml"],
        &["--old", "none.yaml", "a.yaml"],
        &["--old", "-", "-"],
        &["-", "-"],
        &["--old", "a.yaml", "--old-from-git", "HEAD", "a.yaml"],
    ];
    for arguments in cases {
        let (code, stdout, stderr) = said(validate(folder.path(), arguments, GOOD));
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!stderr.is_empty(), "{arguments:?}");
    }
}
