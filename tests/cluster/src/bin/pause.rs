//! Keeps a pod's namespaces open until it is killed, which is how containerd ends it.

fn main() {
    loop {
        std::thread::park();
    }
}
