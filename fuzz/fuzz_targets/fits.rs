//! Fits of rows by Huber's loss, by a vertex and its proof, and refined by rejecting rows: values are those of plain
//! loops and do not rise, bounds are below any fit's value, and neither steps by hand, dirty memory, the instruction
//! set nor the unit of the observations changes a bit.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::subgradient::huber::{self, Huber};
use southwell::subgradient::{Quantile, Table, certify, refine};
use southwell::{Error, Real, Run, Status, Stop};
use southwell_fuzz::{Number, bits, check_error, cycled, number_bits, thrice};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    wild: bool,
    what: What,
    rows: u8,
    columns: u8,
    numbers: Vec<Number>,
    start: Vec<Number>,
    weights: Option<Vec<u8>>,
    /// δ, or the standard deviations beyond which a row is left out.
    delta: u8,
    quantile: u8,
    steps: u8,
    tolerance: u8,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum What {
    Huber,
    Vertex,
    Refine,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

/// Rows, observations in units of which `unit` make one, and weights.
struct Data<T> {
    entries: Vec<T>,
    y: Vec<T>,
    weights: Vec<T>,
    n: usize,
    p: usize,
}

impl<T: Real> Data<T> {
    fn new(input: &Input, unit: f64) -> Self {
        let (n, p) = (1 + usize::from(input.rows % 24), 1 + usize::from(input.columns % 4));
        let number = |k: usize| -> T {
            if input.wild { cycled(&input.numbers, k).wild() } else { cycled(&input.numbers, k).tame() }
        };
        let bytes = input.weights.as_deref().unwrap_or(&[]);
        let weight = |i: usize| bytes.get(i % bytes.len().max(1)).map_or(1, |&w| u32::from(w % 5));
        Self {
            entries: (0..n * p).map(number).collect(),
            y: (n * p..n * p + n).map(|k| number(k) * T::from_f64(unit)).collect(),
            weights: (0..n).map(|i| T::from_u32(weight(i))).collect(),
            n,
            p,
        }
    }

    fn table(&self) -> Result<Table<'_, T>, Error> {
        Table::new(&self.entries, self.n, self.p)
    }

    fn start(&self, input: &Input, unit: f64) -> Vec<T> {
        (0..self.p).map(|k| cycled(&input.start, k).tame::<T>() * T::from_f64(unit)).collect()
    }

    /// The weight of a row, its residual, and how far rounding may carry that.
    fn residuals(&self, beta: &[T]) -> Vec<(f64, f64, f64)> {
        let row = |i: usize| {
            let terms = self.entries[i * self.p..(i + 1) * self.p].iter().zip(beta);
            let terms = terms.map(|(x, b)| x.to_f64() * b.to_f64());
            let y = self.y[i].to_f64();
            let size = terms.clone().fold(y.abs(), |size, term| size + term.abs());
            let rounding = 2.0 * (self.p as f64 + 4.0) * T::EPSILON.to_f64() * size;
            (self.weights[i].to_f64(), y - terms.sum::<f64>(), rounding)
        };
        (0..self.n).map(row).collect()
    }
}

fn check<T: Real>(input: &Input) {
    let data = Data::<T>::new(input, 1.0);
    let result = match input.what {
        What::Huber => check_huber(input, &data),
        What::Vertex => check_vertex(input, &data),
        What::Refine => check_refine(input, &data),
    };
    if let Err(error) = result {
        check_error(error, |name| match name {
            "values" => data.n * data.p,
            "beta" => data.p,
            _ => data.n,
        });
    }
}

/// Σ w h(r), and how far rounding may carry it.
fn huber_value<T: Real>(data: &Data<T>, delta: f64, beta: &[T]) -> (f64, f64) {
    let (mut value, mut bound) = (0.0, 0.0);
    for (w, r, off) in data.residuals(beta) {
        let size = r.abs();
        value += w * if size <= delta { 0.5 * size * size } else { delta * (size - 0.5 * delta) };
        bound += w * (size + off).min(delta) * off;
    }
    let terms = data.n as f64 + 8.0;
    (value, bound + 2.0 * terms * (T::EPSILON.to_f64() * value + T::MIN_POSITIVE.to_f64()))
}

fn check_huber<T: Real>(input: &Input, data: &Data<T>) -> Result<(), Error> {
    let stop = Stop {
        max_steps: u32::from(input.steps % 64),
        ..Stop::relative(T::from_f64(10_f64.powi(-i32::from(input.tolerance % 12) - 1)))
    };
    let solve = |dirt: T, unit: f64, hand: Option<(Status, u32)>| {
        let data = Data::<T>::new(input, unit);
        let delta = T::from_f64(unit * f64::from(input.delta) / 32.0);
        let mut loss = Huber::new(data.table()?, &data.y, delta)?;
        if input.weights.is_some() {
            loss = loss.weighted(&data.weights)?;
        }
        let mut beta = data.start(input, unit);
        let before = bits(&beta);
        let mut storage = vec![dirt; huber::Workspace::<T>::required_len(data.p)];
        let work = huber::Workspace::new(&loss, &mut storage)?;
        if let Some((status, steps)) = hand {
            let mut run = huber::start(&loss, &stop, &mut beta, work)?;
            (0..steps).for_each(|_| run.step());
            let residual = run.residual();
            run.settle(status);
            return Ok((status, steps, loss.value(&beta), residual, T::ZERO, beta));
        }
        let outcome = huber::solve(&loss, &stop, &mut beta, work, &mut ());
        if outcome.is_err() {
            assert_eq!(bits(&beta), before, "{outcome:?}, but β was touched");
        }
        let outcome = outcome?;
        let (report, residual) = (outcome.report, outcome.value - outcome.lower_bound);
        if outcome.value.is_finite() {
            assert_eq!(number_bits(loss.value(&beta)), number_bits(outcome.value), "{outcome:?}");
            assert!(outcome.lower_bound <= outcome.value, "{outcome:?}");
        }
        assert!(outcome.seen_at <= report.steps + 1);
        Ok((report.status, report.steps, outcome.value, residual, outcome.lower_bound, beta))
    };
    let (status, steps, value, residual, bound, beta) = solve(T::NAN, 1.0, None)?;
    let seen = (status, steps, bits(&beta));
    thrice(|dirt| {
        let again = solve(dirt, 1.0, None).expect("as before");
        assert_eq!((again.0, again.1, bits(&again.5)), seen);
        [again.2, again.3, again.4].map(number_bits)
    });
    let again = solve(T::ONE, 1.0, Some((status, steps))).expect("as before");
    // A step that fails is not counted, and leaves β alone.
    assert_eq!((again.0, again.1, bits(&again.5)), seen, "steps by hand");
    assert!(beta.iter().all(|b| b.is_finite()));
    match status {
        Status::StepLimit => assert_eq!(steps, stop.max_steps),
        Status::Converged | Status::Stalled | Status::Breakdown | Status::NotFinite => {}
        status => panic!("{status:?}"),
    }
    if input.wild {
        return Ok(());
    }
    let delta = f64::from(input.delta) / 32.0;
    let (plain, off) = huber_value(data, delta, &beta);
    assert!((value.to_f64() - plain).abs() <= off, "{value}, but {plain} ± {off}");
    let (first, first_off) = huber_value(data, delta, &data.start(input, 1.0));
    let risen = f64::from(steps) * 16.0 * T::EPSILON.to_f64() * first;
    assert!(plain <= first + risen + off + first_off, "from {first} to {plain}");
    if status == Status::Converged {
        assert!(residual.to_f64() <= 1.001 * stop.relative.to_f64() * (first + first_off));
    }
    for from in 0..4 {
        let other: Vec<T> = (0..data.p).map(|k| cycled(&input.numbers, k + from).tame()).collect();
        let (value, off) = huber_value(data, delta, &other);
        let reach = beta.iter().chain(&other).fold(1.0_f64, |most, b| most.max(b.to_f64().abs()));
        let size: f64 = data.entries.iter().chain(&data.y).map(|x| x.to_f64().abs()).fold(1.0, f64::max);
        let slack = 1e3 * T::EPSILON.to_f64() * (data.n * data.p) as f64 * 4.0 * delta * size * reach;
        assert!(bound.to_f64() <= value + off + slack, "{bound} is no bound: f = {value} at {other:?}");
    }
    // Twice the observations: twice β, four times f.
    let two = T::TWO;
    let (told, taken, other, gap, below, twice) = solve(T::NAN, 2.0, None).expect("as before");
    let scaled: Vec<T> = beta.iter().map(|&b| two * b).collect();
    assert_eq!((told, taken, bits(&twice)), (status, steps, bits(&scaled)), "in another unit");
    let (values, four) = ([value, residual, bound], two * two);
    assert_eq!(
        [other, gap, below].map(number_bits),
        values.map(|v| number_bits(four * v)),
        "in another unit"
    );
    Ok(())
}

fn quantile<'d, T: Real>(input: &Input, data: &'d Data<T>, q: T) -> Result<Quantile<'d, T>, Error> {
    let loss = Quantile::new(data.table()?, &data.y, q)?;
    if input.weights.is_some() { loss.weighted(&data.weights) } else { Ok(loss) }
}

/// Σ w ρ_q(r), and how far rounding may carry it.
fn quantile_value<T: Real>(data: &Data<T>, q: f64, beta: &[T]) -> (f64, f64) {
    let rows = data.residuals(beta).into_iter();
    let (value, off) = rows.fold((0.0, 0.0), |(value, bound), (w, r, off)| {
        (value + w * if r > 0.0 { q * r } else { (q - 1.0) * r }, bound + w * off)
    });
    (value, off + (data.n as f64 + 8.0) * T::EPSILON.to_f64() * value)
}

fn check_vertex<T: Real>(input: &Input, data: &Data<T>) -> Result<(), Error> {
    let q = T::from_f64(f64::from(input.quantile) / 256.0);
    let loss = quantile(input, data, q)?;
    let start = data.start(input, 1.0);
    let before = loss.value(&start);
    let mut left = Vec::new();
    let found = thrice(|dirt: T| {
        let mut beta = start.clone();
        let mut storage = vec![dirt; certify::vertex_len(data.p)];
        let mut indices = vec![u32::MAX - 1; certify::vertex_indices(data.p)];
        let found = certify::vertex(&loss, &mut beta, &mut storage, &mut indices).expect("sound input");
        left = beta;
        (found.map(|found| ([found.value, found.lower_bound].map(number_bits), found.optimal)), bits(&left))
    });
    let after = loss.value(&left);
    assert!(!after.is_finite() || !before.is_finite() || after <= before, "from {before} to {after}");
    let Some(([value, bound], optimal)) = found.0 else {
        assert_eq!(found.1, bits(&start), "no vertex, but β was touched");
        return Ok(());
    };
    if input.wild {
        return Ok(());
    }
    let number = |bits: u64| {
        if size_of::<T>() == 4 { f64::from(f32::from_bits(bits as u32)) } else { f64::from_bits(bits) }
    };
    let (value, bound) = (number(value), number(bound));
    assert!(optimal || value <= after.to_f64() || found.1 == bits(&start), "{value} {after}");
    for from in 0..4 {
        let other: Vec<T> = (0..data.p).map(|k| cycled(&input.numbers, k + from).tame()).collect();
        let (there, off) = quantile_value(data, q.to_f64(), &other);
        let reach = left.iter().chain(&other).fold(1.0_f64, |most, b| most.max(b.to_f64().abs()));
        let size: f64 = data.entries.iter().chain(&data.y).map(|x| x.to_f64().abs()).fold(1.0, f64::max);
        let slack = 1e3 * T::EPSILON.to_f64() * (data.n * data.p) as f64 * 4.0 * size * reach;
        assert!(bound <= there + off + slack, "{bound} is no bound: f = {there} at {other:?}");
        assert!(!optimal || value <= there + off + slack, "{value} is no minimum: f = {there} at {other:?}");
    }
    Ok(())
}

fn check_refine<T: Real>(input: &Input, data: &Data<T>) -> Result<(), Error> {
    let cut = T::from_f64(f64::from(input.delta) / 32.0);
    let solve = |dirt: T, unit: f64| {
        let data = Data::<T>::new(input, unit);
        let loss = quantile(input, &data, T::HALF)?;
        let mut beta = data.start(input, unit);
        let before = bits(&beta);
        let mut storage = vec![dirt; refine::required_len(data.p)];
        let found = refine::refine(&loss, cut, &mut beta, &mut storage);
        if found.is_err() {
            assert_eq!(bits(&beta), before, "{found:?}, but β was touched");
        }
        found.map(|found| (found, beta))
    };
    let (found, beta) = solve(T::NAN, 1.0)?;
    let told = [found.deviation, found.rms].map(number_bits);
    thrice(|dirt| {
        let (again, fit) = solve(dirt, 1.0).expect("as before");
        assert_eq!((again.kept, bits(&fit)), (found.kept, bits(&beta)));
        assert_eq!([again.deviation, again.rms].map(number_bits), told);
    });
    assert!(beta.iter().all(|b| b.is_finite()) && found.kept <= data.n, "{found:?}");
    if input.wild {
        return Ok(());
    }
    assert!(found.deviation >= T::ZERO && found.rms >= T::ZERO, "{found:?}");
    if input.weights.is_none() {
        // Least squares of the kept rows are no worse than what they were kept for.
        let limit = cut.to_f64() * found.deviation.to_f64();
        let start = data.residuals(&data.start(input, 1.0));
        let size = start.iter().map(|row| row.2).fold(0.0, f64::max);
        assert!(found.rms.to_f64() <= 1.01 * limit + 1e3 * size, "{found:?}, limit {limit}");
    }
    let (again, twice) = solve(T::ONE, 2.0).expect("as before");
    let scaled: Vec<T> = beta.iter().map(|&b| T::TWO * b).collect();
    assert_eq!((again.kept, bits(&twice)), (found.kept, bits(&scaled)), "in another unit");
    Ok(())
}
