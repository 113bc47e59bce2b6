//! Sweeps, SSOR-CG and CG on small systems, tame and wild: the report tells the truth about the iterate
//! that is left, whatever the system, the rule, the order and the moment at which the run ends.
#![no_main]

#[path = "relax/oracle.rs"]
mod oracle;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
use southwell::bandit::{Grid, TsallisInf, TsallisOptions, Unimodal, UnimodalOptions};
use southwell::linear::{Csr, Dense, Star, Stencil2d, Stencil3d};
use southwell::relaxation::{
    Auto, Blocks, Colouring, Cost, Fixed, HagemanYoung, Learned, Lines, Multicolour, OmegaRule, RedBlack,
    Reference, Young,
};
use southwell::{Real, Stop};
use southwell_fuzz::{Number, Plain, bit, cycled};

use oracle::{check_relax, check_split};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    method: Method,
    view: View,
    shape: Shape,
    /// Whether right-hand side and start may be anything too.
    wild: bool,
    entries: Vec<Number>,
    rhs: Vec<Number>,
    x: Vec<Number>,
    zero_rhs: bool,
    cold: bool,
    longer: bool,
    rule: Rule,
    runs: u8,
    sweep: u8,
    initial_reference: bool,
    absolute: Option<Number>,
    relative: u8,
    max_steps: u8,
    check_every: u8,
    stop_at: Option<u8>,
    split_at: u8,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Method {
    Sor,
    SsorCg,
    Cg,
}

#[derive(Arbitrary, Debug)]
enum View {
    Csr { order: u8, pattern: Vec<u8> },
    Dense { order: u8, padding: u8 },
    Multicolour { order: u8, pattern: Vec<u8> },
    Blocks { order: u8, pattern: Vec<u8>, size: u8 },
    Grid { dimensions: [u8; 3], plane: bool, constant: bool, order: Order },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Order {
    Natural,
    RedBlack,
    Lines,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Shape {
    /// Symmetric, and the diagonal exceeds the rest of its row by more than nothing.
    Definite,
    /// Not symmetric, dominant as before.
    Dominant,
    /// Tame entries, nothing promised.
    Tame,
    /// Dominant, every row times the same power of two.
    Scaled(i8),
    /// Anything.
    Wild,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Rule {
    Fixed(u8),
    AnyFixed(Number),
    Young(u8),
    HagemanYoung(u8),
    Auto,
    Tsallis { seed: u8, capped: bool },
    Walk { start: u8, capped: bool, told: bool },
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

impl Input {
    fn entry<T: Real>(&self, k: usize) -> T {
        let entry = cycled(&self.entries, k);
        if matches!(self.shape, Shape::Wild) { entry.wild() } else { entry.tame() }
    }

    fn vector<T: Real>(&self, numbers: &[Number], n: usize) -> Vec<T> {
        let number = |k| if self.wild { cycled(numbers, k).wild() } else { cycled(numbers, k).tame() };
        (0..n).map(number).collect()
    }

    /// Makes a matrix what its shape says. `coupled` entries come in, the diagonal may be missing.
    fn shaped<T: Real>(&self, mut plain: Plain) -> Plain {
        let n = plain.order();
        if matches!(self.shape, Shape::Definite) {
            for i in 0..n {
                plain.rows[i].retain(|&(j, _)| j <= i);
            }
            for i in 0..n {
                for (j, a) in plain.rows[i].clone() {
                    if j < i {
                        plain.rows[j].push((i, a));
                    }
                }
            }
        }
        let factor = match self.shape {
            Shape::Tame | Shape::Wild => return plain,
            // f32 reaches from 2^-126 to 2^128, f64 eight times as far.
            Shape::Scaled(exponent) => {
                let reach = if T::EPSILON.to_f64() > 1e-10 { 0.9 } else { 7.9 };
                (f64::from(exponent) * reach).exp2()
            }
            _ => 1.0,
        };
        for (i, row) in plain.rows.iter_mut().enumerate() {
            row.retain(|&(j, _)| j != i);
            let rest: f64 = row.iter().map(|(_, a)| a.abs()).sum();
            let margin = 0.01 + self.entry::<f64>(i).abs().min(100.0);
            let at = row.partition_point(|&(j, _)| j < i);
            row.insert(at, (i, rest + margin));
            for (_, a) in row {
                *a = T::from_f64(*a * factor).to_f64();
            }
        }
        plain
    }

    fn rule<T: Real>(&self) -> Box<dyn OmegaRule<T>> {
        let cap = |capped: bool| capped.then(|| T::from_f64(1.5));
        match self.rule {
            Rule::Fixed(n) => Box::new(Fixed(T::from_f64((f64::from(n) + 0.5) / 128.0))),
            Rule::AnyFixed(n) => Box::new(Fixed(n.wild())),
            Rule::Young(n) => Box::new(Young { jacobi_radius: T::from_f64(f64::from(n) / 255.0) }),
            Rule::HagemanYoung(n) => {
                let mut rule = HagemanYoung::default();
                rule.omega = T::from_f64(1.0 + f64::from(n) / 256.0);
                Box::new(rule)
            }
            Rule::Auto => Box::new(Auto::new().expect("its constants are valid")),
            Rule::Tsallis { seed, capped } => {
                let options = TsallisOptions { trial_cap: cap(capped), ..TsallisOptions::default() };
                let tuner = TsallisInf::<T, 5>::new(options).expect("valid options");
                Box::new(Learned::new(tuner, omegas(), Xoshiro256PlusPlus::seed_from_u64(seed.into())))
            }
            Rule::Walk { start, capped, told } => {
                let options = UnimodalOptions { trial_cap: cap(capped), ..UnimodalOptions::default() };
                let tuner = Unimodal::<T, 20, 2>::new(T::ZERO, T::ONE, |_| start.into(), options);
                let rng = Xoshiro256PlusPlus::seed_from_u64(1);
                let mut rule = Learned::new(tuner.expect("valid options"), omegas(), rng);
                rule.cost = if told { Cost::Told } else { Cost::Steps };
                Box::new(rule)
            }
        }
    }

    fn is_fixed(&self) -> bool {
        matches!(self.rule, Rule::Fixed(_) | Rule::AnyFixed(_) | Rule::Young(_))
    }

    fn stop<T: Real>(&self) -> Stop<T> {
        Stop {
            absolute: self.absolute.map_or(T::ZERO, Number::wild),
            relative: T::from_f64(
                [1e-2, 1e-4, 1e-6, 1e-8, 1e-12, 1e-15, 0.0, -1.0][usize::from(self.relative % 8)],
            ),
            max_steps: u32::from(self.max_steps) % 201,
            check_every: u32::from(self.check_every) % 12,
        }
    }

    fn reference(&self) -> Reference {
        if self.initial_reference { Reference::InitialResidual } else { Reference::RightHandSide }
    }
}

/// The published relaxation factors.
fn omegas<T: Real>() -> Grid<T> {
    Grid::new(T::ONE, T::from_f64(1.95), 20).expect("increasing")
}

fn check<T: Real>(input: &Input) {
    match &input.view {
        View::Csr { order, pattern } => {
            let plain = sparse::<T>(input, *order, pattern);
            let (offsets, columns, values) = plain.csr::<T>();
            if let Ok(view) = Csr::new(&offsets, &columns, &values) {
                check_split(input, &view, &plain);
            }
        }
        View::Dense { order, padding } => {
            let plain = sparse::<T>(input, *order, &[]);
            let (n, stride) = (plain.order(), plain.order() + usize::from(padding % 5));
            let mut values = vec![T::NAN; n * stride];
            for (i, row) in plain.rows.iter().enumerate() {
                row.iter().for_each(|&(j, a)| values[i * stride + j] = T::from_f64(a));
            }
            if let Ok(view) = Dense::new(&values, n, stride) {
                check_split(input, &view, &plain);
            }
        }
        View::Multicolour { order, pattern } => {
            let plain = sparse::<T>(input, *order, pattern);
            let (offsets, columns, values) = plain.csr::<T>();
            let Ok(view) = Csr::new(&offsets, &columns, &values) else { return };
            let mut storage = vec![u32::MAX; Colouring::required_len(plain.order())];
            let colouring = Colouring::greedy(&view, &mut storage).expect("long enough");
            check_relax(input, &Multicolour::new(view, colouring).expect("of one order"), &plain);
        }
        View::Blocks { order, pattern, size } => {
            let plain = sparse::<T>(input, *order, pattern);
            let (offsets, columns, values) = plain.csr::<T>();
            let Ok(view) = Csr::new(&offsets, &columns, &values) else { return };
            check_relax(input, &Blocks::new(view, usize::from(size % 8) + 1).expect("in range"), &plain);
        }
        View::Grid { dimensions, plane, constant, order } => {
            check_grid::<T>(input, *dimensions, *plane, *constant, *order);
        }
    }
}

fn sparse<T: Real>(input: &Input, order: u8, pattern: &[u8]) -> Plain {
    let n = usize::from(order) % 25;
    let row = |i: usize| {
        let stored = (0..n).filter(move |&j| i == j || bit(pattern, i * n + j));
        stored.map(|j| (j, input.entry::<T>(i * n + j).to_f64())).collect()
    };
    input.shaped::<T>(Plain { rows: (0..n).map(row).collect() })
}

/// Grids of at most 3 × 4 × 20 cells.
fn check_grid<T: Real>(input: &Input, dimensions: [u8; 3], plane: bool, constant: bool, order: Order) {
    let planes = if plane { 1 } else { usize::from(dimensions[0] % 4) };
    let [rows, columns] = [usize::from(dimensions[1] % 5), usize::from(dimensions[2] % 21)];
    let n = planes * rows * columns;
    let raw = |direction: usize, cell: usize| {
        let cell = if constant { 0 } else { cell };
        input.entry::<T>(7 * cell + direction).to_f64()
    };
    let (plain, arrays) = if constant {
        // The star of an inner cell decides for all.
        let mut star: [f64; 7] = std::array::from_fn(|direction| raw(direction, 0));
        if !matches!(input.shape, Shape::Tame | Shape::Wild) {
            if matches!(input.shape, Shape::Definite) {
                (star[2], star[4], star[6]) = (star[1], star[3], star[5]);
            }
            let margin = 0.01 + star[0].abs();
            star[0] = margin + star[1..].iter().map(|c| c.abs()).sum::<f64>();
        }
        star = star.map(|c| T::from_f64(c).to_f64());
        let plain = Plain::grid([planes, rows, columns], |direction, _| star[direction]);
        (plain, star.map(|c| vec![T::from_f64(c)]))
    } else {
        let plain = input.shaped::<T>(Plain::grid([planes, rows, columns], raw));
        let mut arrays: [Vec<T>; 7] = std::array::from_fn(|_| vec![T::ONE; n]);
        let offsets = [
            0,
            -1,
            1,
            -(columns as isize),
            columns as isize,
            -((rows * columns) as isize),
            (rows * columns) as isize,
        ];
        // Where two directions lead to cells equally far away (one column, say), only one exists.
        let shadow = Plain::grid([planes, rows, columns], |direction, _| direction as f64);
        for (cell, (row, directions)) in plain.rows.iter().zip(&shadow.rows).enumerate() {
            for (&(to, a), &(_, direction)) in row.iter().zip(directions) {
                let direction = direction as usize;
                debug_assert_eq!(cell.wrapping_add_signed(offsets[direction]), to);
                arrays[direction][cell] = T::from_f64(a);
            }
        }
        (plain, arrays)
    };
    if constant {
        let c = |direction: usize| arrays[direction][0];
        let star =
            Star { centre: c(0), west: c(1), east: c(2), south: c(3), north: c(4), down: c(5), up: c(6) };
        if plane {
            let Ok(view) = Stencil2d::constant(rows, columns, star) else { return };
            match order {
                Order::Natural => check_split(input, &view, &plain),
                Order::RedBlack => check_relax(input, &RedBlack::<Stencil2d<'_, T>>::new(view), &plain),
                Order::Lines => check_relax(input, &Lines::<Stencil2d<'_, T>>::new(view), &plain),
            }
        } else {
            let Ok(view) = Stencil3d::constant(planes, rows, columns, star) else { return };
            match order {
                Order::Natural => check_split(input, &view, &plain),
                Order::RedBlack => check_relax(input, &RedBlack::<Stencil3d<'_, T>>::new(view), &plain),
                Order::Lines => check_relax(input, &Lines::<Stencil3d<'_, T>>::new(view), &plain),
            }
        }
    } else {
        let c = |direction: usize| &arrays[direction][..];
        let star =
            Star { centre: c(0), west: c(1), east: c(2), south: c(3), north: c(4), down: c(5), up: c(6) };
        if plane {
            let Ok(view) = Stencil2d::per_cell(rows, columns, star) else { return };
            match order {
                Order::Natural => check_split(input, &view, &plain),
                Order::RedBlack => check_relax(input, &RedBlack::<Stencil2d<'_, T>>::new(view), &plain),
                Order::Lines => check_relax(input, &Lines::<Stencil2d<'_, T>>::new(view), &plain),
            }
        } else {
            let Ok(view) = Stencil3d::per_cell(planes, rows, columns, star) else { return };
            match order {
                Order::Natural => check_split(input, &view, &plain),
                Order::RedBlack => check_relax(input, &RedBlack::<Stencil3d<'_, T>>::new(view), &plain),
                Order::Lines => check_relax(input, &Lines::<Stencil3d<'_, T>>::new(view), &plain),
            }
        }
    }
}
