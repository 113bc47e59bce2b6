//! The entries of the sparse system.

use southwell_simd::csr;

use crate::cluster::rows::view;

/// Powers of two below the largest entry of a row that a choice tells apart.
const BINADES: usize = 64;

/// The large entries of the coupling in this rank's rows.
#[derive(Debug, Default)]
pub(super) struct Pattern {
    pub(super) offsets: Vec<u32>,
    pub(super) columns: Vec<u32>,
    pub(super) values: Vec<f64>,
}

impl Pattern {
    pub(super) fn begin(&mut self) {
        self.offsets.clear();
        self.offsets.push(0);
        self.columns.clear();
        self.values.clear();
    }

    /// Keeps the large entries of a row, given its sum and its largest.
    pub(super) fn row(&mut self, p: &[f64], sum: f64, largest: f64, dropped: f64, most: usize) {
        if sum > 0.0 && largest.is_finite() {
            let (mut mass, mut count) = ([0.0_f64; BINADES], [0_usize; BINADES]);
            // The power of two by which an entry is smaller than the largest.
            let binade = |p: f64| {
                let ratio = (p / largest).to_bits() >> 52;
                (1023_u64.saturating_sub(ratio) as usize).min(BINADES - 1)
            };
            for &p in p.iter().filter(|p| **p > 0.0) {
                let at = binade(p);
                mass[at] += p;
                count[at] += 1;
            }
            // The smallest entries go while their mass does not matter, and then those beyond the budget.
            let (mut kept, mut gone) = (BINADES, 0.0);
            while kept > 1 && gone + mass[kept - 1] <= dropped * sum {
                gone += mass[kept - 1];
                kept -= 1;
            }
            while kept > 1 && count[..kept].iter().sum::<usize>() > most {
                kept -= 1;
            }
            for (j, &p) in p.iter().enumerate().filter(|(_, p)| **p > 0.0) {
                if binade(p) < kept {
                    self.columns.push(j as u32);
                    self.values.push(p);
                }
            }
        }
        self.offsets.push(self.columns.len() as u32);
    }

    pub(super) fn rows(&self, m: usize) -> csr::Rows<'_, f64> {
        view(&self.offsets, &self.columns, &self.values, m)
    }
}
