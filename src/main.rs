//! Command line.

fn main() {
    let crd = aerospike_operator::api::crd::aerospike_cluster();
    println!("{crd}");
}
