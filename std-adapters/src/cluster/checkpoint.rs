//! Checkpoints that outlive a rank, and can be read by another number of ranks.
//!
//! ```text
//! run.npz            what all ranks know: the step, the size, where the pieces begin, and arrays of the caller's
//! run.npz.40.0.npz   step 40, piece 0: the items of the rank that wrote it
//! run.npz.40.1.npz   …
//! ```
//! Every rank writes its own piece, under a name that no earlier checkpoint has. When all are on the disk, rank 0 writes
//! the common file beside the old one and renames it, which is done or not done, and then removes the older
//! pieces. So a rank that dies at any time leaves a whole checkpoint. All machines must see the same folder.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::keep::{Keep, State};
use super::{Communicator, Fault, Partition, agree};
use crate::files::FileError;
use crate::files::archive::Archive;
use crate::files::npz;

/// The layout of the files.
const FORMAT: f64 = 1.0;

/// Checkpoints of a run.
#[derive(Clone, Copy, Debug)]
pub struct Saving<'a> {
    /// The common file.
    pub path: &'a Path,
    /// A checkpoint every so many steps; 0: none.
    pub every: u32,
    /// Go on from the checkpoint that is there.
    pub resume: bool,
}

/// Keeps the states of a run in checkpoints: one item of a partition is one of the problem.
#[derive(Debug)]
pub struct Files<'a, C: ?Sized> {
    communicator: &'a C,
    partition: Partition,
    saving: Option<Saving<'a>>,
    resumed: Option<u32>,
}

impl<'a, C: Communicator + ?Sized> Files<'a, C> {
    /// Checkpoints of a run whose items are divided so; none without `saving`.
    #[must_use]
    pub fn new(communicator: &'a C, partition: Partition, saving: Option<Saving<'a>>) -> Self {
        Self { communicator, partition, saving, resumed: None }
    }

    /// The step that the run went on from.
    #[must_use]
    pub fn resumed(&self) -> Option<u32> {
        self.resumed
    }
}

impl<C: Communicator + ?Sized> Keep for Files<'_, C> {
    fn every(&self) -> u32 {
        self.saving.map_or(0, |saving| saving.every)
    }

    fn keep(&mut self, state: &State) -> Result<(), Fault> {
        let Some(saving) = self.saving else { return Ok(()) };
        let common: [(&str, &[f64]); 2] = [("identity", &state.identity), ("numbers", &state.numbers)];
        let step = u64::from(state.step);
        save(self.communicator, saving.path, &self.partition, state.width, step, &state.items, &common)
    }

    fn given(&mut self, width: usize, identity: &[f64]) -> Result<Option<State>, Fault> {
        let Some(saving) = self.saving.filter(|saving| saving.resume) else { return Ok(None) };
        let names = ["identity", "numbers"];
        let restored = restore(self.communicator, saving.path, &self.partition, width, &names)?;
        let mut common = restored.common.into_iter();
        let (stored, numbers) = (common.next().unwrap_or_default(), common.next().unwrap_or_default());
        let why = "the checkpoint is of another run: the problem, the method or its options differ";
        agree(self.communicator, if stored == identity { Ok(()) } else { Err(why) })?;
        let (step, items) = (restored.step as u32, restored.x);
        self.resumed = Some(step);
        Ok(Some(State { step, width, items, identity: stored, numbers }))
    }
}

/// What a checkpoint holds, for one rank.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    /// Steps that were done.
    pub step: u64,
    /// The values of this rank's items.
    pub x: Vec<f64>,
    /// The caller's arrays, in the order of the names that were asked for.
    pub common: Vec<Vec<f64>>,
}

fn piece_path(path: &Path, step: u64, piece: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{step}.{piece}.npz"));
    PathBuf::from(name)
}

/// Writes a checkpoint: `width` values an item, and arrays that all ranks have alike. Made by all ranks together.
/// Cost: two reductions; each rank writes what it has.
///
/// # Errors
/// [`Fault::Refused`] if a rank could not write: the checkpoint before is still whole then; those of the
/// communicator.
pub fn save(
    communicator: &(impl Communicator + ?Sized),
    path: &Path,
    partition: &Partition,
    width: usize,
    step: u64,
    x: &[f64],
    common: &[(&str, &[f64])],
) -> Result<(), Fault> {
    let rank = communicator.rank();
    agree(communicator, npz::write_through(&piece_path(path, step, rank), &[("x", x)]))?;
    let finished = if rank == 0 { finish(path, partition, width, step, common) } else { Ok(()) };
    agree(communicator, finished)
}

/// Makes the pieces the checkpoint, and removes those of the one before.
fn finish(
    path: &Path,
    partition: &Partition,
    width: usize,
    step: u64,
    common: &[(&str, &[f64])],
) -> Result<(), FileError> {
    let before = if path.exists() { Common::read(path, &[]).ok() } else { None };
    let mut starts: Vec<f64> = (0..partition.ranks()).map(|r| partition.items_of(r).start as f64).collect();
    starts.push(partition.items() as f64);
    let about = [FORMAT, width as f64, step as f64];
    let mut vectors: Vec<(&str, &[f64])> = vec![("about", &about), ("starts", &starts)];
    vectors.extend(common);
    npz::replace(path, &vectors)?;
    if let Some(before) = before.filter(|before| before.step != step) {
        for piece in 0..before.starts.len().saturating_sub(1) {
            // What cannot be removed costs room on the disk and nothing else.
            let _ = fs::remove_file(piece_path(path, before.step, piece));
        }
    }
    Ok(())
}

/// The common file.
struct Common {
    step: u64,
    width: usize,
    starts: Vec<usize>,
    arrays: Vec<Vec<f64>>,
}

fn damaged(path: &Path, what: &str) -> FileError {
    let source =
        io::Error::new(io::ErrorKind::InvalidData, format!("this is no checkpoint of this run: {what}"));
    FileError::Io { path: Some(path.to_owned()), source }
}

impl Common {
    fn read(path: &Path, names: &[&str]) -> Result<Self, FileError> {
        let mut archive = Archive::open(path)?;
        let mut array = |name: &str| match archive.array(name)? {
            Some(array) => Ok(array.values),
            None => Err(damaged(path, &format!("there is no array `{name}`"))),
        };
        let about = array("about")?;
        let starts: Vec<usize> = array("starts")?.iter().map(|&start| start as usize).collect();
        let &[format, width, step] = &about[..] else {
            return Err(damaged(path, "`about` has another length"));
        };
        if format != FORMAT {
            return Err(damaged(path, "another version of southwell wrote it"));
        }
        if !starts.is_sorted() || starts.len() < 2 || starts[0] != 0 {
            return Err(damaged(path, "`starts` does not increase from 0"));
        }
        let arrays = names.iter().map(|name| array(name)).collect::<Result<_, _>>()?;
        Ok(Self { step: step as u64, width: width as usize, starts, arrays })
    }
}

/// Reads a checkpoint, whatever the number of ranks that wrote it: each rank reads the pieces that overlap its own
/// items. Made by all ranks together. Cost: one reduction.
///
/// # Errors
/// [`Fault::Refused`] if a rank finds no checkpoint, or one of another problem, or of another step than rank 0; those of
/// the communicator.
pub fn restore(
    communicator: &(impl Communicator + ?Sized),
    path: &Path,
    partition: &Partition,
    width: usize,
    names: &[&str],
) -> Result<Restored, Fault> {
    let own = partition.items_of(communicator.rank());
    let restored = agree(communicator, read(path, partition.items(), own, width, names))?;
    let mut first = restored.step.to_le_bytes();
    communicator.broadcast(0, &mut first)?;
    let same = if u64::from_le_bytes(first) == restored.step {
        Ok(())
    } else {
        Err(damaged(path, "this machine holds another step than that of rank 0; all must see one folder"))
    };
    agree(communicator, same)?;
    Ok(restored)
}

fn read(
    path: &Path,
    items: usize,
    own: Range<usize>,
    width: usize,
    names: &[&str],
) -> Result<Restored, FileError> {
    let Common { step, width: stored, starts, arrays } = Common::read(path, names)?;
    if stored != width || starts.last() != Some(&items) {
        return Err(damaged(path, "the problem has another size"));
    }
    let mut x = Vec::with_capacity(own.len() * width);
    for (piece, bounds) in starts.windows(2).enumerate() {
        let (from, to) = (own.start.max(bounds[0]), own.end.min(bounds[1]));
        if from < to {
            let file = piece_path(path, step, piece);
            let [values] = npz::read(&file, ["x"])?;
            if values.len() != (bounds[1] - bounds[0]) * width {
                return Err(damaged(&file, "the piece has another length"));
            }
            x.extend_from_slice(&values[(from - bounds[0]) * width..(to - bounds[0]) * width]);
        }
    }
    Ok(Restored { step, x, common: arrays })
}
