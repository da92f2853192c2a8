//! New content, laid where a transaction keeps it apart until it is judged.
//! Touches nothing of the project.

use crate::action::Node;
use crate::execute::change::{access, attributes};
use sha2::{Digest, Sha256};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Lays `content` into the transaction's folder `upper` as the file `path`, with the attributes of what it replaces, `like`;
/// what it will be with `mode`.
///
/// # Errors
/// Those of the file system.
pub fn lay(upper: &Path, path: &Path, content: &[u8], mode: u32, like: Option<&File>) -> io::Result<Node> {
    let place = upper.join(path);
    if let Some(folder) = place.parent().filter(|folder| *folder != upper) {
        DirBuilder::new().mode(0o700).recursive(true).create(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&place)?;
    file.write_all(content)?;
    if let Some(like) = like {
        attributes(like, &file)?;
        access(like.as_fd(), &file)?;
    }
    Ok(Node::File { len: content.len() as u64, mode, sha256: Sha256::digest(content).into() })
}
