//! Kernels and programs: what is dispatched, in which order.

use super::adapter::Device;
use super::buffer::bytes;
use super::error::Error;

/// A file of kernels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
}

macro_rules! sources {
    ($($constant:ident = $file:literal),* $(,)?) => {
        $(pub(super) const $constant: Source =
            Source { name: $file, text: include_str!(concat!("kernels/", $file, ".wgsl")) };)*
        /// All of them, for the test that validates them.
        #[cfg(test)]
        const ALL: &[Source] = &[$($constant),*];
    };
}

sources! {
    STAR = "star",
    SPARSE = "sparse",
    VECTOR = "vector",
    SCALARS = "scalars",
    STORED = "stored",
    POINTS = "points",
    LINES = "lines",
    MEASURE = "measure",
    GREEDY = "greedy",
}

/// A dispatch, a copy or a filling with zeros.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Run { pipeline: wgpu::ComputePipeline, group: wgpu::BindGroup, workgroups: [u32; 3] },
    Copy { from: wgpu::Buffer, at: usize, to: wgpu::Buffer, onto: usize, len: usize },
    Clear(wgpu::Buffer),
}

impl Device {
    /// A dispatch of a kernel on buffers at their bindings.
    pub(super) fn dispatch(
        &self,
        source: Source,
        entry: &'static str,
        buffers: &[(u32, &wgpu::Buffer)],
        workgroups: [u32; 3],
    ) -> Result<Item, Error> {
        let pipeline = self.pipeline(source, entry)?;
        let bound = buffers.iter().map(|&(binding, buffer)| (binding, buffer.as_entire_binding()));
        let entries: Vec<_> =
            bound.map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
        let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(entry),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &entries,
        });
        self.check()?;
        Ok(Item::Run { pipeline, group, workgroups })
    }

    /// An encoder, to record programs into.
    pub(super) fn encoder(&self) -> wgpu::CommandEncoder {
        self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
    }

    /// Records and submits a program once.
    pub(super) fn run(&self, program: &[Item]) -> Result<(), Error> {
        let mut encoder = self.encoder();
        record(&mut encoder, program, 1);
        self.submit(encoder).map(drop)
    }
}

/// Records a program `times` times. Dispatches in a row share a pass; each sees what those before it wrote.
pub(super) fn record(encoder: &mut wgpu::CommandEncoder, program: &[Item], times: u32) {
    let mut items = (0..times).flat_map(|_| program).peekable();
    while let Some(item) = items.next() {
        match item {
            Item::Copy { from, at, to, onto, len } => {
                encoder.copy_buffer_to_buffer(from, bytes(*at), to, bytes(*onto), bytes(*len));
            }
            Item::Clear(buffer) => encoder.clear_buffer(buffer, 0, None),
            Item::Run { .. } => {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                let mut next = Some(item);
                while let Some(Item::Run { pipeline, group, workgroups: [x, y, z] }) = next {
                    pass.set_pipeline(pipeline);
                    pass.set_bind_group(0, group, &[]);
                    pass.dispatch_workgroups(*x, *y, *z);
                    next = items.next_if(|item| matches!(item, Item::Run { .. }));
                }
            }
        }
    }
}

/// Workgroups for `items` invocations in groups of `size`, `most` at most: kernels stride over the rest.
pub(super) fn workgroups(items: usize, size: usize, most: usize) -> u32 {
    // Far below 2³².
    items.div_ceil(size).clamp(1, most.min(65_535)) as u32
}

#[cfg(test)]
mod tests {
    use wgpu::naga::front::wgsl;
    use wgpu::naga::valid::{Capabilities, ValidationFlags, Validator};

    use super::*;

    /// With no capability beyond plain WebGPU, so that every adapter can run them.
    #[test]
    fn every_kernel_is_valid() {
        for source in ALL {
            let module = wgsl::parse_str(source.text).unwrap_or_else(|error| {
                panic!("{}", error.emit_to_string_with_path(source.text, source.name))
            });
            let mut validator = Validator::new(ValidationFlags::all(), Capabilities::empty());
            validator.validate(&module).unwrap_or_else(|error| panic!("{}: {error:?}", source.name));
            assert!(!module.entry_points.is_empty(), "{}", source.name);
        }
    }

    #[test]
    fn workgroups_cover_the_items_or_stride() {
        let all = [0, 1, 64, 65, 1 << 40].map(|items| workgroups(items, 64, 1024));
        assert_eq!(all, [1, 1, 1, 2, 1024]);
    }
}
