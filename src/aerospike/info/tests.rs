use proptest::prelude::*;

use super::*;

fn failed(code: Option<u16>, text: &str) -> InfoValue {
    let text = text.to_owned();
    InfoValue::Failed(InfoError { code, text })
}

fn ok(value: &str) -> InfoValue {
    InfoValue::Ok(value.to_owned())
}

#[test]
fn commands_are_lines() {
    let body = encode(&["build", "cluster-stable:size=3"]).unwrap();
    assert_eq!(body, b"build\ncluster-stable:size=3\n");
}

#[test]
fn a_command_that_smuggles_a_second_one_is_refused() {
    for bad in ["build\nrevive:", "build\r", "a\tb", ""] {
        let command = bad.to_owned();
        assert_eq!(encode(&["node", bad]), Err(Error::BadCommand { command }));
    }
    assert_eq!(encode(&[]), Err(Error::NoCommand));
}

#[test]
fn answers_come_in_the_order_of_the_commands() {
    let body = b"node\tA1\nbuild\t8.1.2.0\nservice-clear-alt\t\n";
    let answers = parse(&["build", "node", "service-clear-alt"], body).unwrap();
    let expected = Answers(vec![
        ("build".into(), ok("8.1.2.0")),
        ("node".into(), ok("A1")),
        ("service-clear-alt".into(), ok("")),
    ]);
    assert_eq!(answers, expected);
}

#[test]
fn a_value_keeps_what_follows_its_first_tab() {
    let answers = parse(&["a"], b"a\tb\tc=d=\n").unwrap();
    assert_eq!(answers.value("a"), Ok("b\tc=d="));
}

#[test]
fn a_command_that_the_server_left_out_is_missing_and_not_a_success() {
    let answers = parse(&["build", "latencies:"], b"build\t6.4.0.1\n").unwrap();
    assert_eq!(answers.answer("latencies:"), &InfoValue::Missing);
    let command = "latencies:".to_owned();
    assert_eq!(
        answers.expect_ok("latencies:"),
        Err(NoValue::Missing { command })
    );
}

#[test]
fn the_answer_before_a_login_is_a_refusal() {
    let refused = InfoError {
        code: Some(80),
        text: "not authenticated".into(),
    };
    let error = parse(&["build"], b"ERROR:80:not authenticated\n");
    assert_eq!(error, Err(Error::Refused(refused)));
}

#[test]
fn a_line_without_tab_or_question_is_refused() {
    let line = "build".to_owned();
    assert_eq!(parse(&["build"], b"build\n"), Err(Error::NoTab { line }));
    let command = "node".to_owned();
    let error = parse(&["build"], b"node\tA1\n");
    assert_eq!(
        error,
        Err(Error::NotAsked {
            command: command.clone()
        })
    );
    let twice = parse(&["node"], b"node\tA1\nnode\tA1\n");
    assert_eq!(twice, Err(Error::NotAsked { command }));
}

#[test]
fn every_form_of_error_is_read() {
    let forms = [
        (
            "ERROR:4:unrecognized command",
            failed(Some(4), "unrecognized command"),
        ),
        (
            "ERROR:7:unstable clusterEF78D5312CE3",
            failed(Some(7), "unstable clusterEF78D5312CE3"),
        ),
        ("ERROR:9:timeout", failed(Some(9), "timeout")),
        ("ERROR::unstable-cluster", failed(None, "unstable-cluster")),
        (
            "ERROR::0 cleared, 1 not found",
            failed(None, "0 cleared, 1 not found"),
        ),
        (
            "error: 1 cleared, 2 not found",
            failed(None, "1 cleared, 2 not found"),
        ),
        ("error", failed(None, "")),
        ("ERROR", failed(None, "")),
        ("ERROR:25", failed(Some(25), "")),
        ("error-no-such-hist", failed(None, "no-such-hist")),
        ("error=role_violation", failed(None, "role_violation")),
        ("FAIL:201:no index", failed(Some(201), "no index")),
        ("FAIL:bad namespace", failed(None, "bad namespace")),
        ("fail", failed(None, "")),
    ];
    for (text, expected) in forms {
        assert_eq!(parse_value(text), expected, "{text}");
    }
}

#[test]
fn values_that_begin_like_errors_are_values() {
    for text in [
        "errors=0",
        "failed_best_practices=none",
        "FA11ED",
        "ignored-by-non-principal",
        "ok",
    ] {
        assert_eq!(parse_value(text), ok(text));
    }
}

#[test]
fn enterprise_only_is_understood_in_old_and_new_texts() {
    for text in ["ERROR:25:enterprise only", "ERROR::enterprise-only"] {
        let InfoValue::Failed(error) = parse_value(text) else {
            panic!("{text}")
        };
        assert!(error.means_enterprise_only());
    }
}

#[test]
fn only_ok_is_ok() {
    let answers = parse(&["recluster:"], b"recluster:\tignored-by-non-principal\n").unwrap();
    let expected = NoValue::NotOk {
        command: "recluster:".into(),
        value: "ignored-by-non-principal".into(),
    };
    assert_eq!(answers.expect_ok("recluster:"), Err(expected));
    assert_eq!(parse(&["a"], b"a\tOK\n").unwrap().expect_ok("a"), Ok(()));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&["build", "node"], &body);
    }

    #[test]
    fn no_text_makes_it_panic(value in "(?i)(error|fail|é)?[:=\\- é0-9a-z]{0,12}") {
        let body = format!("build\t{value}\n");
        prop_assert!(parse(&["build"], body.as_bytes()).is_ok());
    }

    #[test]
    fn what_a_server_would_send_is_read_back(values in proptest::collection::vec("[A-D0-9;=:, \t]{0,20}", 1..6)) {
        let commands: Vec<String> = (0..values.len()).map(|i| format!("c{i}")).collect();
        let asked: Vec<&str> = commands.iter().map(String::as_str).collect();
        let lines: Vec<_> = asked.iter().zip(&values).map(|(c, v)| format!("{c}\t{v}\n")).collect();
        let lines = lines.concat();
        let answers = parse(&asked, lines.as_bytes()).unwrap();
        for (command, value) in asked.iter().zip(&values) {
            prop_assert_eq!(answers.value(command), Ok(value.as_str()));
        }
        for end in 0..lines.len() {
            let _ = parse(&asked, &lines.as_bytes()[..end]);
        }
    }
}
