use std::net::{Ipv4Addr, TcpListener};

use clap::Parser;

use super::*;

mod fake_cluster;

use fake_cluster::Records;

#[derive(Debug, Parser)]
struct Command {
    #[command(flatten)]
    check: CheckArgs,
}

fn parse(arguments: &[&str]) -> Result<CheckArgs, String> {
    let arguments = ["check"].iter().chain(arguments);
    let parsed = Command::try_parse_from(arguments);
    parsed
        .map(|command| command.check)
        .map_err(|error| error.to_string())
}

fn args() -> CheckArgs {
    parse(&["--seed", "127.0.0.1:3000"]).unwrap()
}

fn node(name: &str, address: &str, namespaces: &[&str]) -> SeenNode {
    SeenNode {
        name: name.into(),
        address: address.into(),
        build: "8.1.2.0".into(),
        namespaces: namespaces.iter().map(|name| (*name).to_owned()).collect(),
    }
}

#[test]
fn arguments_are_read() {
    let arguments = "--seed 10.0.0.1:3000 --seed [fd00::1]:3000 --alternate --user app --password-file /p \
        --expect-nodes 3 --namespace test --write --timeout 30";
    let expected = CheckArgs {
        seeds: vec![
            "10.0.0.1:3000".parse().unwrap(),
            "[fd00::1]:3000".parse().unwrap(),
        ],
        alternate: true,
        user: Some("app".into()),
        password_file: Some("/p".into()),
        expect_nodes: Some(3),
        namespace: Some("test".into()),
        write: true,
        timeout: Duration::from_secs(30),
    };
    let arguments: Vec<_> = arguments.split_whitespace().collect();
    assert_eq!(parse(&arguments), Ok(expected));
}

#[test]
fn a_seed_by_name_is_refused_with_the_reason() {
    let error = parse(&["--seed", "aerospike:3000"]).unwrap_err();
    assert!(error.contains("names are not resolved"), "{error}");
}

#[test]
fn a_password_on_the_command_line_and_a_write_without_namespace_are_refused() {
    for more in [
        &["--password", "x"][..],
        &["--write"],
        &["--timeout", "0"],
        &["--timeout", "x"],
    ] {
        assert!(
            parse(&[&["--seed", "127.0.0.1:3000"], more].concat()).is_err(),
            "{more:?}"
        );
    }
    assert!(parse(&[]).is_err());
}

#[test]
fn the_password_comes_from_the_file_before_the_variable() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "s e c\r\n").unwrap();
    let from_file = CheckArgs {
        user: Some("app".into()),
        password_file: Some(file.path().to_owned()),
        ..args()
    };
    let found = password(&from_file, Some("other".into())).unwrap();
    assert_eq!(found, Some(Password::new("s e c".into())));
    let from_variable = CheckArgs {
        password_file: None,
        ..from_file
    };
    let found = password(&from_variable, Some("other".into())).unwrap();
    assert_eq!(found, Some(Password::new("other".into())));
    assert_eq!(password(&args(), Some("other".into())).unwrap(), None);
}

#[test]
fn a_user_without_password_is_told_where_to_put_it() {
    let args = CheckArgs {
        user: Some("app".into()),
        ..args()
    };
    let error = password(&args, None).unwrap_err().to_string();
    let expected =
        "no password for user \"app\": set AEROSPIKE_PASSWORD or name a file with --password-file";
    assert_eq!(error, expected);
}

#[test]
fn an_unreadable_password_file_is_named() {
    let args = CheckArgs {
        user: Some("app".into()),
        password_file: Some("/nowhere/at/all".into()),
        ..args()
    };
    let error = chain(&password(&args, None).unwrap_err());
    assert!(
        error.starts_with("failed to read the password from /nowhere/at/all: "),
        "{error}"
    );
}

#[test]
fn the_nodes_come_as_a_table_with_a_result() {
    let report = Report {
        nodes: vec![
            node("A1", "10.0.0.1:3000", &["test"]),
            node("A10", "10.0.0.10:3000", &["test"]),
        ],
        namespace: Some("test".into()),
        wrote: true,
    };
    let expected = "\
NODE  ADDRESS         BUILD
A1    10.0.0.1:3000   8.1.2.0
A10   10.0.0.10:3000  8.1.2.0
ok: a client sees 2 nodes, namespace test on each, wrote, read and deleted a record
";
    assert_eq!(render(&report), expected);
}

#[test]
fn a_node_without_the_namespace_is_named() {
    let nodes = [node("A1", "a", &["bar", "test"]), node("A2", "b", &[])];
    assert!(all_have(&nodes[..1], "test").is_ok());
    let error = all_have(&nodes, "test").unwrap_err().to_string();
    assert!(
        error.starts_with("node A2 has no namespace \"test\", it has none: "),
        "{error}"
    );
}

#[tokio::test]
async fn a_closed_port_is_an_error_that_names_the_seed() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let seed = listener.local_addr().unwrap();
    drop(listener);
    let args = CheckArgs {
        seeds: vec![seed],
        ..args()
    };
    let error = check(&args, None).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with(&format!("no cluster behind {seed}: ")),
        "{error}"
    );
}

fn check_of(seed: SocketAddr) -> CheckArgs {
    CheckArgs {
        seeds: vec![seed],
        namespace: Some("test".into()),
        expect_nodes: Some(2),
        write: true,
        ..args()
    }
}

#[tokio::test]
async fn a_client_sees_all_nodes_and_keeps_a_record() {
    for alternate in [false, true] {
        let seed = fake_cluster::start(Records::Kept).await;
        let args = CheckArgs {
            alternate,
            ..check_of(seed)
        };
        let report = check(&args, None).await.unwrap();
        let names: Vec<_> = report.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["A1", "A2"]);
        assert_eq!(
            report.nodes[0],
            node("A1", &seed.to_string(), &["bar", "test"])
        );
        assert!(report.wrote);
    }
}

#[tokio::test]
async fn a_node_too_few_is_an_error_at_the_end_of_the_time() {
    let seed = fake_cluster::start(Records::Kept).await;
    let args = CheckArgs {
        expect_nodes: Some(3),
        timeout: Duration::from_millis(250),
        ..check_of(seed)
    };
    let error = check(&args, None).await.unwrap_err().to_string();
    assert!(
        error.starts_with("a client sees 2 of 3 nodes (A"),
        "{error}"
    );
}

#[tokio::test]
async fn an_unknown_namespace_is_an_error_before_anything_is_written() {
    let seed = fake_cluster::start(Records::Refused).await;
    let args = CheckArgs {
        namespace: Some("gone".into()),
        ..check_of(seed)
    };
    let error = check(&args, None).await.unwrap_err().to_string();
    let expected = "node A1 has no namespace \"gone\", it has bar, test: ";
    assert!(error.starts_with(expected), "{error}");
}

#[tokio::test]
async fn a_record_that_is_refused_or_changed_is_an_error() {
    let seed = fake_cluster::start(Records::Refused).await;
    let error = check(&check_of(seed), None).await.unwrap_err().to_string();
    let expected =
        "failed to write a record in set aerospike-operator-check of namespace \"test\": ";
    assert!(error.starts_with(expected), "{error}");
    let seed = fake_cluster::start(Records::Mangled).await;
    let error = check(&check_of(seed), None).await.unwrap_err().to_string();
    assert!(
        error.contains("does not hold what was just written"),
        "{error}"
    );
}
