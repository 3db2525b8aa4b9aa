//! What can be written: every field of the custom resource and every parameter of the server, as pages and as a schema for
//! editors. Pure: all of it comes from the definition and from the parameter table.

pub mod editor;
pub mod fields;
pub mod parameters;

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
