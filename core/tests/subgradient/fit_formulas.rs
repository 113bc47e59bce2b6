//! Fits against their formulas, step by step, for lines through weighted points.

use southwell::subgradient::fit::{self, Reader, Rows, Start, Whitening};
use southwell::subgradient::method::Ending;
use southwell::subgradient::step::{Diminishing, Geometric};
use southwell::subgradient::{Quantile, Table, huber, refine};
use southwell::{Error, Run, Status, Stop};

use crate::common::draws::Stream;
use crate::common::{dot, norm};

const N: usize = 24;

/// Rows (1, t), some of weight 0, a few observations far off.
struct Data {
    rows: Vec<f64>,
    y: Vec<f64>,
    weights: Vec<f64>,
}

impl Data {
    fn new(seed: u64) -> Self {
        let numbers = Stream::new(seed, 1);
        // What a row of weight 0 holds plays no part, however large it is.
        let place = |i: usize| if i % 5 == 3 { 1e4 } else { 1.0 + 2.0 * numbers.normal(i) };
        let places: Vec<f64> = (0..N).map(place).collect();
        let far = |i: usize| if i % 6 == 1 { 20.0 } else { 0.0 };
        let y = (0..N).map(|i| 1.0 - 0.5 * places[i] + 0.3 * numbers.normal(N + i) + far(i)).collect();
        let weights = (0..N).map(|i| [1.0, 0.5, 2.0, 0.0, 1.0][i % 5]).collect();
        Data { rows: places.iter().flat_map(|&t| [1.0, t]).collect(), y, weights }
    }

    fn loss(&self, q: f64) -> Quantile<'_, f64> {
        let loss = Quantile::new(Table::new(&self.rows, N, 2).expect("a table"), &self.y, q);
        loss.and_then(|loss| loss.weighted(&self.weights)).expect("a loss")
    }

    fn fitted(&self, beta: &[f64]) -> Vec<f64> {
        self.rows.chunks(2).map(|row| dot(row, beta)).collect()
    }

    /// (Xᵀ V X)⁻¹ Xᵀ V r
    fn solved(&self, v: &[f64], r: &[f64]) -> [f64; 2] {
        let mut sums = [0.0; 5];
        for ((row, v), r) in self.rows.chunks(2).zip(v).zip(r) {
            let t = row[1];
            let terms = [1.0, t, t * t, *r, t * r];
            (0..5).for_each(|k| sums[k] += v * terms[k]);
        }
        let [a, b, c, d, e] = sums;
        let whole = a * c - b * b;
        [(d * c - e * b) / whole, (e * a - d * b) / whole]
    }

    /// The nearest fitted values to a vector, of the rows that count; 0 for the others.
    fn projected(&self, s: &[f64]) -> Vec<f64> {
        let counts: Vec<f64> = self.weights.iter().map(|&w| f64::from(u8::from(w > 0.0))).collect();
        let fitted = self.fitted(&self.solved(&counts, s));
        fitted.iter().zip(counts).map(|(f, c)| f * c).collect()
    }
}

fn near(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() < 1e-10 * (1.0 + e.abs()), "{what}: {found:?} {expected:?}");
    }
}

fn median(mut x: Vec<f64>) -> f64 {
    x.sort_by(f64::total_cmp);
    0.5 * (x[(x.len() - 1) / 2] + x[x.len() / 2])
}

/// Steps in coordinates of orthogonal columns are, in terms of fitted values, f ← f + η n P s, whatever the coordinates:
/// P projects onto what can be fitted, s are the slopes, and a bound is what their average without P's part proves.
#[test]
fn a_fit_steps_along_what_can_be_fitted_of_the_slopes() {
    let n = N as f64;
    for (seed, q, given) in [(1, 0.5, false), (2, 0.3, true), (3, 0.8, false)] {
        let data = Data::new(seed);
        let loss = data.loss(q);
        let slope = |i: usize, r: f64| data.weights[i] * if r > 0.0 { q } else { q - 1.0 };
        let value =
            |fitted: &[f64]| (0..N).map(|i| slope(i, data.y[i] - fitted[i]) * (data.y[i] - fitted[i])).sum();
        let begin = if given { [2.0, -1.0] } else { data.solved(&data.weights, &data.y) };
        let mut fitted = data.fitted(&begin);
        let counts: Vec<usize> = (0..N).filter(|&i| data.weights[i] > 0.0).collect();
        let unit = median(counts.iter().map(|&i| (data.y[i] - fitted[i]).abs()).collect());
        let of_b = norm(&counts.iter().map(|&i| fitted[i]).collect::<Vec<f64>>()) / n.sqrt();
        let (mut best, mut mean, mut total): (f64, _, _) = (value(&fitted), vec![0.0; N], 0.0);
        for steps in 0..20_u32 {
            let options = fit::Options {
                ending: Ending {
                    stop: Stop { max_steps: steps, ..Stop::relative(1e-14) },
                    ..Ending::default()
                },
                certify_every: 0,
                start: if given { Start::Given } else { Start::LeastSquares },
                ..fit::Options::default()
            };
            let whitening = Whitening::Orthogonal;
            let mut storage = vec![f64::NAN; fit::Workspace::<f64>::required_len(N, 2, whitening, true)];
            let mut indices = [9; 6];
            let mut beta = [2.0, -1.0];
            let rule = Diminishing(1.5);
            let work =
                fit::Workspace::new(&loss, whitening, true, &mut storage, &mut indices).expect("memory");
            let found = fit::solve(&loss, &options, rule, &mut beta, work, &mut ());
            let found = found.expect("sound");
            near(&[found.value], &[best], "value");
            near(&[value(&data.fitted(&beta))], &[best], "what is left");
            assert_eq!((found.report.steps, found.report.status), (steps, Status::StepLimit));
            near(&[found.report.scale], &[unit.max(of_b)], "scale");
            // Before the first step nothing was averaged.
            let s: Vec<f64> = mean.iter().map(|s| if steps == 0 { 0.0 } else { s / total }).collect();
            let of_x = data.projected(&s);
            let (mut bound, mut shrink) = (0.0, 1.0_f64);
            for &i in &counts {
                let s = s[i] - of_x[i];
                let most = data.weights[i] * if s < 0.0 { 1.0 - q } else { q };
                shrink = shrink.min(most / s.abs());
                bound += s * data.y[i];
            }
            let bound = (shrink * bound).clamp(0.0, best);
            near(&[found.lower_bound], &[bound], "bound");
            let s: Vec<f64> = (0..N).map(|i| slope(i, data.y[i] - fitted[i])).collect();
            let along = data.projected(&s);
            let eta = 1.5 / f64::from(steps + 1).sqrt() * unit / (n.sqrt() * norm(&along));
            (0..N)
                .for_each(|i| (mean[i], fitted[i]) = (mean[i] + eta * s[i], fitted[i] + eta * n * along[i]));
            total += eta;
            best = best.min(value(&fitted));
            // The same run, looked at on the way.
            let work =
                fit::Workspace::new(&loss, whitening, true, &mut storage, &mut indices).expect("memory");
            let mut run = fit::start(&loss, &options, rule, &mut beta, work).expect("sound");
            assert_eq!(run.steps(steps + 1), steps + 1);
            let length = 1.5 / f64::from(steps + 1).sqrt() * unit;
            if !given {
                near(&[run.residual(), run.parameter()], &[length, eta], "length and factor");
            }
        }
    }
}

/// Nothing is done but to look: with columns that are merely scaled, a start that is handed in is that.
#[test]
fn scaled_columns_begin_where_they_are_told_to() {
    let data = Data::new(5);
    let loss = data.loss(0.5);
    let whitening = Whitening::Columns;
    let mut storage = vec![f64::NAN; fit::Workspace::<f64>::required_len(N, 2, whitening, false)];
    let mut indices = [9; 6];
    let work = fit::Workspace::new(&loss, whitening, false, &mut storage, &mut indices).expect("memory");
    let ending = Ending { stop: Stop { max_steps: 0, ..Stop::relative(1e-14) }, ..Ending::default() };
    let options = fit::Options { ending, start: Start::Given, certify_every: 0, ..fit::Options::default() };
    let mut beta = [2.0, -1.0];
    let found = fit::solve(&loss, &options, fit::rule(), &mut beta, work, &mut ()).expect("sound");
    near(&[found.value], &[loss.value(&[2.0, -1.0])], "value");
    near(&beta, &[2.0, -1.0], "coefficients");
}

/// Converged is what is within the share of the value that was asked for, however small values are.
#[test]
fn a_gap_is_a_share_of_the_value() {
    let mut data = Data::new(6);
    data.y.iter_mut().for_each(|y| *y *= 1e-3);
    let loss = data.loss(0.5);
    let fitted = |gap: f64| {
        let whitening = Whitening::Orthogonal;
        let mut storage = vec![f64::NAN; fit::Workspace::<f64>::required_len(N, 2, whitening, true)];
        let mut indices = [9; 6];
        let work = fit::Workspace::new(&loss, whitening, true, &mut storage, &mut indices).expect("memory");
        let ending = Ending { stop: Stop { max_steps: 40, ..Stop::relative(1e-14) }, ..Ending::default() };
        let options = fit::Options { ending, gap, certify_every: 0, ..fit::Options::default() };
        let mut beta = [0.0; 2];
        fit::solve(&loss, &options, Diminishing(1.5), &mut beta, work, &mut ()).expect("sound")
    };
    let found = fitted(0.0);
    let share = found.gap() / found.value;
    assert!(found.value < 0.1 && share > 1e-4 && share < 0.5 && found.report.residual > 0.0, "{found:?}");
    assert!(fitted(0.5 * share).report.residual > 0.0);
    assert_eq!(fitted(2.0 * share).report.residual, 0.0);
}

/// Rows read in parts.
struct Parts(usize);

impl Reader<f64> for Parts {
    fn read(&self, rows: &Rows<'_, f64>, x: &[f64], slopes: &mut [f64], g: &mut [f64]) -> f64 {
        assert_eq!(rows.count(), N);
        assert_eq!([rows.part(N, 1).count(), rows.part(N + 5, 3).count()], [0, 0]);
        assert_eq!(rows.part(3, usize::MAX).count(), N - 3);
        assert_eq!(rows.part(3, 10).part(4, 9).count(), 6);
        g.fill(0.0);
        let mut value = 0.0;
        for first in (0..N).step_by(self.0) {
            // A part of a part, counted from its first.
            let part = rows.part(first.saturating_sub(1), 2 * self.0 + 1).part(first.min(1), self.0);
            assert_eq!(part.count(), self.0.min(N - first));
            let mut own = [f64::NAN; 2];
            let kept = slopes.get_mut(first..(first + self.0).min(N)).unwrap_or(&mut []);
            value += part.read(x, kept, &mut own);
            g.iter_mut().zip(own).for_each(|(g, own)| *g += own);
        }
        value
    }
}

/// Value, bound and coefficients.
fn fitted(loss: &Quantile<'_, f64>, reader: impl Reader<f64>, bound: bool) -> [f64; 4] {
    let whitening = Whitening::Orthogonal;
    let mut storage = vec![f64::NAN; fit::Workspace::<f64>::required_len(N, 2, whitening, bound)];
    let mut indices = [9; 6];
    let work = fit::Workspace::new(loss, whitening, bound, &mut storage, &mut indices).expect("memory");
    let options = fit::Options { ending: Ending::after(60), certify_every: 0, ..fit::Options::default() };
    let (mut beta, rule) = ([0.0; 2], Geometric::new(1.0, 0.9));
    let found = fit::solve_with(reader, loss, &options, rule, &mut beta, work, &mut ()).expect("sound");
    [found.value, found.lower_bound, beta[0], beta[1]]
}

#[test]
fn rows_may_be_read_in_parts() {
    let data = Data::new(4);
    let loss = data.loss(0.4);
    for bound in [false, true] {
        let whole = fitted(&loss, (), bound);
        assert!(!bound || whole[1] > 0.0, "{whole:?}");
        for size in [1, 5, 7, N, N + 3] {
            near(&fitted(&loss, Parts(size), bound), &whole, "in parts");
        }
    }
}

/// β ← β + (Xᵀ V X)⁻¹ Xᵀ V r, v = w min(1, δ/|r|), and the bound of the residuals after it with the weights before it.
#[test]
fn hubers_regression_follows_its_formula() {
    let delta = 0.4;
    for seed in 1..4 {
        let data = Data::new(seed);
        let table = Table::new(&data.rows, N, 2).expect("a table");
        let loss = huber::Huber::new(table, &data.y, delta).expect("a loss");
        let loss = loss.weighted(&data.weights).expect("weights");
        let residuals =
            |beta: &[f64]| -> Vec<f64> { data.y.iter().zip(data.fitted(beta)).map(|(y, f)| y - f).collect() };
        let value = |beta: &[f64]| -> f64 {
            let h =
                |u: f64| if u.abs() <= delta { u * u / 2.0 } else { delta * u.abs() - delta * delta / 2.0 };
            residuals(beta).iter().zip(&data.weights).map(|(&r, w)| w * h(r)).sum()
        };
        let (mut at, mut bound) = ([3.0, 1.0], 0.0_f64);
        let scale = value(&at);
        for steps in 0..12_u32 {
            let mut storage = vec![f64::NAN; huber::Workspace::<f64>::required_len(2)];
            let work = huber::Workspace::new(&loss, &mut storage).expect("memory");
            let stop = Stop { max_steps: steps, ..Stop::relative(1e-15) };
            let mut beta = [3.0, 1.0];
            let found = huber::solve(&loss, &stop, &mut beta, work, &mut ()).expect("sound");
            near(&beta, &at, "coefficients");
            near(&[found.value, found.lower_bound], &[value(&at), bound], "value and bound");
            near(
                &[loss.value(&at), found.report.scale],
                &[value(&at), scale],
                "the loss, and where it began",
            );
            near(&[found.report.residual], &[value(&at) - bound], "residual");
            assert_eq!((found.report.steps, found.seen_at), (steps, steps));
            let r = residuals(&at);
            let v: Vec<f64> = (0..N).map(|i| data.weights[i] * (delta / r[i].abs()).min(1.0)).collect();
            let change = data.solved(&v, &r);
            at = [at[0] + change[0], at[1] + change[1]];
            let next = residuals(&at);
            let (mut linear, mut square, mut most) = (0.0, 0.0, f64::INFINITY);
            for i in (0..N).filter(|&i| data.weights[i] > 0.0) {
                let s = v[i] * next[i];
                linear += s * data.y[i];
                square += s * s / data.weights[i];
                most = most.min(data.weights[i] * delta / s.abs());
            }
            let share = most.min(linear / square);
            bound = bound.max(share * linear - share * share * square / 2.0).min(value(&at));
        }
        assert!(bound > 0.0 && bound < value(&at));
    }
}

/// σ = 1.4826 median |r|, what is beyond the cut left out, again until no row comes or goes, then least squares.
#[test]
fn refinement_follows_its_recipe() {
    for (seed, cut) in [(1, 4.0), (2, 1.5), (3, 2.5), (4, 1.0)] {
        let data = Data::new(seed);
        let loss = data.loss(0.5);
        let before = [0.9, -0.4];
        let r: Vec<f64> = data.y.iter().zip(data.fitted(&before)).map(|(y, f)| (y - f).abs()).collect();
        let within =
            |limit: f64| (0..N).filter(|&i| data.weights[i] > 0.0 && r[i] <= limit).collect::<Vec<usize>>();
        let spread = |rows: &[usize]| 1.4826 * median(rows.iter().map(|&i| r[i]).collect());
        let mut rows = within(f64::INFINITY);
        let mut deviation = spread(&rows);
        loop {
            let kept = within(cut * deviation);
            deviation = spread(&kept);
            let same = kept.len() == rows.len();
            rows = kept;
            if same {
                break;
            }
        }
        let used: Vec<f64> = (0..N).map(|i| if rows.contains(&i) { data.weights[i] } else { 0.0 }).collect();
        let fit = data.solved(&used, &data.y);
        let fitted = data.fitted(&fit);
        let square: f64 = rows.iter().map(|&i| (data.y[i] - fitted[i]).powi(2)).sum();
        let mut beta = before;
        let mut storage = vec![f64::NAN; refine::required_len(2)];
        let found = refine::refine(&loss, cut, &mut beta, &mut storage).expect("sound");
        near(&beta, &fit, "the fit of the kept rows");
        assert_eq!(found.kept, rows.len(), "{seed}");
        assert!(rows.len() < 20, "something is left out: {rows:?}");
        near(
            &[found.deviation, found.rms],
            &[deviation, (square / rows.len() as f64).sqrt()],
            "deviation, rms",
        );
    }
    // One place alone determines no line: the fit stays, and the residuals are its own.
    let (rows, y) = ([1.0, 2.0].repeat(5), [1.0, 2.0, 3.0, 4.0, 5.0]);
    let loss = Quantile::absolute(Table::new(&rows, 5, 2).expect("a table"), &y).expect("a loss");
    let mut beta = [1.0, 1.0];
    let mut storage = [f64::NAN; refine::required_len(2)];
    let found = refine::refine(&loss, 4.0, &mut beta, &mut storage).expect("sound");
    assert_eq!((beta, found.kept), ([1.0, 1.0], 5));
    near(&[found.deviation, found.rms], &[1.4826, 2.0_f64.sqrt()], "of what was handed in");
    let short = refine::refine(&loss, 4.0, &mut beta, &mut storage[..11]);
    assert_eq!(short.err(), Some(Error::Workspace { needed: 12, given: 11 }));
}
