//! What the machine can do: bytes a second by traffic and place, operations a second by register.

use std::hint::black_box;

use pulp::Simd;
use southwell_simd::LANES;

use crate::clock::{Effort, Work, compete, middle, times};
use crate::limits::{Arithmetic, Chain, Streams, widest_lanes};
use crate::memory::Place;
use crate::operands::Limit;
use crate::registers::{Word, widest};

/// Turns of an arithmetic loop that is timed.
pub(crate) const TURNS: u64 = 500;

/// Operations a second at the widest register, multiplied and added one by one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rates {
    f32: f64,
    f64: f64,
    /// Seconds from the start of an addition to the next one that needs its result.
    pub(crate) addition: f64,
}

impl Rates {
    pub(crate) fn measure(effort: Effort) -> Self {
        let mut chain =
            |count| times(count, || widest(Chain { turns: black_box(TURNS), step: black_box(0.5) }));
        let addition = middle(&compete(effort, &mut [&mut chain])[0]) / TURNS as f64;
        Self { f32: rate::<f32>(effort), f64: rate::<f64>(effort), addition }
    }

    pub(crate) fn of<T>(&self) -> f64 {
        if size_of::<T>() == 4 { self.f32 } else { self.f64 }
    }
}

/// The arithmetic limit as a competitor: [`TURNS`] turns a call.
pub(crate) fn arithmetic<T: Word>() -> impl FnMut(u64) -> f64 {
    |count| {
        times(count, || {
            widest(Arithmetic::<T>::new(black_box(TURNS), false));
        })
    }
}

/// Operations of a call of [`arithmetic`].
pub(crate) fn arithmetic_operations<T: Word>() -> f64 {
    TURNS as f64 * Arithmetic::<T>::operations(widest_lanes::<T>())
}

fn rate<T: Word>(effort: Effort) -> f64 {
    let times = compete(effort, &mut [&mut arithmetic::<T>()]);
    arithmetic_operations::<T>() / middle(&times[0])
}

/// Prints both tables.
pub(crate) fn print(effort: Effort, rates: Rates, far: usize) {
    println!("## The machine\n");
    println!("GB/s by the best loops of this bench; bytes in all, `f64`; median of the rounds.\n");
    println!("| traffic | streams | 16 KiB | 256 KiB | 8 MiB | {} MiB a vector |", far >> 20);
    println!("|---|---|---|---|---|---|");
    let mixes = [
        ("read", "1 r", Streams::new(1, 0, 0)),
        ("read two", "2 r", Streams::new(2, 0, 0)),
        ("fill", "1 w", Streams::new(0, 0, 1)),
        ("copy", "1 r, 1 w", Streams::new(1, 0, 1)),
        ("triad", "2 r, 1 w", Streams::new(2, 0, 1)),
        ("scale in place", "1 r and written", Streams::new(0, 1, 0)),
        ("update", "1 r, 1 r and written", Streams::new(1, 1, 0)),
        ("update by two", "2 r, 1 r and written", Streams::new(2, 1, 0)),
    ];
    for (name, what, streams) in mixes {
        print!("| {name} | {what} |");
        for total in [16 << 10, 256 << 10, 8 << 20, 0] {
            let vectors = streams.reads + streams.updates + streams.writes;
            let n = if total == 0 { far / 8 } else { total / 8 / vectors };
            let mut limit = Limit::<f64>::new(n, 0);
            let mut work = |count| limit.run(streams, n, count);
            let seconds = middle(&compete(effort, &mut [&mut work])[0]);
            let place = Place::of(streams.footprint::<f64>(n));
            print!(" {:.0} ({place}) |", streams.bytes::<f64>(n) as f64 * 1e-9 / seconds);
        }
        println!();
    }
    println!("\nGflop/s of {} independent chains x·a + b, in registers.\n", crate::limits::CHAINS);
    println!("| register | f64, multiply then add | f64, fused | f32, multiply then add | f32, fused |");
    println!("|---|---|---|---|---|");
    for_every_register(effort);
    println!(
        "\nAn addition that needs the one before waits {:.2} ns: a sum in {LANES} lanes takes that long for \
         every {LANES} elements, whatever the register. Where this is above the roofline, the tables below \
         say `lanes` and the fraction of it.\n",
        rates.addition * 1e9
    );
}

fn for_every_register(effort: Effort) {
    // Here the optimiser may pack scalars: it says what scalar code gets, not what one lane can do.
    registers(effort, "scalar code, baseline", pulp::Scalar::new(), false);
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(simd) = pulp::x86::V3::try_new() {
            registers(effort, "128 bits (V3)", pulp::x86::V3_128b(simd), true);
            registers(effort, "256 bits (V3)", simd, true);
        }
        if let Some(simd) = pulp::x86::V4::try_new() {
            registers(effort, "512 bits (V4)", simd, true);
        }
    }
    #[cfg(target_arch = "aarch64")]
    if let Some(simd) = pulp::aarch64::Neon::try_new() {
        registers(effort, "128 bits (Neon)", simd, true);
    }
}

fn registers<S: Simd>(effort: Effort, name: &str, simd: S, fuses: bool) {
    fn one<T: Word, S: Simd>(effort: Effort, simd: S, fused: bool) -> f64 {
        let mut work = |count| {
            times(count, || {
                simd.vectorize(Arithmetic::<T>::new(black_box(TURNS), fused));
            })
        };
        let work: &mut Work<'_> = &mut work;
        let seconds = middle(&compete(effort, &mut [work])[0]);
        TURNS as f64 * Arithmetic::<T>::operations(T::register_lanes(simd)) * 1e-9 / seconds
    }
    let fused = |rate: fn(Effort, S, bool) -> f64| {
        if fuses { format!("{:.0}", rate(effort, simd, true)) } else { "–".into() }
    };
    println!(
        "| {name} | {:.0} | {} | {:.0} | {} |",
        one::<f64, S>(effort, simd, false),
        fused(one::<f64, S>),
        one::<f32, S>(effort, simd, false),
        fused(one::<f32, S>),
    );
}
