//! How far each pass is from what the machine can do.
//!
//! ```text
//! cargo bench -p southwell-benches --bench roofline [-- [--quick] [--level NAME] [FILTER]]
//! ```
//! FILTER is a part of `section/pass/type`, as in `vector/dot`, `dense` or `/sor_sweep/f32`, or `machine`;
//! NAME an instruction set that passes and limits do not go beyond, as in `avx2`. A pass cannot be faster than
//! its bytes can be moved nor than its operations can be done: the limit is the larger of the two times
//! (Williams, Waterman, Patterson 2009), taken from loops that do nothing else, at the same size, of the
//! same mix of reads and writes, in turns with the pass. Bytes and operations are those of the pass's
//! documentation. The same turns hold a plain loop of the same definition, as the compiler makes it for
//! the baseline of the target.
#![forbid(unsafe_code)]
#![allow(missing_docs)]

mod clock;
mod limits;
mod machine;
mod memory;
mod operands;
mod passes_csr;
mod passes_dense;
mod passes_elementary;
mod passes_points;
mod passes_stencil;
mod passes_vector;
mod registers;
mod table;
mod twins_cells;
mod twins_csr;
mod twins_dense;
mod twins_elementary;
mod twins_points;
mod twins_scores;
mod twins_space;
mod twins_stencil;
mod twins_vector;

use clock::Effort;
use machine::Rates;
use southwell_simd::{Level, set_max_level};
use table::Bench;

/// Bytes of a vector far out of the caches.
const FAR: usize = 128 << 20;

fn main() {
    let mut quick = false;
    let mut filter = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--level" => match arguments.next().unwrap_or_default().parse::<Level>() {
                Ok(level) => set_max_level(level),
                Err(error) => {
                    eprintln!("{error}");
                    std::process::exit(2);
                }
            },
            "--bench" => {} // cargo's own
            "--quick" => quick = true,
            other => filter = Some(other.to_owned()),
        }
    }
    let effort = if quick {
        Effort { turn: 30e-6, rounds: 11, long_rounds: 3 }
    } else {
        Effort { turn: 60e-6, rounds: 51, long_rounds: 15 }
    };
    let [l1, l2, l3] = memory::caches().map(|bytes| bytes >> 10);
    println!("{}; {l1} KiB L1, {l2} KiB L2, {l3} KiB L3.", memory::processor());
    println!("Passes run on {}.\n", southwell_simd::level_name());
    let rates = Rates::measure(effort);
    let mut bench = Bench { effort, rates, filter, slower: Vec::new(), fractions: Vec::new() };
    if bench.filter.as_ref().is_none_or(|filter| "machine".contains(filter.as_str())) {
        machine::print(effort, rates, FAR);
    }
    passes_vector::all::<f64>(&mut bench, FAR);
    passes_vector::all::<f32>(&mut bench, FAR);
    passes_dense::all::<f64>(&mut bench);
    passes_dense::all::<f32>(&mut bench);
    passes_elementary::all::<f64>(&mut bench, FAR);
    passes_elementary::all::<f32>(&mut bench, FAR);
    passes_points::all::<f64>(&mut bench);
    passes_points::all::<f32>(&mut bench);
    passes_csr::all::<f64>(&mut bench);
    passes_csr::all::<f32>(&mut bench);
    passes_stencil::all::<f64>(&mut bench);
    passes_stencil::all::<f32>(&mut bench);
    summary(bench);
}

fn summary(mut bench: Bench) {
    println!("## Slower than the plain loop\n");
    for line in &bench.slower {
        println!("- {line}");
    }
    bench.fractions.sort_by(|a, b| a.0.total_cmp(&b.0));
    println!("\n## Furthest from the limit\n");
    for (fraction, name) in bench.fractions.iter().take(25) {
        println!("- {fraction:.2} {name}");
    }
}
