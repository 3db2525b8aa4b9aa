use super::*;

const MIB: usize = 1 << 20;

fn on(operation: Operation, path: &Path) -> Result<(), DiskError> {
    operation.on(path, &AtomicBool::new(false))
}

/// What is left of a file of `size` bytes that holds ones, after `operation`.
fn after(operation: Operation, size: usize) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device");
    fs::write(&path, vec![1; size]).unwrap();
    on(operation, &path).unwrap();
    fs::read(path).unwrap()
}

fn header_zeroed(size: usize) -> Vec<u8> {
    let mut expected = vec![1; size];
    expected[..size.min(8 * MIB)].fill(0);
    expected
}

#[test]
fn zeros_go_to_the_end_and_no_further() {
    for size in [0, 1, MIB, 3 * MIB + 17] {
        assert!(after(Operation::Zero, size) == vec![0; size], "{size}");
    }
}

#[test]
fn only_eight_mebibytes_are_header() {
    for size in [4096, 8 * MIB, 9 * MIB + 5] {
        assert!(
            after(Operation::ZeroHeader, size) == header_zeroed(size),
            "{size}"
        );
    }
}

#[test]
fn discarded_blocks_read_as_zeros() {
    for operation in [Operation::Discard, Operation::DiscardAndZeroHeader] {
        assert!(
            after(operation, 9 * MIB) == vec![0; 9 * MIB],
            "{operation:?}"
        );
    }
}

#[test]
fn a_device_that_is_always_full_is_done_at_once() {
    on(Operation::Zero, Path::new("/dev/full")).unwrap_or_else(|error| match error {
        // It cannot be flushed; what matters is that writing ended.
        DiskError::Io { what: "flush", .. } => (),
        error => panic!("{error}"),
    });
}

#[test]
fn a_device_that_cannot_discard_is_told_from_one_that_fails() {
    let path = Path::new("/workdir/block-volumes/v");
    let refused = refusal(path, Errno::OPNOTSUPP).to_string();
    assert_eq!(
        refused,
        "the device /workdir/block-volumes/v cannot discard blocks: choose dd or headerCleanup as initMethod, dd as wipeMethod"
    );
    assert!(matches!(refusal(path, Errno::IO), DiskError::Io { .. }));
}

#[test]
fn a_missing_volume_is_an_error_and_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("absent");
    for operation in [
        Operation::Zero,
        Operation::ZeroHeader,
        Operation::Discard,
        Operation::DeleteFiles,
    ] {
        assert!(matches!(on(operation, &path), Err(DiskError::Io { .. })));
    }
    assert!(!path.exists());
}

#[test]
fn files_go_and_folders_and_links_stay() {
    let folder = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("kept"), "").unwrap();
    fs::create_dir_all(folder.path().join("a/b")).unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    fs::write(folder.path().join("a/b/file"), "").unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();

    on(Operation::DeleteFiles, folder.path()).unwrap();

    assert!(!folder.path().join("file").exists());
    assert!(!folder.path().join("a/b/file").exists());
    assert!(folder.path().join("a/b").is_dir());
    assert!(folder.path().join("link").is_symlink());
    assert!(outside.path().join("kept").exists());
}

#[test]
fn work_stops_when_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device");
    fs::write(&path, [1; 10]).unwrap();
    let stopped = Operation::Zero.on(&path, &AtomicBool::new(true));
    assert!(matches!(stopped, Err(DiskError::Stopped { .. })));
    assert_eq!(fs::read(path).unwrap(), [1; 10]);
}

fn job(volume: &str) -> Job {
    Job {
        volume: volume.to_owned(),
        path: volume.into(),
        operation: Operation::Zero,
    }
}

#[tokio::test]
async fn all_jobs_are_carried_out_whatever_the_number_of_threads() {
    for threads in [0, 1, 3] {
        let folder = tempfile::tempdir().unwrap();
        let names = ["a", "b", "c", "d"];
        for name in names {
            fs::write(folder.path().join(name), "data").unwrap();
        }
        let jobs = names.map(job).to_vec();
        carry_out(folder.path(), jobs, threads).await.unwrap();
        for name in names {
            assert_eq!(fs::read(folder.path().join(name)).unwrap(), [0; 4]);
        }
    }
}

#[tokio::test]
async fn after_a_failure_no_other_volume_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("b"), "data").unwrap();
    let jobs = vec![job("absent"), job("b")];
    let failed = carry_out(folder.path(), jobs, 1).await;
    assert!(matches!(failed, Err(DiskError::Io { what: "open", .. })));
    assert_eq!(fs::read(folder.path().join("b")).unwrap(), b"data");
}
