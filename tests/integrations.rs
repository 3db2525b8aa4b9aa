//! What is offered to pre-commit and to GitHub's workflows fits the program.

use std::{fs, path::Path, process::Command};

use aerospike_operator::cli::Cli;
use clap::Parser;
use serde_json::Value;

fn yaml(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn hooks_call_the_program_as_it_wants_to_be_called() {
    let hooks = yaml(".pre-commit-hooks.yaml");
    for hook in hooks.as_array().unwrap() {
        let words = hook["entry"].as_str().unwrap().split_whitespace();
        let called = Cli::try_parse_from(words.chain(["a.yaml", "b.yaml"]));
        assert!(called.is_ok(), "{hook}: {called:?}");
    }
}

/// Runs the action's script in `folder`, with a `docker` that hands out the program of this build.
fn act(folder: &Path, inputs: &[(&str, &str)]) -> (Option<i32>, String) {
    let action = yaml("action.yml");
    let script = action["runs"]["steps"][0]["run"].as_str().unwrap();
    let docker = format!(
        "docker() {{ case $1 in create) echo id;; cp) cp '{}' \"$3\";; esac; }}\n",
        env!("CARGO_BIN_EXE_aerospike-operator")
    );
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c"]);
    bash.arg(docker + script)
        .current_dir(folder)
        .env("RUNNER_TEMP", folder);
    for name in [
        "PATHS",
        "OUTPUT",
        "FILE",
        "OLD_FROM_GIT",
        "SERVER_VERSION",
        "IMAGE",
        "DOCS_URL",
    ] {
        bash.env(name, "");
    }
    let output = bash.envs(inputs.iter().copied()).output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

#[test]
fn the_action_annotates_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let broken = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/validate/broken.yaml"),
    );
    fs::create_dir(folder.path().join("my clusters")).unwrap();
    fs::write(folder.path().join("my clusters/a.yaml"), broken.unwrap()).unwrap();
    let github = [("PATHS", "my clusters\n"), ("OUTPUT", "github")];
    let (code, stdout) = act(folder.path(), &github);
    assert_eq!(code, Some(1));
    assert!(
        stdout.starts_with("::error file=my clusters/a.yaml,line="),
        "{stdout}"
    );
    let sarif = [
        ("PATHS", "my clusters"),
        ("OUTPUT", "sarif"),
        ("FILE", "out.sarif"),
    ];
    assert_eq!(act(folder.path(), &sarif), (Some(1), String::new()));
    let log = fs::read_to_string(folder.path().join("out.sarif")).unwrap();
    let log: Value = serde_json::from_str(&log).unwrap();
    assert_eq!(log["version"], "2.1.0");
}
