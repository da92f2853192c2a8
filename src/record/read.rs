//! Reading the log for people and programs: line by line, forwards, from anywhere, whatever state it is in.
//! Checks nothing: that is `verify`.

use super::LogError;
use super::plain::open_log;
use super::scan::record_at;
use crate::event::line::{self, LONGEST, Line, Malformed, Seal};
use rustix::fs::OFlags;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

/// One line of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The line as it stands, without its newline; a torn or foreign line is cut at 16 KiB.
    pub text: Vec<u8>,
    /// The bytes before the seal, read back, and the seal; `None`: not a record.
    pub record: Option<(Result<Line, Malformed>, Seal)>,
}

impl Item {
    fn new(text: Vec<u8>) -> Item {
        let record = line::split(&text).map(|(body, seal)| (line::parse(body), seal));
        Item { text, record }
    }
}

/// A log being read.
#[derive(Debug)]
pub struct Reader {
    input: BufReader<File>,
    log: PathBuf,
}

impl Reader {
    /// From the beginning.
    pub fn open(log: &Path) -> Result<Reader, LogError> {
        let file = File::from(open_log(log, OFlags::RDONLY, 0)?);
        Ok(Reader { input: BufReader::with_capacity(256 * 1024, file), log: log.to_owned() })
    }

    /// From the line that begins the last `count` lines.
    pub fn last(log: &Path, count: usize) -> Result<Reader, LogError> {
        let mut reader = Reader::open(log)?;
        let failed = |e| LogError::system("read", log, e);
        let file = reader.input.get_mut();
        let size = file.seek(SeekFrom::End(0)).map_err(failed)?;
        let (mut at, mut lines, mut begin) = (size, 0, 0);
        let mut block = Vec::new();
        'blocks: while at > 0 {
            let from = at.saturating_sub(64 * 1024);
            file.seek(SeekFrom::Start(from)).map_err(failed)?;
            block.clear();
            file.take(at - from).read_to_end(&mut block).map_err(failed)?;
            for (i, _) in block.iter().enumerate().rev().filter(|(_, b)| **b == b'\n') {
                let next = from + i as u64 + 1;
                if next < size {
                    lines += 1;
                    if lines == count {
                        begin = next;
                        break 'blocks;
                    }
                }
            }
            at = from;
        }
        let begin = if count == 0 { size } else { begin };
        reader.input.seek(SeekFrom::Start(begin)).map_err(failed)?;
        Ok(reader)
    }

    /// The next line that is ended by a newline; `None` at the end of the log, where more may come later.
    pub fn next_line(&mut self) -> Result<Option<Item>, LogError> {
        let mut text = Vec::new();
        let mut taken = 0u64;
        loop {
            let failed = |e| LogError::system("read", &self.log, e);
            let buffer = self.input.fill_buf().map_err(failed)?;
            if buffer.is_empty() {
                // An unended line is left for later.
                self.input.seek_relative(-i64::try_from(taken).unwrap_or(0)).map_err(failed)?;
                return Ok(None);
            }
            let end = buffer.iter().position(|b| *b == b'\n');
            let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
            let room = LONGEST.saturating_sub(text.len()).min(part.len());
            text.extend_from_slice(part.get(..room).unwrap_or_default());
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            taken += used as u64;
            if end.is_some() {
                return Ok(Some(Item::new(text)));
            }
        }
    }
}

/// Record `seq`, found without reading the whole log.
pub fn find_record(log: &Path, seq: u64) -> Result<Option<Item>, LogError> {
    let file = File::from(open_log(log, OFlags::RDONLY, 0)?);
    let size = file.metadata().map_err(|e| LogError::system("look at", log, e))?.len();
    Ok(record_at(file.as_fd(), log, seq, size)?.map(Item::new))
}
