//! Lines of a byte stream, counted, without a `String` each.

use std::io::{self, BufRead};

use crate::files::{FileError, LineFault};

/// Bytes of a line that are looked at. The format allows 1024; comments may be of any length, as nothing
/// of them is kept.
pub(super) const MAX_LINE: usize = 4096;

pub(super) struct Lines<R> {
    reader: R,
    length: Option<u64>,
    number: u64,
    consumed: u64,
    current: Current,
    /// Holds a line that does not lie in the reader's buffer as one piece.
    spill: Vec<u8>,
}

/// Where the current line is.
enum Current {
    /// The first bytes of the reader's buffer, the newline not counted.
    Buffer(usize),
    Spill,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R, length: Option<u64>) -> Self {
        Lines { reader, length, number: 0, consumed: 0, current: Current::Spill, spill: Vec::new() }
    }

    /// Bytes of the file so far, this line included.
    pub(super) fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Bytes of the whole file, if known.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// The number of the current line; at the end of the file that of the last one.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// An error on the current line.
    pub(super) fn fault(&self, fault: LineFault) -> FileError {
        self.fault_on(self.number, fault)
    }

    /// An error on another line.
    pub(super) fn fault_on(&self, line: u64, fault: LineFault) -> FileError {
        FileError::Line { path: None, line: line.max(1), fault }
    }

    /// Goes to the next line, whatever it holds; false at the end of the file.
    pub(super) fn advance(&mut self) -> Result<bool, FileError> {
        if let Current::Buffer(end) = self.current {
            self.reader.consume(end + 1);
        }
        self.current = Current::Spill;
        self.spill.clear();
        let buffer = fill(&mut self.reader)?;
        if buffer.is_empty() {
            return Ok(false);
        }
        self.number += 1;
        if let Some(end) = newline(buffer) {
            self.consumed += end as u64 + 1;
            self.current = Current::Buffer(end);
            return Ok(true);
        }
        // The line goes on beyond the buffer, or the file ends without a newline.
        loop {
            let buffer = fill(&mut self.reader)?;
            let end = newline(buffer);
            let text = &buffer[..end.unwrap_or(buffer.len())];
            let keep = text.len().min(MAX_LINE + 1 - self.spill.len());
            self.spill.extend_from_slice(&text[..keep]);
            let used = text.len() + usize::from(end.is_some());
            self.consumed += used as u64;
            self.reader.consume(used);
            if end.is_some() || used == 0 {
                return Ok(true);
            }
        }
    }

    /// Goes to the next line that is neither blank nor, before the sizes, a comment.
    pub(super) fn advance_to_content(&mut self, comments: bool) -> Result<bool, FileError> {
        while self.advance()? {
            let text = self.text()?;
            let long = text.len() > MAX_LINE;
            match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
                Some(b'%') if comments => {}
                Some(b'%') => return Err(self.fault(LineFault::LateComment)),
                _ if long => return Err(self.fault(LineFault::LongLine)),
                Some(_) => return Ok(true),
                None => {}
            }
        }
        Ok(false)
    }

    /// The current line, at most one byte more than a line may have.
    #[inline]
    pub(super) fn text(&mut self) -> Result<&[u8], FileError> {
        match self.current {
            // The buffer holds the line already, so nothing is read here.
            Current::Buffer(end) => Ok(&fill(&mut self.reader)?[..end.min(MAX_LINE + 1)]),
            Current::Spill => Ok(&self.spill),
        }
    }
}

fn newline(buffer: &[u8]) -> Option<usize> {
    buffer.iter().position(|&byte| byte == b'\n')
}

/// `fill_buf`, called again if a signal came in between.
#[inline]
fn fill<R: BufRead>(reader: &mut R) -> Result<&[u8], FileError> {
    loop {
        match reader.fill_buf() {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    // Asked again, because a loop that returns the borrow does not pass the borrow checker. A reader
    // with something in its buffer answers at once; at the end it is asked for more a second time.
    Ok(reader.fill_buf()?)
}
