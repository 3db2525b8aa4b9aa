//! The Dockerfile and the image that the test cluster runs are made from one list.

use std::fs;

use cluster::images::{OPERATOR, Source};
use cluster::paths::checkout;

/// What the last stage of a Dockerfile puts into the image.
#[derive(Debug, Default, PartialEq, Eq)]
struct Stage {
    base: String,
    files: Vec<(String, String)>,
    entrypoint: Vec<String>,
    others: Vec<String>,
}

fn last_stage(dockerfile: &str) -> Stage {
    let joined = dockerfile.replace("\\\n", " ");
    let lines = joined
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.fold(Stage::default(), |stage, line| {
        let (instruction, rest) = line.split_once(' ').unwrap_or((line, ""));
        match instruction {
            "FROM" => Stage {
                base: rest.to_owned(),
                ..Stage::default()
            },
            "COPY" => with_file(stage, rest),
            "ENTRYPOINT" => Stage {
                entrypoint: serde_json::from_str(rest).unwrap(),
                ..stage
            },
            _ => with_other(stage, line),
        }
    })
}

/// Only the name of what is copied counts: where the build stage leaves it is its own business.
fn with_file(mut stage: Stage, rest: &str) -> Stage {
    let words: Vec<_> = rest
        .split_whitespace()
        .filter(|word| !word.starts_with("--"))
        .collect();
    if let [from, to] = words[..] {
        let name = from.rsplit('/').next().unwrap_or_default();
        stage.files.push((name.to_owned(), to.to_owned()));
    } else {
        stage.others.push(format!("COPY {rest}"));
    }
    stage
}

fn with_other(mut stage: Stage, line: &str) -> Stage {
    stage.others.push(line.to_owned());
    stage
}

fn expected() -> Stage {
    let files = OPERATOR.files.iter().map(|(source, to)| match source {
        Source::Program(name) | Source::File(name) => ((*name).to_owned(), (*to).to_owned()),
    });
    Stage {
        base: "scratch".into(),
        files: files.collect(),
        entrypoint: OPERATOR
            .entrypoint
            .iter()
            .map(|word| (*word).to_owned())
            .collect(),
        others: Vec::new(),
    }
}

#[test]
fn the_dockerfile_puts_into_the_image_what_the_tests_run_and_names_no_user() {
    let dockerfile = fs::read_to_string(checkout().join("Dockerfile")).unwrap();
    assert_eq!(last_stage(&dockerfile), expected());
}

#[test]
fn a_user_a_variable_or_another_file_would_be_noticed() {
    let dockerfile =
        "FROM a AS b\nUSER 1\nFROM scratch\nCOPY x /x\nCOPY a b c/\nUSER 2\nENTRYPOINT [\"/x\"]\n";
    let stage = Stage {
        base: "scratch".into(),
        files: vec![("x".into(), "/x".into())],
        entrypoint: vec!["/x".into()],
        others: vec!["COPY a b c/".into(), "USER 2".into()],
    };
    assert_eq!(last_stage(dockerfile), stage);
}
