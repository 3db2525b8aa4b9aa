use simulator::fleet::{Fleet, Launch, Namespace, Stop, Storage};
use std::time::Instant;
fn main() {
    let mut f = Fleet::new(1).with_partitions(256);
    for n in 1..=6u64 {
        f.start(
            &format!("node-{n}"),
            &Launch::new(n).namespace(Namespace::new("ns0").on(Storage::device(&format!("d{n}")))),
        )
        .unwrap();
    }
    let t = Instant::now();
    f.advance(5000);
    println!("form 6: {:?}", t.elapsed());
    let t = Instant::now();
    for _ in 0..100 {
        f.advance(2000);
    }
    println!("calm 100x2s: {:?}", t.elapsed());
    for c in [
        "build",
        "cluster-stable:size=6",
        "statistics",
        "namespace/ns0",
        "get-config:context=namespace;namespace=ns0",
        "quiesce-undo:",
    ] {
        let t = Instant::now();
        for _ in 0..100 {
            let _ = f.info("node-2", c);
        }
        println!("{c}: {:?} each", t.elapsed() / 100);
    }
    let t = Instant::now();
    f.stop("node-3", Stop::Clean);
    println!("stop {:?}", t.elapsed());
    for _ in 0..10 {
        let t = Instant::now();
        f.advance(500);
        println!("500ms: {:?}", t.elapsed());
    }
}
