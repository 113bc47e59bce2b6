//! What a controller prepares once: Riccati's terminal cost is the fixed point of a plain iteration, an inverse is one,
//! a solve with it is a solve without, inputs shift; neither dirty memory nor the instruction set shows.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::descent::box_qp::{
    Condensed, Model, Options, Plant, Prepared, Problem, Workspace, invert_condensed, shift, solve,
    terminal_cost, terminal_len,
};
use southwell::{Error, Real, Status, Stop};
use southwell_fuzz::{Number, bits, check_error, cycled, thrice};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    wild: bool,
    terminal: bool,
    states: u8,
    inputs: u8,
    /// Added to diagonals, in quarters.
    shift: u8,
    numbers: Vec<Number>,
    bounds: Vec<u8>,
    steps: u8,
    tolerance: u8,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

impl Input {
    fn number<T: Real>(&self, k: usize) -> T {
        let number = cycled(&self.numbers, k);
        if self.wild { number.wild() } else { T::from_f64(number.tame::<f64>().clamp(-8.0, 8.0) / 8.0) }
    }

    fn symmetric<T: Real>(&self, n: usize, from: usize) -> Vec<T> {
        let entry = |i: usize, j: usize| {
            let value = self.number::<T>(from + i.min(j) * n + i.max(j));
            if i == j { value + T::from_f64(f64::from(self.shift) / 4.0) } else { value }
        };
        (0..n * n).map(|k| entry(k / n, k % n)).collect()
    }
}

fn check<T: Real>(input: &Input) {
    if input.terminal {
        check_terminal::<T>(input)
    } else {
        check_prepared::<T>(input)
    }
    let m = usize::from(input.inputs % 5);
    let mut x: Vec<T> = (0..usize::from(input.states % 16)).map(|k| T::from_usize(k)).collect();
    let before = x.clone();
    shift(&mut x, m);
    for (k, &now) in x.iter().enumerate() {
        assert_eq!(now, before.get(k + m).copied().unwrap_or(before[k]), "{before:?} by {m}");
    }
}

type Matrix = Vec<Vec<f64>>;

fn matrix<T: Real>(values: &[T], columns: usize) -> Matrix {
    values.chunks(columns).map(|row| row.iter().map(|a| a.to_f64()).collect()).collect()
}

fn transposed(a: &Matrix) -> Matrix {
    (0..a[0].len()).map(|j| a.iter().map(|row| row[j]).collect()).collect()
}

fn times(a: &Matrix, b: &Matrix) -> Matrix {
    let entry = |row: &Vec<f64>, j: usize| row.iter().zip(b).map(|(a, b)| a * b[j]).sum();
    a.iter().map(|row| (0..b[0].len()).map(|j| entry(row, j)).collect()).collect()
}

/// A⁻¹ B by elimination with pivots; none if A is singular to rounding.
fn solved(a: &Matrix, b: &Matrix) -> Option<Matrix> {
    let n = a.len();
    let mut rows: Matrix = a.iter().zip(b).map(|(a, b)| [a.as_slice(), b].concat()).collect();
    for k in 0..n {
        let pivot = (k..n).max_by(|&i, &j| rows[i][k].abs().total_cmp(&rows[j][k].abs()))?;
        rows.swap(k, pivot);
        if rows[k][k].abs() < 1e-9 {
            return None;
        }
        let from = rows[k].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != k) {
            let factor = row[k] / from[k];
            row.iter_mut().zip(&from).for_each(|(a, b)| *a -= factor * b);
        }
    }
    Some(rows.iter().enumerate().map(|(k, row)| row[n..].iter().map(|b| b / row[k]).collect()).collect())
}

fn largest(a: &Matrix) -> f64 {
    a.iter().flatten().fold(0.0, |most, a| most.max(a.abs()))
}

/// Q + AᵀPA − AᵀPB K with K = (R + BᵀPB)⁻¹ BᵀPA, and the largest column sum of |K|.
fn riccati(plant: &Plant<'_, impl Real>, p: &Matrix) -> Option<(Matrix, f64)> {
    let (n, m) = (plant.states, plant.inputs);
    let (a, b) = (matrix(plant.a, n), matrix(plant.b, m));
    let (pa, pb) = (times(p, &a), times(p, &b));
    let inner = times(&transposed(&b), &pb);
    let weight: Matrix =
        (0..m).map(|i| (0..m).map(|j| plant.r[i * m + j].to_f64() + inner[i][j]).collect()).collect();
    let back = times(&transposed(&b), &pa);
    let gains = solved(&weight, &back)?;
    let gain = (0..n).map(|j| gains.iter().map(|row| row[j].abs()).sum()).fold(0.0, f64::max);
    let (square, less) = (times(&transposed(&a), &pa), times(&transposed(&back), &gains));
    let next = (0..n)
        .map(|i| (0..n).map(|j| plant.q[i * n + j].to_f64() + square[i][j] - less[i][j]).collect())
        .collect();
    Some((next, gain))
}

fn check_terminal<T: Real>(input: &Input) {
    let (n, m) = (usize::from(input.states % 4) + 1, usize::from(input.inputs % 3) + 1);
    let (q, r) = (input.symmetric::<T>(n, 7), input.symmetric::<T>(m, 3));
    let a: Vec<T> = (0..n * n).map(|k| input.number(k + 5)).collect();
    let b: Vec<T> = (0..n * m).map(|k| input.number(k + 11)).collect();
    let plant = Plant { states: n, inputs: m, a: &a, b: &b, q: &q, r: &r };
    let stop = Stop {
        max_steps: u32::from(input.steps),
        ..Stop::relative(T::from_f64(10_f64.powi(-i32::from(input.tolerance % 14) - 1)))
    };
    let mut left = None;
    let ended = thrice(|dirt: T| {
        let (mut p, mut storage) = (vec![dirt; n * n], vec![dirt; terminal_len(n, m)]);
        let report = terminal_cost(&plant, &mut p, &mut storage, &stop);
        if report.is_err() {
            assert_eq!(bits(&p), bits(&vec![dirt; n * n]), "{report:?}, but P was touched");
        }
        let ended = report.map(|report| (report.status, report.steps, bits(&p)));
        left = Some((report, p));
        ended
    });
    if let Err(error) = ended {
        return check_error(error, |name| match name {
            "a" => a.len(),
            "b" => b.len(),
            "r" => r.len(),
            "row" => m,
            _ => q.len(),
        });
    }
    let Some((Ok(report), p)) = left else { unreachable!("it has ended well") };
    assert!(p.iter().all(|p| p.is_finite()), "{report:?} {p:?}");
    match report.status {
        Status::Converged => assert!(report.residual <= stop.relative * report.scale, "{report:?}"),
        Status::StepLimit => assert_eq!(report.steps, stop.max_steps),
        Status::Breakdown | Status::NotFinite => {}
        status => panic!("{status:?}"),
    }
    // Where everything is convex, P is what plain loops make of P before it, and stays symmetric.
    if input.wild || input.shift < 64 {
        return;
    }
    let p = matrix(&p, n);
    let size = largest(&p) + 1.0;
    // R is at least 13, so that a pivot is lost only where a plant that cannot be brought to rest has made P so large
    // that rounding reaches that: by 8 n² m units of it a step.
    let lost = 8.0 * (n * n * m) as f64 * f64::from(report.steps) * T::EPSILON.to_f64() * size;
    assert!(report.status != Status::Breakdown || lost >= 13.0, "{report:?}");
    let unit = T::EPSILON.to_f64() * size;
    let back = transposed(&p);
    let skew =
        p.iter().flatten().zip(back.iter().flatten()).fold(0.0_f64, |most, (p, q)| most.max((p - q).abs()));
    assert!(skew <= 64.0 * unit, "P is not symmetric by {skew}: {p:?}");
    // The last step by plain loops. What rounding may do: an error E of the matrix whose Schur complement is taken becomes
    // (I, −K)ᵀ E (I, −K), as long as it is small beside R + BᵀPB, of which R alone is certain where P is large. It does as
    // much to the plain elimination, by how far R + BᵀPB is from a multiple of 1.
    let Some(steps) = report.steps.checked_sub(1) else { return };
    let (mut before, mut storage) = (vec![T::NAN; n * n], vec![T::NAN; terminal_len(n, m)]);
    let short = Stop { max_steps: steps, ..stop };
    terminal_cost(&plant, &mut before, &mut storage, &short).expect("as before");
    let before = matrix(&before, n);
    let Some((plain, gain)) = riccati(&plant, &before) else { return };
    let reach = (largest(&before) + 32.0) * (n * n) as f64;
    let unit = T::EPSILON.to_f64() + f64::EPSILON * reach;
    let apart =
        p.iter().flatten().zip(plain.iter().flatten()).fold(0.0_f64, |most, (p, q)| most.max((p - q).abs()));
    let error = 64.0 * unit * reach;
    let most = error * (1.0 + gain) * (1.0 + gain);
    assert!(error > 6.5 || apart <= most, "{report:?}: P is off by {apart}, at most {most}");
}

fn check_prepared<T: Real>(input: &Input) {
    let n = usize::from(input.inputs % 8) + 1;
    let h = input.symmetric::<T>(n, 0);
    let f: Vec<T> = (0..n).map(|k| input.number(n * n + k)).collect();
    let model = match Condensed::new(&h, n) {
        Ok(model) => model,
        Err(error) => return check_error(error, |name| if name == "row" { n } else { h.len() }),
    };
    let mut inverse = Vec::new();
    let (status, _) = thrice(|dirt: T| {
        let (mut storage, mut out) = (vec![dirt; n * n], vec![dirt; n * n]);
        let short = invert_condensed(&model, &mut out, &mut storage[1..]);
        assert!(matches!(short, Err(Error::Workspace { .. })), "{short:?}");
        let status = invert_condensed(&model, &mut out, &mut storage).expect("sound sizes");
        inverse = out;
        (status, if status == Status::Breakdown { Vec::new() } else { bits(&inverse) })
    });
    if input.wild || input.shift < 64 {
        return;
    }
    // Diagonals of 16 and more, other entries of at most 1: safely positive definite.
    assert_eq!(status, Status::Converged);
    let product = times(&matrix(&h, n), &matrix(&inverse, n));
    let unit = |i: usize, j: usize| f64::from(u8::from(i == j));
    let off =
        (0..n * n).fold(0.0_f64, |most, k| most.max((product[k / n][k % n] - unit(k / n, k % n)).abs()));
    assert!(off <= 64.0 * n as f64 * T::EPSILON.to_f64(), "H H⁻¹ is off by {off}");
    let prepared = Prepared::new(model, &inverse).expect("a sound inverse");
    let compact = Prepared::compact(model, &inverse).expect("a sound inverse");
    let bound =
        |k: usize| f64::from(input.bounds.get(k % input.bounds.len().max(1)).copied().unwrap_or(16)) / 256.0;
    let lower: Vec<T> = (0..n).map(|k| T::from_f64(-bound(2 * k))).collect();
    let upper: Vec<T> = (0..n).map(|k| T::from_f64(bound(2 * k + 1))).collect();
    let one = boxed(&model, &f, (&lower, &upper), Condensed::<T>::required_len(n));
    let two = boxed(&prepared, &f, (&lower, &upper), Prepared::<T>::required_len(n));
    let three = boxed(&compact, &f, (&lower, &upper), Prepared::<T>::required_len(n));
    // Strongly convex by 8 at least: all are within their residuals of the one minimum.
    let off =
        |x: &[T]| one.iter().zip(x).fold(0.0_f64, |most, (x, y)| most.max((x.to_f64() - y.to_f64()).abs()));
    let apart = off(&two).max(off(&three));
    let tolerance = Options::<T>::default().stop.relative.to_f64() + 64.0 * T::EPSILON.to_f64();
    let size = largest(&matrix(&f, n)) + largest(&matrix(&h, n));
    assert!(apart <= n as f64 * tolerance * size, "{one:?} {two:?} {three:?}");
}

fn boxed<T: Real, M: Model<T>>(model: &M, f: &[T], (lower, upper): (&[T], &[T]), len: usize) -> Vec<T> {
    let problem = Problem::new(model, f, lower, upper).expect("a sound problem");
    let mut left = Vec::new();
    thrice(|dirt: T| {
        let mut storage = vec![dirt; len];
        let mut workspace = Workspace::new(model, &mut storage).expect("long enough");
        let mut x = vec![T::ZERO; f.len()];
        let found = solve(&problem, &Options::default(), &mut x, &mut workspace, &mut ()).expect("a run");
        assert!(found.report.converged() || found.report.status == Status::Stalled, "{found:?}");
        assert!(x.iter().zip(lower.iter().zip(upper)).all(|(x, (lo, hi))| lo <= x && x <= hi));
        left = x;
        bits(&left)
    });
    left
}
