//! The definition in `crds/` is the one that the types give, and small enough for plain `kubectl apply`.

use aerospike_operator::api::crd;

/// `kubectl apply` keeps the object in an annotation, and annotations hold 256 KiB.
const LIMIT: usize = 220 << 10;

#[test]
fn the_definition_on_file_is_that_of_the_types() {
    let file = include_str!("../crds/aerospikeclusters.asdb.aerospike.com.yaml");
    assert!(
        file == crd::yaml(),
        "crds/ is stale: run `make crds` and commit the result"
    );
}

#[test]
fn the_definition_fits_into_an_annotation() {
    assert!(crd::yaml().len() < LIMIT);
}
