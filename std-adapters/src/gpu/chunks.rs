//! Chunks of steps, looked at with one chunk of lag.
//!
//! A chunk is submitted before the number that the one before it produced is read, so the device has work
//! while the host thinks. The price: a run ends up to two chunks after the one that met the tolerance.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, channel};

use super::adapter::Device;
use super::buffer::bytes;
use super::error::Error;
use super::kernel::{Item, record};

/// A chunk on its way.
#[derive(Debug)]
struct Pending<M> {
    staging: wgpu::Buffer,
    index: wgpu::SubmissionIndex,
    mapped: Receiver<bool>,
    mark: M,
}

/// The chunks that are on their way, each with a mark of the caller's.
#[derive(Debug)]
pub(super) struct Chunks<M> {
    spare: Vec<wgpu::Buffer>,
    pending: VecDeque<Pending<M>>,
    /// Numbers that a look produces.
    len: usize,
}

impl<M> Chunks<M> {
    pub(super) fn new(device: &Device, len: usize) -> Result<Self, Error> {
        let spare = vec![device.staging(len)?, device.staging(len)?];
        Ok(Self { spare, pending: VecDeque::with_capacity(2), len })
    }

    /// Chunks that have not been read.
    pub(super) fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Submits `count` runs of `program` and one of `look`, whose numbers stand in `source` afterwards.
    pub(super) fn submit(
        &mut self,
        device: &Device,
        (program, count): (&[Item], u32),
        look: &[Item],
        source: &wgpu::Buffer,
        mark: M,
    ) -> Result<(), Error> {
        let staging = self.spare.pop().map_or_else(|| device.staging(self.len), Ok)?;
        let mut encoder = device.encoder();
        record(&mut encoder, program, count);
        record(&mut encoder, look, 1);
        encoder.copy_buffer_to_buffer(source, 0, &staging, 0, bytes(self.len));
        let index = device.submit(encoder)?;
        let (sender, mapped) = channel();
        staging.map_async(wgpu::MapMode::Read, ..bytes(self.len), move |result| {
            let _ = sender.send(result.is_ok());
        });
        self.pending.push_back(Pending { staging, index, mapped, mark });
        Ok(())
    }

    /// Waits for the oldest chunk and reads its numbers.
    pub(super) fn take(&mut self, device: &Device) -> Result<Option<(Vec<f32>, M)>, Error> {
        let Some(Pending { staging, index, mapped, mark }) = self.pending.pop_front() else {
            return Ok(None);
        };
        let mut numbers = Vec::with_capacity(self.len);
        device.read(&staging, self.len, index, &mapped, &mut numbers)?;
        self.spare.push(staging);
        Ok(Some((numbers, mark)))
    }
}
