//! Builders of the Kubernetes objects of a cluster. Pure: they get everything and read nothing.

pub mod init_document;
