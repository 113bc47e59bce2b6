//! Rows of a file, block after block; while one is used, the next is read.

use std::collections::VecDeque;
use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

use super::source::{Order, Source};
use super::{Element, Fault};
use crate::files::FileError;

/// Bytes of a block in memory: small enough for the second cache, large enough that asking for it costs nothing.
const BLOCK: usize = 1 << 20;

/// Blocks that are asked for while one is used: with one alone the thread would wait for each request.
const AHEAD: usize = 2;

/// How far a pass over a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Passes that have begun, this one among them; the first is that of opening.
    pub pass: u64,
    /// Rows of this pass that have been used.
    pub row: usize,
    /// Rows of the file.
    pub rows: usize,
}

type Watcher = Box<dyn Fn(&Reading) -> ControlFlow<()> + Send + Sync>;

/// The rows of a NumPy file, each read when it is needed.
///
/// This is what the views of this module share; it serves a caller's own view of a file as well.
pub struct Rows<T: Element> {
    source: Arc<Source>,
    block: usize,
    ahead: Mutex<Ahead<T>>,
    fault: OnceLock<Fault>,
    passes: AtomicU64,
    watcher: Option<Watcher>,
}

impl<T: Element> fmt::Debug for Rows<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("source", &self.source)
            .field("block", &self.block)
            .finish_non_exhaustive()
    }
}

/// A block: its first row, and what was read.
type Block<T> = (usize, Result<Vec<T>, Fault>);

/// The thread that reads, the block in hand and the one that was asked for.
struct Ahead<T> {
    requests: Option<Sender<(usize, Vec<T>)>>,
    replies: Receiver<Block<T>>,
    thread: Option<JoinHandle<()>>,
    /// First row of the block in hand, if there is one.
    first: Option<usize>,
    values: Vec<T>,
    spare: Vec<Vec<T>>,
    /// First rows of the blocks on their way, in order.
    asked: VecDeque<usize>,
    /// The row that was handed out last, by itself.
    last: Option<usize>,
}

impl<T: Element> Rows<T> {
    /// Opens a file of two axes and more in C order: a row is all that shares the first index.
    ///
    /// # Errors
    /// [`FileError::Npy`] for a header that is none, another order, and a length other than the header's;
    /// [`FileError::Io`]. No element has been looked at.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        Self::with_order(path.as_ref(), Order::Rows)
    }

    /// Opens a matrix in Fortran order: a row here is a column of the matrix.
    ///
    /// # Errors
    /// As [`open`](Rows::open).
    pub fn open_columns(path: impl AsRef<Path>) -> Result<Self, FileError> {
        Self::with_order(path.as_ref(), Order::Columns)
    }

    fn with_order(path: &Path, order: Order) -> Result<Self, FileError> {
        let source = Arc::new(Source::open(path, order)?);
        let block = rows_of::<T>(&source, BLOCK);
        let ahead =
            Ahead::start(Arc::clone(&source), block).map_err(|error| FileError::from(error).at(path))?;
        Ok(Self {
            source,
            block,
            ahead: Mutex::new(ahead),
            fault: OnceLock::new(),
            passes: AtomicU64::new(0),
            watcher: None,
        })
    }

    /// With blocks of another size than a megabyte, a row at least. No result depends on it.
    ///
    /// # Errors
    /// [`FileError::Io`] if no thread can be had.
    pub fn in_blocks_of(self, bytes: usize) -> Result<Self, FileError> {
        let block = rows_of::<T>(&self.source, bytes);
        let ahead = Ahead::start(Arc::clone(&self.source), block);
        let ahead = ahead.map_err(|error| FileError::from(error).at(self.path()))?;
        Ok(Self { block, ahead: Mutex::new(ahead), ..self })
    }

    /// With a watcher, called for each block of a pass; where it breaks, the pass ends with [`Fault::Stopped`].
    #[must_use]
    pub fn watched(self, watcher: impl Fn(&Reading) -> ControlFlow<()> + Send + Sync + 'static) -> Self {
        Self { watcher: Some(Box::new(watcher)), ..self }
    }

    /// Rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.source.shape().0
    }

    /// Elements of a row.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.source.shape().1
    }

    /// Lengths of the file's axes, as NumPy says them.
    #[must_use]
    pub fn axes(&self) -> &[usize] {
        self.source.axes()
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.source.path()
    }

    /// Bytes that a pass reads.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.source.row_bytes() as u64 * self.rows() as u64
    }

    /// Bytes of memory that the blocks take, however long the file is.
    #[must_use]
    pub fn memory(&self) -> usize {
        (1 + AHEAD) * self.block * self.columns() * size_of::<T>()
    }

    /// What ended the reading for good, if something did.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.get()
    }

    fn lock(&self) -> MutexGuard<'_, Ahead<T>> {
        // Whoever panicked in the middle of a pass has left blocks behind, and no half of one.
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, fault: Fault) -> Fault {
        self.fault.get_or_init(|| fault).clone()
    }

    /// Shows the watcher how far a pass is.
    pub(super) fn show(&self, row: usize) -> Result<(), Fault> {
        let Some(watcher) = &self.watcher else { return Ok(()) };
        let reading = Reading { pass: self.passes.load(Ordering::Relaxed), row, rows: self.rows() };
        if watcher(&reading).is_break() { Err(Fault::Stopped) } else { Ok(()) }
    }

    /// One pass: calls `each` with the number of the first row of a block, and the block, whole rows in order.
    ///
    /// # Errors
    /// A [`Fault`], and the same one for ever after. The pass has been cut short, or the file changed
    /// meanwhile: what was computed from it is to be thrown away.
    pub fn pass(&self, mut each: impl FnMut(usize, &[T])) -> Result<(), Fault> {
        if let Some(fault) = self.fault() {
            return Err(fault.clone());
        }
        self.passes.fetch_add(1, Ordering::Relaxed);
        let mut ahead = self.lock();
        let rows = self.rows();
        let mut read = || {
            self.source.check()?;
            for first in (0..rows).step_by(self.block) {
                ahead.take(first, self.block, rows)?;
                each(first, &ahead.values);
                self.show(rows.min(first + self.block))?;
            }
            self.source.check()
        };
        read().map_err(|fault| self.fail(fault))
    }

    /// A row, into the front of `out`. Rows in order come by blocks, others by themselves.
    ///
    /// # Errors
    /// As [`pass`](Rows::pass).
    pub fn row(&self, row: usize, out: &mut [T]) -> Result<(), Fault> {
        if let Some(fault) = self.fault() {
            return Err(fault.clone());
        }
        let mut ahead = self.lock();
        let (rows, columns) = self.source.shape();
        let mut read = || {
            if row >= rows {
                return Ok(());
            }
            let start = row - row % self.block;
            let in_hand = ahead.first == Some(start);
            let in_order = row == 0 || ahead.last.is_some_and(|last| last + 1 == row || last == row);
            if !in_hand {
                self.source.check()?;
                if !in_order {
                    let mut single = ahead.spare.pop().unwrap_or_default();
                    let read = self.source.read(row, 1, &mut single);
                    copy(&single, out);
                    ahead.spare.push(single);
                    ahead.last = Some(row);
                    return read;
                }
                if row == 0 {
                    self.passes.fetch_add(1, Ordering::Relaxed);
                }
                self.show(row)?;
                ahead.take(start, self.block, rows)?;
            }
            ahead.last = Some(row);
            copy(ahead.values.get((row - start) * columns..).unwrap_or(&[]), out);
            Ok(())
        };
        read().map_err(|fault| self.fail(fault))
    }
}

/// Rows of a block of about so many bytes.
fn rows_of<T>(source: &Source, bytes: usize) -> usize {
    let (rows, columns) = source.shape();
    (bytes / columns.saturating_mul(size_of::<T>()).max(1)).clamp(1, rows.max(1))
}

fn copy<T: Copy>(from: &[T], to: &mut [T]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = from;
    }
}

impl<T: Element> Ahead<T> {
    fn start(source: Arc<Source>, block: usize) -> std::io::Result<Self> {
        let (requests, orders) = channel::<(usize, Vec<T>)>();
        let (answers, replies) = channel();
        let rows = source.shape().0;
        let work = move || {
            for (first, mut values) in orders {
                let read = source.read(first, block.min(rows.saturating_sub(first)), &mut values);
                if answers.send((first, read.map(|()| values))).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("read ahead".to_owned()).spawn(work)?;
        Ok(Self {
            requests: Some(requests),
            replies,
            thread: Some(thread),
            first: None,
            values: Vec::new(),
            spare: Vec::new(),
            asked: VecDeque::new(),
            last: None,
        })
    }

    fn ask(&mut self, first: usize) {
        let buffer = self.spare.pop().unwrap_or_default();
        if let Some(requests) = &self.requests {
            // A thread that is gone is noticed where its answer is missed.
            let _ = requests.send((first, buffer));
        }
        self.asked.push_back(first);
    }

    /// Takes the next block that comes.
    fn answer(&mut self) -> Result<(), Fault> {
        self.asked.pop_front();
        self.first = None;
        let gone = || Fault::Read {
            path: PathBuf::new(),
            kind: std::io::ErrorKind::Other,
            text: "the thread that reads ahead is gone".to_owned(),
        };
        let (first, values) = self.replies.recv().map_err(|_| gone())?;
        let old = std::mem::replace(&mut self.values, values?);
        self.spare.push(old);
        self.first = Some(first);
        Ok(())
    }

    /// Makes the block that begins at a row the one in hand, and asks for those after it.
    fn take(&mut self, first: usize, block: usize, rows: usize) -> Result<(), Fault> {
        let coming = self.asked.contains(&first);
        if coming || self.first != Some(first) {
            // Whatever is on its way comes first.
            while self.asked.front().is_some_and(|&other| other != first) {
                self.answer()?;
            }
            if self.asked.is_empty() {
                self.ask(first);
            }
            self.answer()?;
        }
        // The first block again after the last: iterations read the file over and over.
        let after = |at: usize| if at + block < rows { at + block } else { 0 };
        while self.asked.len() < AHEAD {
            let next = after(self.asked.back().copied().unwrap_or(first));
            if next == first {
                break;
            }
            self.ask(next);
        }
        Ok(())
    }
}

impl<T> Drop for Ahead<T> {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // It had nothing to say but its answers.
            let _ = thread.join();
        }
    }
}
