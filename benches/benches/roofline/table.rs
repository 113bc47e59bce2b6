//! A section: some sizes of one kind of operands, the passes over them, and what came out.

use std::hint::black_box;

use crate::clock::{Effort, Work, compete, middle, ratio, times};
use crate::limits::Streams;
use crate::machine::{Rates, arithmetic, arithmetic_operations};
use crate::memory::Place;
use crate::operands::{Data, Limit, Operands};
use crate::registers::Word;

/// What all sections share.
pub(crate) struct Bench {
    pub(crate) effort: Effort,
    pub(crate) rates: Rates,
    pub(crate) filter: Option<String>,
    /// What fell below its twin, and how far each pass is from its limit.
    pub(crate) slower: Vec<String>,
    pub(crate) fractions: Vec<(f64, String)>,
}

/// One size.
struct Case<T> {
    data: Data<T>,
    /// Absent where a call is too short to speak of bandwidth.
    limit: Option<Limit<T>>,
}

/// What a pass costs: bytes and operations, from its documentation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) streams: Streams,
    /// Elements of each stream but the long one.
    pub(crate) n: usize,
    /// Operations in all.
    pub(crate) flops: f64,
    /// Additions that wait for one another: a sum in lanes has one for every [`LANES`] elements. No
    /// part of the roofline, but said beside it where it is the larger.
    ///
    /// [`LANES`]: southwell_simd::LANES
    pub(crate) chain: f64,
}

/// The titles, which a filter may name.
const SECTIONS: [&str; 11] = [
    "machine",
    "vector",
    "dense",
    "elementary",
    "elementary rows",
    "points",
    "csr",
    "sparse vector",
    "stencil",
    "stencil by cell",
    "stencil in space",
];

struct Row {
    name: String,
    limits: Vec<String>,
    twins: Vec<f64>,
}

pub(crate) struct Section<'b, T> {
    bench: &'b mut Bench,
    title: &'static str,
    cases: Vec<Case<T>>,
    captions: Vec<String>,
    rows: Vec<Row>,
}

impl<'b, T: Word> Section<'b, T> {
    pub(crate) fn new(bench: &'b mut Bench, title: &'static str) -> Self {
        Self { bench, title, cases: Vec::new(), captions: Vec::new(), rows: Vec::new() }
    }

    /// Whether the filter asks for anything here; operands of a section that is not are not made.
    pub(crate) fn wanted(bench: &Bench, title: &str) -> bool {
        let Some(filter) = &bench.filter else { return true };
        match filter.split_once('/') {
            Some((section, _)) => section.is_empty() || title.ends_with(section),
            None => title.contains(filter.as_str()) || SECTIONS.iter().all(|s| !s.contains(filter.as_str())),
        }
    }

    /// Adds a size, with memory for the limits where it is held against them.
    pub(crate) fn size(&mut self, caption: String, data: Data<T>, limit: Option<Limit<T>>) {
        self.captions.push(caption);
        self.cases.push(Case { data, limit });
    }

    /// Measures one pass at every size: its limit and its twin take turns with it.
    pub(crate) fn pass<R: Outcome>(
        &mut self,
        name: &str,
        cost: impl Fn(&Data<T>) -> Cost,
        pass: impl FnMut(&mut Operands<'_, T>) -> R,
        twin: impl FnMut(&mut Operands<'_, T>) -> R,
    ) {
        self.measure(name, cost, true, pass, twin);
    }

    /// The same beside a loop that computes the same by another definition.
    pub(crate) fn pass_unlike<R: Outcome>(
        &mut self,
        name: &str,
        cost: impl Fn(&Data<T>) -> Cost,
        pass: impl FnMut(&mut Operands<'_, T>) -> R,
        twin: impl FnMut(&mut Operands<'_, T>) -> R,
    ) {
        self.measure(name, cost, false, pass, twin);
    }

    fn measure<R: Outcome>(
        &mut self,
        name: &str,
        cost: impl Fn(&Data<T>) -> Cost,
        alike: bool,
        mut pass: impl FnMut(&mut Operands<'_, T>) -> R,
        mut twin: impl FnMut(&mut Operands<'_, T>) -> R,
    ) {
        let full = format!("{}/{name}/{}", self.title, T::NAME);
        if self.bench.filter.as_ref().is_some_and(|filter| !full.contains(filter.as_str())) {
            return;
        }
        eprintln!("{full}");
        let mut row = Row { name: format!("{name} | {}", T::NAME), limits: Vec::new(), twins: Vec::new() };
        for (case, caption) in self.cases.iter_mut().zip(&self.captions) {
            if alike {
                same_bits(&full, &mut case.data, &mut pass, &mut twin);
            }
            case.data.reset();
            let cost = cost(&case.data);
            let mut operands = case.data.operands();
            let operands = std::cell::RefCell::new(&mut operands);
            let mut ours = |count| {
                let mut operands = operands.borrow_mut();
                times(count, || {
                    black_box(pass(black_box(&mut operands)));
                })
            };
            let mut plain = |count| {
                let mut operands = operands.borrow_mut();
                times(count, || {
                    black_box(twin(black_box(&mut operands)));
                })
            };
            let twin_ratio = match &mut case.limit {
                None => {
                    let times = compete(self.bench.effort, &mut [&mut ours, &mut plain]);
                    ratio(&times[1], &times[0])
                }
                Some(limit) => {
                    let bench = &*self.bench;
                    let (text, fraction, twin) = against(bench, limit, cost, &mut ours, &mut plain);
                    row.limits.push(text);
                    self.bench.fractions.push((fraction, format!("{full}, {caption}")));
                    twin
                }
            };
            if twin_ratio < 0.995 {
                self.bench.slower.push(format!("{full}, {caption}: {twin_ratio:.2}"));
            }
            row.twins.push(twin_ratio);
        }
        self.rows.push(row);
    }

    /// Prints the section's tables.
    pub(crate) fn print(self) {
        if self.rows.is_empty() {
            return;
        }
        let judged: Vec<&str> = (self.cases.iter().zip(&self.captions))
            .filter(|(case, _)| case.limit.is_some())
            .map(|(_, caption)| caption.as_str())
            .collect();
        println!("## {}, {}: fraction of the limit (place, GB/s)\n", self.title, T::NAME);
        println!("| pass | type | {} |", judged.join(" | "));
        println!("|---|---|{}", "---|".repeat(judged.len()));
        for row in &self.rows {
            println!("| {} | {} |", row.name, row.limits.join(" | "));
        }
        println!("\n## {}, {}: times faster than the plain loop\n", self.title, T::NAME);
        println!("| pass | type | {} |", self.captions.join(" | "));
        println!("|---|---|{}", "---|".repeat(self.captions.len()));
        for row in &self.rows {
            let cell = |&r: &f64| if r < 0.995 { format!("**{r:.2}**") } else { format!("{r:.2}") };
            println!("| {} | {} |", row.name, row.twins.iter().map(cell).collect::<Vec<_>>().join(" | "));
        }
        println!();
    }
}

/// The pass beside the limit that applies and beside its twin: a cell of the table, the fraction of
/// the limit, and the twin's time over the pass's.
fn against<T: Word>(
    bench: &Bench,
    limit: &mut Limit<T>,
    cost: Cost,
    ours: &mut Work<'_>,
    plain: &mut Work<'_>,
) -> (String, f64, f64) {
    let Cost { streams, n, .. } = cost;
    let mut traffic = |count| limit.run(streams, n, count);
    let quick = Effort { rounds: 5, long_rounds: 3, ..bench.effort };
    let moving = middle(&compete(quick, &mut [&mut traffic])[0]);
    let computing = cost.flops / bench.rates.of::<T>();
    let mut compute = arithmetic::<T>();
    let arithmetic_bound = computing > moving;
    let (limiting, scale): (&mut Work<'_>, f64) = if arithmetic_bound {
        (&mut compute, cost.flops / arithmetic_operations::<T>())
    } else {
        (&mut traffic, 1.0)
    };
    let times = compete(bench.effort, &mut [ours, limiting, plain]);
    let fraction = scale * ratio(&times[1], &times[0]);
    let seconds = middle(&times[0]);
    let place = Place::of(streams.footprint::<T>(n));
    let bandwidth = streams.bytes::<T>(n) as f64 * 1e-9 / seconds;
    let what = if arithmetic_bound {
        format!("{:.0} Gflop/s", cost.flops * 1e-9 / seconds)
    } else {
        format!("{bandwidth:.0}")
    };
    let waiting = cost.chain * bench.rates.addition;
    let lanes = if waiting > moving.max(computing) {
        format!("; lanes {:.2}", waiting / seconds)
    } else {
        String::new()
    };
    let text = format!("{fraction:.2} ({place}, {what}{lanes})");
    (text, fraction, ratio(&times[2], &times[0]))
}

/// What a pass may return.
pub(crate) trait Outcome {
    /// Its bits, for a comparison.
    fn outcome(self) -> [u64; 2];
}

impl Outcome for () {
    fn outcome(self) -> [u64; 2] {
        [0; 2]
    }
}

impl<T: Word> Outcome for T {
    fn outcome(self) -> [u64; 2] {
        [self.bits(), 0]
    }
}

impl<T: Word> Outcome for (T, T) {
    fn outcome(self) -> [u64; 2] {
        [self.0.bits(), self.1.bits()]
    }
}

/// Of several rows: mixed so that none can take another's place.
impl<T: Word, const ROWS: usize> Outcome for [(T, T); ROWS] {
    fn outcome(self) -> [u64; 2] {
        let mix = |sum: u64, x: T| sum.rotate_left(7) ^ x.bits();
        self.into_iter().fold([0; 2], |[a, b], (one, other)| [mix(a, one), mix(b, other)])
    }
}

impl<T: Word> Outcome for Option<(usize, T)> {
    fn outcome(self) -> [u64; 2] {
        self.map_or([u64::MAX; 2], |(i, x)| [i as u64, x.bits()])
    }
}

impl Outcome for Option<usize> {
    fn outcome(self) -> [u64; 2] {
        [self.map_or(u64::MAX, |i| i as u64), 0]
    }
}

/// Pass and twin agree to the last bit, or one of them is not what the table says.
fn same_bits<T: Word, R: Outcome>(
    name: &str,
    data: &mut Data<T>,
    pass: &mut impl FnMut(&mut Operands<'_, T>) -> R,
    twin: &mut impl FnMut(&mut Operands<'_, T>) -> R,
) {
    if data.largest() > 1 << 20 {
        return;
    }
    data.reset();
    let ours = pass(&mut data.operands()).outcome();
    let bits = data.bits();
    data.reset();
    let plain = twin(&mut data.operands()).outcome();
    assert!(ours == plain && bits == data.bits(), "{name}: the pass and its twin differ");
}
