use super::*;
use crate::init::samples::{self, document};

/// One case of the table: what is known, and what follows.
#[expect(clippy::struct_excessive_bools, reason = "a row of a table")]
struct Case {
    what: &'static str,
    kind: VolumeKindDocument,
    records: &'static [&'static str],
    annotated: bool,
    dirty: bool,
    used: bool,
    job: Option<Operation>,
    still_dirty: bool,
}

const CASE: Case = Case {
    what: "a new claim",
    kind: VolumeKindDocument::Block,
    records: &[],
    annotated: false,
    dirty: false,
    used: true,
    job: Some(Operation::ZeroHeader),
    still_dirty: false,
};

const CASES: &[Case] = &[
    CASE,
    Case {
        what: "the recorded claim",
        records: &["v@1"],
        job: None,
        ..CASE
    },
    Case {
        what: "a claim in place of the recorded one",
        records: &["v@0"],
        ..CASE
    },
    Case {
        what: "a record of the old form",
        records: &["v"],
        ..CASE
    },
    Case {
        what: "a record of a volume whose name begins alike",
        records: &["v2@1"],
        ..CASE
    },
    Case {
        what: "a kept claim of a cluster made anew",
        annotated: true,
        job: None,
        ..CASE
    },
    Case {
        what: "an annotated claim in place of the recorded one",
        records: &["v@0"],
        annotated: true,
        job: None,
        ..CASE
    },
    Case {
        what: "a dirty device that is used again",
        records: &["v@1"],
        dirty: true,
        job: Some(Operation::Zero),
        ..CASE
    },
    Case {
        what: "a dirty device that is not used",
        records: &["v@1"],
        dirty: true,
        used: false,
        job: None,
        still_dirty: true,
        ..CASE
    },
    Case {
        what: "a dirty and annotated device of which no record is left",
        annotated: true,
        dirty: true,
        job: Some(Operation::Zero),
        ..CASE
    },
    Case {
        what: "a claim in place of a dirty one",
        records: &["v@0"],
        dirty: true,
        ..CASE
    },
    Case {
        what: "an annotated claim in place of a dirty one",
        records: &["v@0"],
        annotated: true,
        dirty: true,
        job: None,
        ..CASE
    },
    Case {
        what: "a dirty file system is never wiped",
        kind: VolumeKindDocument::Filesystem,
        records: &["v@1"],
        dirty: true,
        job: None,
        still_dirty: true,
        ..CASE
    },
];

fn volume(kind: VolumeKindDocument, init: InitMethod) -> VolumeDocument {
    VolumeDocument {
        init,
        ..samples::volume("v", kind, "/dev/v")
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn claims(annotated: bool) -> BTreeMap<String, Claim> {
    let claim = Claim {
        uid: "1".to_owned(),
        initialized: annotated,
    };
    BTreeMap::from([("v".to_owned(), claim)])
}

fn decided(case: &Case) -> Decision {
    let mut document = document();
    document.volumes = vec![volume(case.kind, InitMethod::HeaderCleanup)];
    document.devices = strings(if case.used { &["/dev/v"] } else { &[] });
    let entry = PodStatus {
        initialized_volumes: strings(case.records),
        dirty_volumes: strings(if case.dirty { &["v"] } else { &[] }),
        ..PodStatus::default()
    };
    decide(&document, Some(&entry), &claims(case.annotated)).unwrap()
}

#[test]
fn decisions_follow_the_table() {
    for case in CASES {
        let decision = decided(case);
        let jobs: Vec<_> = decision.jobs.iter().map(|job| job.operation).collect();
        assert_eq!(
            jobs,
            case.job.into_iter().collect::<Vec<_>>(),
            "{}",
            case.what
        );
        let dirty = strings(if case.still_dirty { &["v"] } else { &[] });
        assert_eq!(decision.dirty, dirty, "{}", case.what);
        let known: Vec<_> = decision
            .initialized
            .iter()
            .filter(|record| record.starts_with("v@"))
            .collect();
        assert_eq!(known, ["v@1"], "{}", case.what);
    }
}

#[test]
fn what_was_decided_is_not_done_again() {
    for case in CASES {
        let first = decided(case);
        let mut document = document();
        document.volumes = vec![volume(case.kind, InitMethod::HeaderCleanup)];
        document.devices = strings(if case.used { &["/dev/v"] } else { &[] });
        let entry = PodStatus {
            initialized_volumes: first.initialized.clone(),
            dirty_volumes: first.dirty.clone(),
            ..PodStatus::default()
        };
        let second = decide(&document, Some(&entry), &claims(case.annotated)).unwrap();
        let expected = Decision {
            jobs: Vec::new(),
            ..first
        };
        assert_eq!(second, expected, "{}", case.what);
    }
}

#[test]
fn records_of_other_volumes_are_kept() {
    let entry = PodStatus {
        initialized_volumes: strings(&["gone@7", "v@0", "old"]),
        dirty_volumes: strings(&["gone"]),
        ..PodStatus::default()
    };
    let mut document = document();
    document.volumes = vec![volume(VolumeKindDocument::Block, InitMethod::None)];
    let decision = decide(&document, Some(&entry), &claims(false)).unwrap();
    let expected = Decision {
        jobs: Vec::new(),
        initialized: strings(&["gone@7", "v@1"]),
        dirty: strings(&["gone"]),
    };
    assert_eq!(decision, expected);
}

#[test]
fn methods_become_operations() {
    use VolumeKindDocument::{Block, Filesystem};
    let table = [
        (Block, InitMethod::None, Some(None)),
        (Block, InitMethod::Dd, Some(Some(Operation::Zero))),
        (
            Block,
            InitMethod::HeaderCleanup,
            Some(Some(Operation::ZeroHeader)),
        ),
        (
            Block,
            InitMethod::Blkdiscard,
            Some(Some(Operation::Discard)),
        ),
        (
            Block,
            InitMethod::BlkdiscardWithHeaderCleanup,
            Some(Some(Operation::DiscardAndZeroHeader)),
        ),
        (Block, InitMethod::DeleteFiles, None),
        (Filesystem, InitMethod::None, Some(None)),
        (
            Filesystem,
            InitMethod::DeleteFiles,
            Some(Some(Operation::DeleteFiles)),
        ),
        (Filesystem, InitMethod::Dd, None),
    ];
    for (kind, method, expected) in table {
        let operation = initialisation(&volume(kind, method)).ok();
        assert_eq!(operation, expected, "{method:?} of {kind:?}");
    }
}

#[test]
fn a_method_that_does_not_fit_is_named() {
    let error = initialisation(&volume(VolumeKindDocument::Filesystem, InitMethod::Dd));
    assert_eq!(
        error.unwrap_err().to_string(),
        "dd does not fit volume v, which is a file system"
    );
}

#[test]
fn a_volume_without_a_claim_is_refused_and_others_need_none() {
    let mut document = document();
    document.volumes = vec![volume(VolumeKindDocument::Other, InitMethod::DeleteFiles)];
    let decision = decide(&document, None, &BTreeMap::new());
    assert_eq!(decision, Ok(Decision::default()));

    document.volumes = vec![volume(VolumeKindDocument::Block, InitMethod::None)];
    let refused = decide(&document, None, &BTreeMap::new());
    let volume = "v".to_owned();
    assert_eq!(refused, Err(VolumeError::NoClaim { volume }));
}
