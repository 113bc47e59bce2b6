//! Small quadratic programs in a box, condensed and in stages: the report tells the truth about the point that is
//! left, which is in the box and no worse than the start, whatever the problem, the method and the moment at which the
//! run ends.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::descent::box_qp::{
    BoxReport, Condensed, Fallback, Model, Options, Plant, Problem, Staged, Workspace, condense,
    condense_len, solve, start,
};
use southwell::{Error, Real, Status, Stop, drive};
use southwell_fuzz::{Number, bits, check_error, cycled};
use southwell_simd::{Level, force_level};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    staged: bool,
    /// Numbers as they come, in place of tame ones.
    wild: bool,
    states: u8,
    inputs: u8,
    horizon: u8,
    /// Added to the diagonal of H, in quarters: small ones may leave it indefinite.
    shift: u8,
    numbers: Vec<Number>,
    /// What bounds there are, cycled.
    bounds: Vec<(u8, Number, u8)>,
    start: Vec<Number>,
    patience: u8,
    two_metric: bool,
    max_steps: u8,
    split: u8,
    tolerance: u8,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

impl Input {
    fn number<T: Real>(&self, k: usize) -> T {
        let number = cycled(&self.numbers, k);
        if self.wild { number.wild() } else { number.tame::<T>() * T::from_f64(0.125) }
    }

    fn symmetric<T: Real>(&self, n: usize, from: usize, shift: T) -> Vec<T> {
        let entry = |i: usize, j: usize| {
            let value = self.number(from + i.min(j) * n + i.max(j));
            if i == j { value + shift } else { value }
        };
        (0..n * n).map(|k| entry(k / n, k % n)).collect()
    }

    fn bound<T: Real>(&self, k: usize) -> (T, T) {
        let (kind, number, width) = if self.bounds.is_empty() {
            (0, Number::Sixteenths(-16), 128)
        } else {
            self.bounds[k % self.bounds.len()]
        };
        let low: T = if self.wild { number.wild() } else { number.tame() };
        let high = low + T::from_f64(f64::from(width) / 64.0);
        match kind % 8 {
            0 => (-T::INFINITY, high),
            1 => (low, T::INFINITY),
            2 => (-T::INFINITY, T::INFINITY),
            3 => (low, low),
            4 => (high, low),
            _ => (low, high),
        }
    }
}

fn check<T: Real>(input: &Input) {
    let shift = T::from_f64(f64::from(input.shift) / 4.0);
    let options = Options {
        stop: Stop {
            absolute: T::ZERO,
            relative: T::from_f64(10_f64.powi(-i32::from(input.tolerance % 14) - 1)),
            max_steps: u32::from(input.max_steps % 64),
            check_every: u32::from(input.split % 3),
        },
        patience: u32::from(input.patience % 8),
        fallback: if input.two_metric { Fallback::TwoMetric } else { Fallback::Dual },
    };
    if !input.staged {
        let n = usize::from(input.inputs % 8) + 1;
        let h = input.symmetric::<T>(n, 0, shift);
        let f: Vec<T> = (0..n).map(|k| input.number(n * n + k)).collect();
        match Condensed::new(&h, n) {
            Ok(model) => check_model(input, &model, &f, Condensed::<T>::required_len(n), &options, Some(&h)),
            Err(error) => check_error(error, |name| if name == "row" { n } else { h.len() }),
        }
        return;
    }
    let (n, m) = (usize::from(input.states % 4) + 1, usize::from(input.inputs % 3) + 1);
    let horizon = usize::from(input.horizon % 6) + 1;
    let (q, r) = (input.symmetric::<T>(n, 7, shift), input.symmetric::<T>(m, 3, shift));
    let a: Vec<T> = (0..n * n).map(|k| input.number(k + 5)).collect();
    let b: Vec<T> = (0..n * m).map(|k| input.number(k + 11)).collect();
    let x0: Vec<T> = (0..n).map(|k| input.number(k + 2)).collect();
    let plant = Plant { states: n, inputs: m, a: &a, b: &b, q: &q, r: &r };
    let model = match Staged::new(plant, &q, horizon) {
        Ok(model) => model,
        Err(error) => {
            return check_error(error, |name| match name {
                "a" => a.len(),
                "b" => b.len(),
                "r" => r.len(),
                "row" => m,
                _ => q.len(),
            });
        }
    };
    // The condensed form, which is the oracle's: H exact to its own rounding.
    let variables = m * horizon;
    let (mut h, mut f) = (vec![T::ZERO; variables * variables], vec![T::ZERO; variables]);
    let sound = x0.iter().all(|x| x.is_finite());
    if sound {
        let mut storage = vec![T::NAN; condense_len(n, m, horizon)];
        condense(&model, &x0, &mut h, &mut f, &mut storage).expect("sound sizes");
    }
    let len = Staged::<T>::required_len(n, m, horizon);
    check_model(input, &model, &x0, len, &options, None);
    if !sound || input.wild || h.iter().chain(&f).any(|h| !h.is_finite()) {
        return;
    }
    // Message passing is the dense solve, where both are sure of themselves.
    let Ok(dense) = Condensed::new(&h, variables) else { return };
    let sure = Options { stop: Stop { max_steps: 400, ..Options::default().stop }, ..options };
    let one = run(input, &model, &x0, len, &sure, T::NAN);
    let two = run(input, &dense, &f, Condensed::<T>::required_len(variables), &sure, T::NAN);
    let (Some((x, one)), Some((y, two))) = (one, two) else { return };
    if one.report.converged() && two.report.converged() && input.shift >= 64 {
        // Strongly convex by 8 at least: errors are at most the residuals over that.
        let scale = one.report.scale.to_f64().max(two.report.scale.to_f64());
        let tolerance = 2.0 * sure.stop.relative.to_f64() + 1024.0 * T::EPSILON.to_f64();
        for (x, y) in x.iter().zip(&y) {
            let apart = (*x - *y).abs().to_f64();
            assert!(apart <= tolerance * scale * variables as f64, "{x} {y} {one:?} {two:?}");
        }
    }
}

type Left<T> = (Vec<T>, BoxReport<T>);

fn bounds<T: Real>(input: &Input, n: usize) -> (Vec<T>, Vec<T>) {
    (0..n).map(|k| input.bound::<T>(k)).unzip()
}

fn begin<T: Real>(input: &Input, n: usize) -> Vec<T> {
    let number = |k| if input.wild { cycled(&input.start, k).wild() } else { cycled(&input.start, k).tame() };
    (0..n).map(number).collect()
}

fn run<T: Real, M: Model<T>>(
    input: &Input,
    model: &M,
    data: &[T],
    len: usize,
    options: &Options<T>,
    dirt: T,
) -> Option<Left<T>> {
    let (lower, upper) = bounds::<T>(input, model.variables());
    let problem = Problem::new(model, data, &lower, &upper).ok()?;
    let mut storage = vec![dirt; len];
    let mut workspace = Workspace::new(model, &mut storage).expect("long enough");
    let mut x = begin::<T>(input, model.variables());
    let found = solve(&problem, options, &mut x, &mut workspace, &mut ()).ok()?;
    Some((x, found))
}

fn check_model<T: Real, M: Model<T>>(
    input: &Input,
    model: &M,
    data: &[T],
    len: usize,
    options: &Options<T>,
    h: Option<&[T]>,
) {
    let n = model.variables();
    let (lower, upper) = bounds::<T>(input, n);
    let problem = match Problem::new(model, data, &lower, &upper) {
        Ok(problem) => problem,
        Err(Error::Bounds { index }) => return assert!(lower[index] > upper[index]),
        Err(error) => return check_error(error, |name| if name == M::DATA { data.len() } else { n }),
    };
    let mut storage = vec![T::NAN; len];
    let mut workspace = Workspace::new(model, &mut storage).expect("long enough");
    let first = begin::<T>(input, n);
    let mut x = first.clone();
    let found = match solve(&problem, options, &mut x, &mut workspace, &mut ()) {
        Ok(found) => found,
        Err(error) => {
            assert_eq!(bits(&x), bits(&first), "{error:?} touched x");
            return check_error(error, |_| n);
        }
    };
    let report = found.report;
    for ((x, lo), hi) in x.iter().zip(&lower).zip(&upper) {
        assert!(lo <= x && x <= hi, "{x} is not in [{lo}, {hi}]: {found:?}");
    }
    match report.status {
        Status::Converged => assert!(report.residual <= options.stop.relative * report.scale, "{found:?}"),
        Status::StepLimit => assert_eq!(report.steps, options.stop.max_steps),
        Status::Stalled | Status::Breakdown | Status::NotFinite => {}
        status => panic!("{status:?}"),
    }
    let count = |at: &dyn Fn(usize) -> bool| (0..n).filter(|&i| at(i)).count();
    assert_eq!(found.at_lower, count(&|i| x[i] <= lower[i]));
    assert_eq!(found.at_upper, count(&|i| x[i] >= upper[i] && x[i] > lower[i]));

    // Objective and residual are those of x, by plain loops where H is at hand.
    if let (Some(h), false) = (h, input.wild) {
        let look = |x: &[T]| {
            let (mut objective, mut worst, mut size) = (0.0, 0.0_f64, 0.0_f64);
            for i in 0..n {
                let hx = (0..n).map(|j| h[i * n + j].to_f64() * x[j].to_f64());
                let terms = (0..n).map(|j| (h[i * n + j].to_f64() * x[j].to_f64()).abs());
                let (hx, f, xi) = (hx.sum::<f64>(), data[i].to_f64(), x[i].to_f64());
                size = size.max((terms.sum::<f64>() + f.abs()) * xi.abs().max(1.0));
                objective += xi * (0.5 * hx + f);
                let g = hx + f;
                let g = if x[i] > lower[i] { g } else { g.min(0.0) };
                let g = if x[i] < upper[i] { g } else { g.max(0.0) };
                worst = worst.max(g.abs());
            }
            (objective, worst, size)
        };
        let (objective, worst, size) = look(&x);
        let bound = 16.0 * n as f64 * n as f64 * T::EPSILON.to_f64() * size;
        assert!((found.objective.to_f64() - objective).abs() <= bound, "{found:?}: {objective} ± {bound}");
        assert!((report.residual.to_f64() - worst).abs() <= bound, "{found:?}: {worst} ± {bound}");
        let boxed: Vec<T> =
            first.iter().zip(&lower).zip(&upper).map(|((x, &lo), &hi)| x.max(lo).min(hi)).collect();
        // Unless H is not positive definite, in which case any stationary point may be the end.
        if input.shift >= 64 {
            let (before, _, other) = look(&boxed);
            let bound = bound + 16.0 * n as f64 * n as f64 * T::EPSILON.to_f64() * other;
            assert!(objective <= before + bound, "{found:?}: {objective}, at the start {before}");
        }
    }

    // The same bits from dirty memory and another instruction set, and from factors that were kept.
    force_level(Some(Level::Scalar));
    let again = run(input, model, data, len, options, T::ONE).expect("as before");
    force_level(None);
    assert_eq!((bits(&again.0), again.1.report.status), (bits(&x), report.status));
    let mut warm = first.clone();
    let kept = solve(&problem, options, &mut warm, &mut workspace, &mut ()).expect("as before");
    assert_eq!((bits(&warm), kept.report.steps), (bits(&x), report.steps), "{found:?} {kept:?}");

    // Two drives for one, if both look at the same steps.
    let cut = u32::from(input.split) % options.stop.max_steps.max(1);
    if report.status == Status::Converged && cut < report.steps && options.stop.check_every <= 1 {
        let mut pieces = first.clone();
        let mut storage = vec![T::MAX; len];
        let mut workspace = Workspace::new(model, &mut storage).expect("long enough");
        let mut run = start(&problem, options, &mut pieces, &mut workspace).expect("as before");
        drive(&mut run, &Stop { max_steps: cut, ..options.stop }, &mut ());
        drive(&mut run, &options.stop, &mut ());
        assert_eq!(bits(&pieces), bits(&x), "{found:?} cut at {cut}");
    }
}
