//! Three servers of a fleet against the answers of three real ones.

use super::*;
use crate::conf;
use crate::info::tests::{KEYS, RECORDED, configuration};
use crate::version::{Edition, Release, Version};

fn address(number: u8) -> String {
    format!("127.0.0.{number}")
}

fn recorded_fleet() -> Fleet {
    let release = Release {
        version: Version::patch(8, 1, 2),
        edition: Edition::Community,
    };
    let mut fleet = Fleet::new(1).with_client(None);
    for number in 1..=3 {
        let settings = conf::parse(release, &configuration(number, "")).unwrap();
        let launch = Launch::configured(settings, |_| (Storage::Memory, 512 << 20));
        fleet.start(&address(number), &launch.unwrap()).unwrap();
    }
    fleet.advance(4000);
    fleet
}

#[test]
fn a_community_fleet_answers_as_recorded() {
    let mut fleet = recorded_fleet();
    for line in RECORDED.lines() {
        let cells: Vec<_> = line.split('\t').collect();
        let [_, number, command, recorded] = cells[..] else {
            panic!("{line}")
        };
        let key = fleet.info(&address(3), "cluster-stable:ignore-migrations=true");
        let recorded = if recorded == "(empty)" { "" } else { recorded };
        let expected = KEYS.iter().fold(recorded.to_owned(), |text, old| {
            text.replace(old, key.as_deref().unwrap())
        });
        let server = address(number.as_bytes()[1] - b'0');
        let answer = fleet.info(&server, command);
        assert_eq!(answer, Ok(expected), "{number} {command}");
        if command.starts_with("recluster") {
            fleet.advance(2000);
        }
    }
}
