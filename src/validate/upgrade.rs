//! A manifest with another version of the server: what an upgrade would be.

use serde_json::{Value, json};

use crate::resolve::image::Version;

/// Reads a version that an image's tag can hold.
///
/// # Errors
///
/// If it is none.
pub fn version(text: &str) -> Result<String, String> {
    let is_tag = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    match Version::parse(text) {
        Some(_) if is_tag => Ok(text.to_owned()),
        _ => Err("expected a version such as 8.1.2.0".to_owned()),
    }
}

/// `object` with the image of `version` in the place of its own, of the same edition from the same place.
#[must_use]
pub fn with_version(object: &Value, version: &str) -> Value {
    let mut object = object.clone();
    if let Some(image) = object.pointer_mut("/spec/image")
        && let Some(text) = image.as_str()
        && !text.is_empty()
    {
        *image = json!(format!("{}:{version}", untagged(text)));
    }
    object
}

/// An image's name without tag and digest. A colon before the last slash is that of a port.
fn untagged(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or(image);
    match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tag_and_digest_of_the_image_are_replaced() {
        let image = |image: &str| {
            let object = with_version(&json!({"spec": {"image": image, "size": 1}}), "8.1.2.0");
            assert_eq!(object["spec"]["size"], 1);
            object["spec"]["image"].as_str().unwrap().to_owned()
        };
        assert_eq!(image("a/server:7.0.0"), "a/server:8.1.2.0");
        assert_eq!(image("host:5000/a/server"), "host:5000/a/server:8.1.2.0");
        assert_eq!(
            image("host:5000/server:7.0.0_1@sha256:00"),
            "host:5000/server:8.1.2.0"
        );
        assert_eq!(image(""), "");
        for object in [json!({}), json!([]), json!({"spec": {"image": 7}})] {
            assert_eq!(with_version(&object, "8.1.2.0"), object);
        }
    }

    #[test]
    fn a_version_has_numbers() {
        assert_eq!(version("8.1.2.0-rc1"), Ok("8.1.2.0-rc1".to_owned()));
        for text in ["", "8", "latest", "8.1:2", "8.1.2/x", "8.1-ä"] {
            assert!(version(text).is_err(), "{text}");
        }
    }
}
