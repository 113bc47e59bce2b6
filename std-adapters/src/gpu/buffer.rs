//! Device memory: sizes foretold, arrays moved in pieces.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::adapter::Device;
use super::error::Error;

/// Bytes that are converted or mapped at once.
const PIECE: usize = 1 << 24;
/// A device that has not answered by then is lost.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);

/// Bytes of so many 32-bit numbers.
pub(super) fn bytes(numbers: usize) -> u64 {
    (numbers as u64).saturating_mul(4)
}

impl Device {
    /// Refuses an array that no kernel could see as a whole.
    pub(super) fn check_binding(&self, what: &'static str, numbers: usize) -> Result<(), Error> {
        let (need, adapter) = (bytes(numbers), self.adapter());
        let have = adapter.largest_binding.min(adapter.largest_buffer);
        if need <= have { Ok(()) } else { Err(Error::LimitTooSmall { what, need, have }) }
    }

    /// 32-bit numbers that one binding can hold.
    pub(super) fn binding_len(&self) -> usize {
        let adapter = self.adapter();
        usize::try_from(adapter.largest_binding.min(adapter.largest_buffer) / 4).unwrap_or(usize::MAX)
    }

    /// A zeroed array of 32-bit numbers, at least four of them.
    pub(super) fn array(&self, what: &'static str, numbers: usize) -> Result<wgpu::Buffer, Error> {
        self.check_binding(what, numbers)?;
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
        self.buffer(what, numbers, usage)
    }

    /// Parameters that every invocation reads.
    pub(super) fn uniform(&self, words: &[u32]) -> Result<wgpu::Buffer, Error> {
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let buffer = self.buffer("parameters", words.len().next_multiple_of(4), usage)?;
        self.write(&buffer, 0, words.iter().map(|word| word.to_ne_bytes()))?;
        Ok(buffer)
    }

    /// Memory that the host can map to read.
    pub(super) fn staging(&self, numbers: usize) -> Result<wgpu::Buffer, Error> {
        self.buffer("staging", numbers, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST)
    }

    fn buffer(
        &self,
        label: &'static str,
        numbers: usize,
        usage: wgpu::BufferUsages,
    ) -> Result<wgpu::Buffer, Error> {
        let size = bytes(numbers.max(4));
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size,
            usage,
            mapped_at_creation: false,
        });
        self.check().map_err(|error| match error {
            Error::OutOfMemory { .. } => Error::OutOfMemory { need: size },
            error => error,
        })?;
        Ok(buffer)
    }

    /// Writes numbers from position `at` on.
    pub(super) fn write(
        &self,
        buffer: &wgpu::Buffer,
        at: usize,
        words: impl Iterator<Item = [u8; 4]>,
    ) -> Result<(), Error> {
        let mut piece = Vec::new();
        let mut offset = bytes(at);
        for word in words {
            piece.extend_from_slice(&word);
            if piece.len() >= PIECE {
                self.queue.write_buffer(buffer, offset, &piece);
                offset += piece.len() as u64;
                piece.clear();
                // The queue keeps what was written until it is submitted.
                self.queue.submit([]);
            }
        }
        if !piece.is_empty() {
            self.queue.write_buffer(buffer, offset, &piece);
        }
        self.check()
    }

    /// Writes `f32` numbers from position `at` on.
    pub(super) fn upload(&self, buffer: &wgpu::Buffer, at: usize, values: &[f32]) -> Result<(), Error> {
        self.write(buffer, at, values.iter().map(|value| value.to_ne_bytes()))
    }

    /// Reads `len` numbers from position `at` on. Waits for everything that was submitted.
    pub(super) fn download(&self, buffer: &wgpu::Buffer, at: usize, len: usize) -> Result<Vec<f32>, Error> {
        let mut out = Vec::with_capacity(len);
        let staging = self.staging(len.min(PIECE / 4))?;
        while out.len() < len {
            let count = (len - out.len()).min(PIECE / 4);
            let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            encoder.copy_buffer_to_buffer(buffer, bytes(at + out.len()), &staging, 0, bytes(count));
            let index = self.submit(encoder)?;
            let (sender, receiver) = mpsc::channel();
            staging.map_async(wgpu::MapMode::Read, ..bytes(count), move |result| {
                let _ = sender.send(result.is_ok());
            });
            self.read(&staging, count, index, &receiver, &mut out)?;
        }
        Ok(out)
    }

    /// Bytes read and written a second by a copy of so many numbers from one place on the device to another: what
    /// its memory can do, to compare kernels with. Cost: a fraction of a second.
    ///
    /// # Errors
    /// [`Error::LimitTooSmall`], [`Error::OutOfMemory`], [`Error::Lost`].
    pub fn copy_bandwidth(&self, numbers: usize) -> Result<f64, Error> {
        /// Copies of a run; the fastest of so many runs counts.
        const COPIES: usize = 10;
        const RUNS: usize = 5;
        let (from, to) = (self.array("a copy", numbers)?, self.array("a copy", numbers)?);
        let mut best = f64::INFINITY;
        for _ in 0..=RUNS {
            let mut encoder = self.encoder();
            (0..COPIES).for_each(|_| encoder.copy_buffer_to_buffer(&from, 0, &to, 0, bytes(numbers)));
            let start = Instant::now();
            let index = self.submit(encoder)?;
            let wait = wgpu::PollType::Wait { submission_index: Some(index), timeout: Some(PATIENCE) };
            self.device.poll(wait).map_err(|error| Error::Lost(error.to_string()))?;
            best = best.min(start.elapsed().as_secs_f64());
        }
        Ok(2.0 * bytes(numbers) as f64 * COPIES as f64 / best)
    }

    /// Submits commands.
    pub(super) fn submit(&self, encoder: wgpu::CommandEncoder) -> Result<wgpu::SubmissionIndex, Error> {
        self.count_submission();
        self.check()?;
        let index = self.queue.submit([encoder.finish()]);
        self.check()?;
        Ok(index)
    }

    /// Waits for a mapping that was asked for, appends its numbers to `out` and unmaps.
    pub(super) fn read(
        &self,
        staging: &wgpu::Buffer,
        count: usize,
        index: wgpu::SubmissionIndex,
        mapped: &mpsc::Receiver<bool>,
        out: &mut Vec<f32>,
    ) -> Result<(), Error> {
        let wait = wgpu::PollType::Wait { submission_index: Some(index), timeout: Some(PATIENCE) };
        let polled = self.device.poll(wait);
        self.check()?;
        polled.map_err(|error| Error::Lost(error.to_string()))?;
        // The callback has run by then, or never will.
        if mapped.try_recv() != Ok(true) {
            return Err(Error::Lost("its memory could not be read".to_owned()));
        }
        let view =
            staging.get_mapped_range(..bytes(count)).map_err(|error| Error::Driver(error.to_string()))?;
        let words = view.chunks_exact(4).filter_map(|word| word.try_into().ok());
        out.extend(words.map(f32::from_ne_bytes));
        drop(view);
        staging.unmap();
        self.check()
    }
}
