//! Files of one test, in every type and order that NumPy writes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use southwell_std::on_disk::{Element, Rows};

/// A folder of one test's own, removed at its end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("on-disk-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A file with this header and these elements.
    pub(crate) fn npy(&self, name: &str, header: &str, bytes: &[u8]) -> PathBuf {
        let mut text = header.to_owned();
        while !(10 + text.len() + 1).is_multiple_of(64) {
            text.push(' ');
        }
        text.push('\n');
        let mut content = b"\x93NUMPY\x01\x00".to_vec();
        content.extend((text.len() as u16).to_le_bytes());
        content.extend(text.as_bytes());
        content.extend(bytes);
        let path = self.path(name);
        fs::write(&path, content).expect("a file");
        path
    }

    /// Numbers of a type, in the order that they come in.
    pub(crate) fn array(
        &self,
        name: &str,
        descr: &str,
        fortran: bool,
        shape: &[usize],
        values: &[f64],
    ) -> PathBuf {
        let order = if fortran { "True" } else { "False" };
        let axes: String = shape.iter().map(|axis| format!("{axis}, ")).collect();
        let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({axes}), }}");
        let bytes: Vec<u8> = match descr {
            "<f8" => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            ">f8" => values.iter().flat_map(|v| v.to_be_bytes()).collect(),
            "<f4" => values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect(),
            "<u2" => values.iter().flat_map(|v| (*v as u16).to_le_bytes()).collect(),
            other => panic!("{other}"),
        };
        self.npy(name, &header, &bytes)
    }

    pub(crate) fn matrix(&self, name: &str, rows: usize, columns: usize, values: &[f64]) -> PathBuf {
        self.array(name, "<f8", false, &[rows, columns], values)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Rows in blocks of a few of them.
pub(crate) fn rows<T: Element>(path: &Path) -> Rows<T> {
    Rows::open(path).and_then(|rows| rows.in_blocks_of(1000)).expect("a file")
}

/// Steele, Lea & Flood's SplitMix64, values in [0, 1).
pub(crate) fn random(seed: u64, n: usize) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..n).map(|_| next()).collect()
}

pub(crate) fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

pub(crate) fn uniform(n: usize) -> Vec<f64> {
    vec![1.0 / n as f64; n]
}
