//! The pages in `docs` are those that the rules, the types and the parameter table give.

use std::path::Path;

use aerospike_operator::docs;

#[test]
fn no_page_is_stale() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let (there, pages) = (docs::there(&folder).unwrap(), docs::pages());
    let mut stale: Vec<_> = pages
        .iter()
        .filter(|(path, text)| there.get(*path) != Some(text))
        .map(|(path, _)| path)
        .collect();
    stale.extend(there.keys().filter(|path| !pages.contains_key(*path)));
    assert!(
        stale.is_empty(),
        "run `make pages` and commit the result: {stale:?}"
    );
}
