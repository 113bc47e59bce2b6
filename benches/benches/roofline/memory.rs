//! Where vectors of a size lie, and what the machine is called.

use std::fmt;
use std::sync::OnceLock;

/// The innermost cache that holds a working set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    L1,
    L2,
    L3,
    Memory,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Place::L1 => "L1",
            Place::L2 => "L2",
            Place::L3 => "L3",
            Place::Memory => "mem",
        })
    }
}

impl Place {
    /// Where `bytes` that are used again and again lie.
    pub(crate) fn of(bytes: usize) -> Self {
        let [l1, l2, l3] = caches();
        match bytes {
            b if b <= l1 => Place::L1,
            b if b <= l2 => Place::L2,
            b if b <= l3 => Place::L3,
            _ => Place::Memory,
        }
    }
}

/// Bytes of the data caches, as Linux tells them; a common machine's elsewhere.
pub(crate) fn caches() -> [usize; 3] {
    static CACHES: OnceLock<[usize; 3]> = OnceLock::new();
    *CACHES.get_or_init(|| {
        let mut sizes = [32 << 10, 512 << 10, 16 << 20];
        for index in 0..8 {
            let read = |name: &str| {
                let file = format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{name}");
                std::fs::read_to_string(file).unwrap_or_default().trim().to_owned()
            };
            let kib = read("size").trim_end_matches('K').parse::<usize>();
            let level = read("level").parse::<usize>();
            if let (Ok(kib), Ok(level), false) = (kib, level, read("type") == "Instruction")
                && let Some(size) = sizes.get_mut(level.wrapping_sub(1))
            {
                *size = kib << 10;
            }
        }
        sizes
    })
}

/// The processor's name, as Linux tells it.
pub(crate) fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        info.lines()
            .find(|line| line.starts_with(name))
            .and_then(|line| line.split(':').nth(1))
            .map_or("unknown", str::trim)
            .to_owned()
    };
    let count = info.lines().filter(|line| line.starts_with("processor")).count();
    format!(
        "{}, family {} model {}, {count} processors",
        field("model name"),
        field("cpu family"),
        field("model\t")
    )
}
