//! Losses of block coordinate descent that are not plain squares: values and gradients are those of plain loops, a
//! state that was moved is the state that belongs to x, curvatures bound and slopes support, and descent never rises.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::descent::losses::{Huber, Logistic, Softmax, label_propagation, label_propagation_len};
use southwell::descent::penalties::Free;
use southwell::descent::selection::{GreedyVariable, Score};
use southwell::descent::update::{Gradient, ProxNewton};
use southwell::descent::{self, Loss, Measure, Options, Problem, Scheme, Sizes, Update, Workspace};
use southwell::linear::{Columns, Csr};
use southwell::{Error, Real, Run, Status, Stop};
use southwell_fuzz::{Number, bit, bits, cycled, number_bits, thrice};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    kind: Kind,
    variables: u8,
    samples: u8,
    classes: u8,
    entries: Vec<Number>,
    pattern: Vec<u8>,
    /// Labels, observations, labelled vertices.
    labels: Vec<u8>,
    delta: u8,
    first: Vec<Number>,
    newton: bool,
    block: u8,
    steps: u8,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Kind {
    Softmax,
    Logistic,
    Huber,
    Labels,
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

/// What plain loops in `f64` say: f, ∇f, and how far rounding of the type may carry each, in units of ε.
struct Look {
    value: f64,
    gradient: Vec<f64>,
    of_value: f64,
    of_gradient: Vec<f64>,
}

/// What a sample adds: its value and slopes from the products of its classes.
type OfSample<'a> = dyn Fn(usize, &[f64]) -> (f64, Vec<f64>) + 'a;

/// ln Σ e^z, and the shares of it.
fn soft(z: &[f64]) -> (f64, Vec<f64>) {
    let top = z.iter().fold(f64::NEG_INFINITY, |top, &z| top.max(z));
    let sum: f64 = z.iter().map(|z| (z - top).exp()).sum();
    (top + sum.ln(), z.iter().map(|z| (z - top).exp() / sum).collect())
}

impl Input {
    fn label(&self, k: usize) -> u8 {
        if self.labels.is_empty() { k as u8 } else { self.labels[k % self.labels.len()] }
    }

    fn entry(&self, k: usize) -> f64 {
        // Not so large that f32 has no digits left of a probability.
        let number = cycled(&self.entries, k).tame::<f64>().clamp(-8.0, 8.0);
        if bit(&self.pattern, k) { number } else { 0.0 }
    }

    fn first<T: Real>(&self, p: usize) -> Vec<T> {
        (0..p).map(|i| T::from_f64(cycled(&self.first, i).tame::<f64>().clamp(-4.0, 4.0))).collect()
    }

    /// A loss of the products with a design of p columns of n: `of` takes sample and products of its classes, and
    /// gives value, slopes, and how large what is added was.
    fn look(&self, a: &[f64], n: usize, k: usize, x: &[f64], of: &OfSample<'_>) -> Look {
        let p = x.len() / k;
        let mut look =
            Look { value: 0.0, gradient: vec![0.0; x.len()], of_value: 1.0, of_gradient: vec![1.0; x.len()] };
        for i in 0..n {
            let entry = |j: usize| a[j * n + i];
            let z: Vec<f64> = (0..k).map(|c| (0..p).map(|j| entry(j) * x[j * k + c]).sum()).collect();
            let size: f64 = (0..p * k).map(|v| (entry(v / k) * x[v]).abs()).sum::<f64>() + 8.0;
            let (value, slopes) = of(i, &z);
            look.value += value;
            look.of_value += size * (1.0 + slopes.iter().map(|s| s.abs()).sum::<f64>());
            for v in 0..p * k {
                look.gradient[v] += entry(v / k) * slopes[v % k];
                look.of_gradient[v] += entry(v / k).abs() * (size + slopes[v % k].abs());
            }
        }
        look
    }
}

fn check<T: Real>(input: &Input) {
    let (n, p) = (usize::from(input.samples % 9) + 1, usize::from(input.variables % 5) + 1);
    let a: Vec<f64> = (0..n * p).map(|k| T::from_f64(input.entry(k)).to_f64()).collect();
    let entries: Vec<T> = a.iter().map(|&a| T::from_f64(a)).collect();
    let design = Columns::new(&entries, n, p).expect("a sound design");
    match input.kind {
        Kind::Softmax => {
            let k = usize::from(input.classes % 3) + 2;
            let labels: Vec<u32> = (0..n).map(|i| u32::from(input.label(i)) % k as u32).collect();
            let loss = Softmax::new::<T>(design, k, &labels).expect("sound labels");
            losses::<T, _>(input, &loss, &|x| {
                input.look(&a, n, k, x, &|i, z| {
                    let (value, mut shares) = soft(z);
                    shares[labels[i] as usize] -= 1.0;
                    (value - z[labels[i] as usize], shares)
                })
            });
        }
        Kind::Logistic => {
            let sign = |i: usize| if input.label(i).is_multiple_of(2) { 1.0 } else { -1.0 };
            let labels: Vec<T> = (0..n).map(|i| T::from_f64(sign(i))).collect();
            let loss = Logistic::new(design, &labels).expect("sound labels");
            losses::<T, _>(input, &loss, &|x| {
                input.look(&a, n, 1, x, &|i, z| {
                    let (value, shares) = soft(&[0.0, -sign(i) * z[0]]);
                    (value, vec![-sign(i) * shares[1]])
                })
            });
        }
        Kind::Huber => {
            let target: Vec<T> =
                (0..n).map(|i| T::from_f64(f64::from(input.label(i)) / 32.0 - 4.0)).collect();
            let delta = f64::from(input.delta) / 32.0;
            let loss = match Huber::new(design, &target, T::from_f64(delta)) {
                Ok(loss) => loss,
                Err(error) => return assert!(input.delta == 0, "{error:?}"),
            };
            losses::<T, _>(input, &loss, &|x| {
                input.look(&a, n, 1, x, &|i, z| {
                    let r = z[0] - target[i].to_f64();
                    let cut = r.clamp(-delta, delta);
                    (cut * (r - 0.5 * cut), vec![cut])
                })
            });
        }
        Kind::Labels => spread::<T>(input, n + 1),
    }
}

/// Labels that spread over a graph of so many vertices.
fn spread<T: Real>(input: &Input, n: usize) {
    let mut weights = vec![0.0; n * n];
    for (i, j) in (0..n).flat_map(|i| (0..i).map(move |j| (i, j))) {
        let w = T::from_f64(input.entry(i * n + j)).to_f64();
        (weights[i * n + j], weights[j * n + i]) = (w, w);
    }
    let (mut offsets, mut columns, mut values) = (vec![0], vec![], vec![]);
    for row in weights.chunks(n) {
        for (j, &w) in row.iter().enumerate().filter(|(_, w)| **w != 0.0) {
            columns.push(j as u32);
            values.push(T::from_f64(w));
        }
        offsets.push(columns.len() as u32);
    }
    let graph = Csr::new(&offsets, &columns, &values).expect("a sound graph");
    let count = usize::from(input.classes) % n;
    let labelled: Vec<u32> = (0..count).map(|k| u32::from(input.label(k)) % (n as u32 + 1)).collect();
    let given: Vec<T> = (0..count).map(|k| T::from_f64(f64::from(k as u8) - 1.0)).collect();
    let (numbers, indices) = label_propagation_len(n, columns.len(), count);
    let (mut numbers, mut indices) = (vec![T::NAN; numbers], vec![u32::MAX - 7; indices]);
    let twice = (0..count).any(|k| labelled[..k].contains(&labelled[k]) || labelled[k] as usize >= n);
    let negative = weights.iter().any(|&w| w < 0.0);
    let (loss, vertices) = match label_propagation(&graph, &labelled, &given, &mut numbers, &mut indices) {
        Ok(assembled) => assembled,
        Err(Error::Negative { index, .. }) => return assert!(values[index] < T::ZERO),
        Err(Error::Structure { index, .. }) => return assert!(twice && index < count),
        // Every vertex without a label has no neighbour: no matrix has a diagonal of zeros.
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(!negative && !twice && vertices.len() == n - count && vertices.is_sorted());
    let whole = |x: &[f64]| {
        let mut all = vec![0.0; n];
        labelled.iter().zip(&given).for_each(|(&v, y)| all[v as usize] = y.to_f64());
        vertices.iter().zip(x).for_each(|(&v, &x)| all[v as usize] = x);
        all
    };
    losses::<T, _>(input, &loss, &|x| {
        let (here, start) = (whole(x), whole(&vec![0.0; x.len()]));
        let mut look =
            Look { value: 0.0, gradient: vec![0.0; x.len()], of_value: 1.0, of_gradient: vec![1.0; x.len()] };
        for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
            let w = weights[i * n + j];
            // Every pair twice, without what it adds where x is 0.
            look.value += 0.25 * w * ((here[i] - here[j]).powi(2) - (start[i] - start[j]).powi(2));
            let size = here[i].abs() + here[j].abs() + start[i].abs() + start[j].abs();
            look.of_value += w * size * size;
            if let Some(at) = vertices.iter().position(|&v| v as usize == i) {
                look.gradient[at] += w * (here[i] - here[j]);
                look.of_gradient[at] += w * size;
            }
        }
        look
    });
}

fn wide<T: Real>(x: &[T]) -> Vec<f64> {
    x.iter().map(|x| x.to_f64()).collect()
}

fn losses<T: Real, L: Loss<T>>(input: &Input, loss: &L, plain: &dyn Fn(&[f64]) -> Look) {
    let p = loss.variables();
    if p == 0 {
        return;
    }
    let unit = 16.0 * T::EPSILON.to_f64() * (p as f64 + 16.0);
    let x = input.first::<T>(p);
    let z: Vec<T> = (0..p).map(|i| x[(i + 1) % p] + T::HALF).collect();
    let (here, there) = (plain(&wide(&x)), plain(&wide(&z)));
    let mut state = vec![T::NAN; loss.state_len()];
    loss.begin(&x, &mut state);
    let value = loss.value(&x, &state).to_f64();
    assert!((value - here.value).abs() <= unit * here.of_value, "{value}, but {}", here.value);
    let mut out = vec![T::NAN; loss.gradient_len()];
    let g = wide(loss.gradient(&state, &mut out));
    for (i, &g) in g.iter().enumerate() {
        let (exact, off) = (here.gradient[i], unit * here.of_gradient[i]);
        assert!((g - exact).abs() <= off, "{g} is no slope: {exact} ± {off}");
        assert!((loss.partial(i, &state).to_f64() - exact).abs() <= off);
    }
    // A plane below, and parabolas above.
    let along: f64 = (0..p).map(|i| here.gradient[i] * (z[i].to_f64() - x[i].to_f64())).sum();
    let off = 1e-12 * (here.of_value + there.of_value);
    assert!(there.value + off >= here.value + along, "{} below {} + {along}", there.value, here.value);
    for i in 0..p {
        let step = f64::from(input.block % 16) / 4.0 - 2.0;
        let mut moved = wide(&x);
        moved[i] += step;
        let after = plain(&moved);
        let most = here.value + step * here.gradient[i] + 0.5 * step * step * loss.lipschitz(i).to_f64();
        let off = (1e-12 + unit) * (here.of_value + after.of_value);
        assert!(after.value <= most + off, "{} above {most}: curvature of {i}", after.value);
    }
    // From x to z, one variable after the other.
    for (i, (&x, &z)) in x.iter().zip(&z).enumerate() {
        loss.shift(i, z - x, &mut state);
    }
    loss.finish(&mut state);
    let value = loss.value(&z, &state).to_f64();
    let off = 2.0 * unit * (here.of_value + there.of_value);
    assert!((value - there.value).abs() <= off, "moved to {value}, but {}", there.value);
    if input.newton {
        descend(input, loss, ProxNewton { max_sweeps: 50, ..ProxNewton::default() }, plain);
    } else {
        descend(input, loss, Gradient, plain);
    }
}

fn descend<T: Real, L: Loss<T>, U: Update<T> + Copy>(
    input: &Input,
    loss: &L,
    update: U,
    plain: &dyn Fn(&[f64]) -> Look,
) {
    let p = loss.variables();
    let max_steps = u32::from(input.steps % 32);
    let stop = Stop { max_steps, ..Stop::relative(T::from_f64(1e-5)) };
    let options = Options { stop, measure: Measure::Violation };
    let Ok(problem) = Problem::new(loss, &Free) else { return };
    let make =
        || Scheme { select: GreedyVariable::new(usize::from(input.block) % p + 1, Score::Violation), update };
    let sizes = Sizes::of(&problem, &make());
    let memory = |dirt: T| {
        let indices = vec![u32::MAX; Workspace::<T>::required_indices(&sizes)];
        (vec![dirt; Workspace::<T>::required_len(&sizes)], indices)
    };
    let (report, left) = {
        let mut found = None;
        thrice(|dirt: T| {
            let (mut scheme, (mut numbers, mut indices)) = (make(), memory(dirt));
            let work = Workspace::new(&problem, &scheme, &mut numbers, &mut indices).expect("memory");
            let mut x = input.first::<T>(p);
            let outcome = descent::solve(&problem, &options, &mut scheme, &mut x, work, &mut ());
            let outcome = outcome.expect("a run");
            found = Some((outcome.report, x.clone()));
            (outcome.report.status, outcome.report.steps, number_bits(outcome.objective), bits(&x))
        });
        found.expect("three of them")
    };
    assert!(left.iter().all(|x| x.is_finite()), "{report:?} {left:?}");
    let (mut scheme, (mut numbers, mut indices)) = (make(), memory(T::ZERO));
    let work = Workspace::new(&problem, &scheme, &mut numbers, &mut indices).expect("memory");
    let mut x = input.first::<T>(p);
    let mut run = descent::start(&problem, &options, &mut scheme, &mut x, work).expect("a run");
    let unit = 16.0 * T::EPSILON.to_f64() * (p as f64 + 16.0);
    let mut before = plain(&wide(run.x()));
    let mut most = before.of_value;
    for step in 0..report.steps {
        run.step();
        let now = plain(&wide(run.x()));
        most = most.max(now.of_value);
        // The state was moved along: every step so far may have left its rounding in it.
        let rounding = f64::from(step + 2) * unit * most;
        assert!(now.value <= before.value + rounding, "{} to {} ± {rounding}", before.value, now.value);
        let told = run.objective().to_f64();
        assert!((told - now.value).abs() <= rounding, "{told}, but {} ± {rounding}", now.value);
        before = now;
    }
    // A claim of convergence that was denied put a state made anew in place of the one that was moved.
    if report.checks <= report.steps + 2 {
        assert_eq!(bits(run.x()), bits(&left), "steps by hand: {report:?}");
    }
    match report.status {
        Status::Converged => assert!(report.residual <= stop.relative * report.scale),
        Status::StepLimit => assert_eq!(report.steps, max_steps),
        Status::Stalled | Status::Breakdown | Status::NotFinite => {}
        status => panic!("{status:?}"),
    }
}
