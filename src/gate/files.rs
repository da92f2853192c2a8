//! Reading small files that a command may have put anything in the place of.
//! Knows nothing of what they hold.

use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A file's content, at most `most` bytes; `None` where there is no file or a folder. A pipe is not waited for, a
/// device not read.
///
/// # Errors
/// Why it cannot be read whole, as a fragment.
pub(super) fn small(path: &Path, most: u64) -> Result<Option<Vec<u8>>, String> {
    let mut options = std::fs::OpenOptions::new();
    let opened = options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let kind = file.metadata().map_err(|error| error.to_string())?;
    if kind.is_dir() {
        return Ok(None);
    }
    if !kind.is_file() {
        return Err("it is not a plain file: remove it".into());
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > most {
        return Err(format!("it is larger than {most} bytes"));
    }
    Ok(Some(bytes))
}
