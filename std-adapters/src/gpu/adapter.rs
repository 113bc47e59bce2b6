//! Adapters: which there are, what they allow, and one of them opened.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::Error;
use super::kernel::Source;

/// What kind of device an adapter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A card with memory of its own.
    Discrete,
    /// A GPU that shares the CPU's memory.
    Integrated,
    /// A GPU inside a virtual machine.
    Virtual,
    /// Software on the CPU, for tests.
    Software,
    /// Something else.
    Other,
}

impl Kind {
    /// The kind in one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Discrete => "discrete",
            Self::Integrated => "integrated",
            Self::Virtual => "virtual",
            Self::Software => "software",
            Self::Other => "other",
        }
    }
}

/// An adapter and its limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// Its name, as the driver gives it.
    pub name: String,
    /// The driver and its version.
    pub driver: String,
    /// What kind of device it is.
    pub kind: Kind,
    /// The largest buffer, in bytes.
    pub largest_buffer: u64,
    /// The largest piece of a buffer that a kernel can see at once, in bytes. Longer arrays are split.
    pub largest_binding: u64,
    /// Memory that the invocations of a workgroup share, in bytes.
    pub workgroup_memory: u32,
    /// Workgroups along one dimension of a dispatch.
    pub workgroups: u32,
}

/// Which adapter to open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// A part of its name, in any case; `None` takes the first card, or the first that there is.
    pub name: Option<String>,
    /// Whether software on the CPU will do. Default: no, unless the environment has `SOUTHWELL_SOFTWARE_GPU=1`
    /// ([`from_environment`](Choice::from_environment)).
    pub software: bool,
    /// A smaller limit on bindings than the adapter's own, in bytes, to try what a small device would do.
    pub largest_binding: Option<u64>,
}

impl Choice {
    /// The default, with `software` from `SOUTHWELL_SOFTWARE_GPU`.
    #[must_use]
    pub fn from_environment() -> Self {
        let software = std::env::var("SOUTHWELL_SOFTWARE_GPU").is_ok_and(|value| value == "1");
        Self { software, ..Self::default() }
    }
}

fn instance() -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN;
    wgpu::Instance::new(descriptor)
}

fn found() -> Vec<wgpu::Adapter> {
    pollster::block_on(instance().enumerate_adapters(wgpu::Backends::VULKAN))
}

fn described(adapter: &wgpu::Adapter) -> Adapter {
    let (info, limits) = (adapter.get_info(), adapter.limits());
    Adapter {
        name: info.name,
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
        kind: match info.device_type {
            wgpu::DeviceType::DiscreteGpu => Kind::Discrete,
            wgpu::DeviceType::IntegratedGpu => Kind::Integrated,
            wgpu::DeviceType::VirtualGpu => Kind::Virtual,
            wgpu::DeviceType::Cpu => Kind::Software,
            wgpu::DeviceType::Other => Kind::Other,
        },
        largest_buffer: limits.max_buffer_size,
        largest_binding: limits.max_storage_buffer_binding_size,
        workgroup_memory: limits.max_compute_workgroup_storage_size,
        workgroups: limits.max_compute_workgroups_per_dimension,
    }
}

/// The adapters of this machine; empty without a driver.
#[must_use]
pub fn adapters() -> Vec<Adapter> {
    found().iter().map(described).collect()
}

/// The index of the adapter that a choice means.
fn pick(choice: &Choice, adapters: &[Adapter]) -> Result<usize, Error> {
    let wanted = choice.name.as_ref().map(|name| name.to_lowercase());
    let named = |adapter: &Adapter| wanted.as_ref().is_none_or(|w| adapter.name.to_lowercase().contains(w));
    let rank = |kind| match kind {
        Kind::Discrete => 0,
        Kind::Virtual => 1,
        Kind::Integrated => 2,
        Kind::Other => 3,
        Kind::Software => 4,
    };
    let candidates = adapters.iter().enumerate().filter(|(_, adapter)| named(adapter));
    // The first of the best kind: `min_by_key` keeps the first of equals.
    match (candidates.min_by_key(|(_, adapter)| rank(adapter.kind)), &choice.name) {
        (None, None) => Err(Error::NoAdapter),
        (None, Some(name)) => Err(Error::NoSuchAdapter {
            name: name.clone(),
            have: adapters.iter().map(|adapter| adapter.name.clone()).collect(),
        }),
        (Some((_, adapter)), _) if adapter.kind == Kind::Software && !choice.software => {
            Err(Error::SoftwareOnly { name: adapter.name.clone() })
        }
        (Some((index, _)), _) => Ok(index),
    }
}

/// What the driver has complained of since it was last asked.
type Complaint = Arc<Mutex<Option<Error>>>;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An open device: its queue, its limits, and the kernels that were compiled for it.
#[derive(Debug)]
pub struct Device {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    adapter: Adapter,
    complaint: Complaint,
    lost: Arc<Mutex<Option<String>>>,
    pipelines: Mutex<HashMap<(&'static str, &'static str), wgpu::ComputePipeline>>,
    /// Submissions before the device is lost on purpose; `u32::MAX`: never.
    until_loss: AtomicU32,
}

impl Device {
    /// Opens an adapter with all that it allows.
    ///
    /// # Errors
    /// [`Error::NoAdapter`], [`Error::NoSuchAdapter`], [`Error::SoftwareOnly`]; [`Error::Driver`] if it cannot be
    /// opened.
    pub fn open(choice: &Choice) -> Result<Self, Error> {
        let mut found = found();
        let described: Vec<Adapter> = found.iter().map(described).collect();
        let index = pick(choice, &described)?;
        let (handle, mut adapter) = (found.swap_remove(index), described[index].clone());
        // Nothing is granted that is not asked for.
        let descriptor = wgpu::DeviceDescriptor { required_limits: handle.limits(), ..Default::default() };
        let (device, queue) = pollster::block_on(handle.request_device(&descriptor))
            .map_err(|error| Error::Driver(error.to_string()))?;
        if let Some(limit) = choice.largest_binding {
            adapter.largest_binding = adapter.largest_binding.min(limit);
        }
        let complaint = Complaint::default();
        let heard = Arc::clone(&complaint);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let error = match error {
                wgpu::Error::OutOfMemory { .. } => Error::OutOfMemory { need: 0 },
                error => Error::Driver(error.to_string()),
            };
            // The first complaint is the cause of the others.
            locked(&heard).get_or_insert(error);
        }));
        let lost = Arc::<Mutex<Option<String>>>::default();
        let seen = Arc::clone(&lost);
        device.set_device_lost_callback(move |reason, message| {
            locked(&seen).get_or_insert(format!("{reason:?} {message}"));
        });
        let pipelines = Mutex::default();
        Ok(Self { device, queue, adapter, complaint, lost, pipelines, until_loss: AtomicU32::new(u32::MAX) })
    }

    /// The adapter behind it; its `largest_binding` is the one in force.
    #[must_use]
    pub fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    /// Loses the device on purpose after so many further submissions, as a card that is pulled out would be lost:
    /// to try what happens then.
    pub fn lose_after(&self, submissions: u32) {
        self.until_loss.store(submissions, Ordering::Relaxed);
    }

    /// Counts a submission towards the loss on purpose.
    pub(super) fn count_submission(&self) {
        let left = self.until_loss.load(Ordering::Relaxed);
        if left == u32::MAX {
            return;
        }
        if left == 0 {
            self.device.destroy();
            locked(&self.lost).get_or_insert("on purpose".to_owned());
        }
        self.until_loss.store(left.saturating_sub(1), Ordering::Relaxed);
    }

    /// What the driver has complained of, once.
    ///
    /// # Errors
    /// [`Error::Lost`], [`Error::OutOfMemory`], [`Error::Driver`].
    pub(super) fn check(&self) -> Result<(), Error> {
        if let Some(message) = locked(&self.lost).clone() {
            return Err(Error::Lost(message));
        }
        locked(&self.complaint).take().map_or(Ok(()), Err)
    }

    /// A kernel, compiled when it is first asked for.
    pub(super) fn pipeline(
        &self,
        source: Source,
        entry: &'static str,
    ) -> Result<wgpu::ComputePipeline, Error> {
        if let Some(pipeline) = locked(&self.pipelines).get(&(source.name, entry)) {
            return Ok(pipeline.clone());
        }
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(source.name),
            source: wgpu::ShaderSource::Wgsl(source.text.into()),
        });
        let pipeline = self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(entry),
            layout: None,
            module: &module,
            entry_point: Some(entry),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        self.check()?;
        locked(&self.pipelines).insert((source.name, entry), pipeline.clone());
        Ok(pipeline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(name: &str, kind: Kind) -> Adapter {
        Adapter {
            name: name.to_owned(),
            driver: String::new(),
            kind,
            largest_buffer: 1 << 31,
            largest_binding: 1 << 27,
            workgroup_memory: 32768,
            workgroups: 65535,
        }
    }

    #[test]
    fn cards_come_first_and_names_decide() {
        let all = [
            adapter("llvmpipe", Kind::Software),
            adapter("Intel Arc", Kind::Integrated),
            adapter("NVIDIA H100", Kind::Discrete),
            adapter("NVIDIA H200", Kind::Discrete),
        ];
        let choice = |name: Option<&str>, software| Choice {
            name: name.map(str::to_owned),
            software,
            ..Choice::default()
        };
        assert_eq!(pick(&choice(None, false), &all), Ok(2));
        assert_eq!(pick(&choice(Some("h200"), false), &all), Ok(3));
        assert_eq!(pick(&choice(Some("intel"), false), &all), Ok(1));
        assert_eq!(pick(&choice(Some("LLVM"), true), &all), Ok(0));
        let name = "llvmpipe".to_owned();
        assert_eq!(pick(&choice(Some("LLVM"), false), &all), Err(Error::SoftwareOnly { name: name.clone() }));
        assert_eq!(pick(&choice(None, false), &all[..1]), Err(Error::SoftwareOnly { name: name.clone() }));
        assert_eq!(pick(&choice(None, true), &[]), Err(Error::NoAdapter));
        let error = pick(&choice(Some("amd"), true), &all[..1]);
        assert_eq!(error, Err(Error::NoSuchAdapter { name: "amd".to_owned(), have: vec![name] }));
    }
}
