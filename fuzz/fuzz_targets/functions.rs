//! The functions that sub-gradient methods come with, under every method: values and slopes are those of plain
//! loops, the best value never rises and is that of the x that is left, bounds are bounds; steps by hand, dirty
//! memory, other instruction sets and data in another unit lead to the same bits.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use southwell::subgradient::dual_averaging::{self, Ending};
use southwell::subgradient::projection::Interval;
use southwell::subgradient::step::{
    Constant, Diminishing, Geometric, PathLevel, Polyak, Restarted, StepRule,
};
use southwell::subgradient::{
    GeometricMedian, MaxAffine, Minimax, Oracle, PhaseRetrieval, Problem, Table, method, mirror,
};
use southwell::{Error, Real, Run, Status};
use southwell_fuzz::{Number, bits, check_error, cycled, number_bits, thrice};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    wild: bool,
    function: Kind,
    method: Method,
    rows: u8,
    columns: u8,
    numbers: Vec<Number>,
    /// Offsets, observations, weights.
    others: Vec<Number>,
    start: Vec<Number>,
    rule: u8,
    length: u8,
    steps: u8,
    boxed: bool,
    l1: u8,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum Kind {
    MaxAffine,
    Minimax,
    Median,
    Weighted,
    Phase,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum Method {
    Projected,
    Mirror,
    /// Sub-gradients of length one, or as they come.
    Averaged(bool),
}

fuzz_target!(|input: Input| if input.double { check::<f64>(&input) } else { check::<f32>(&input) });

/// The numbers of a function, in units of which `unit` (a power of four) make one.
struct Data<T> {
    entries: Vec<T>,
    others: Vec<T>,
    n: usize,
    p: usize,
}

impl<T: Real> Data<T> {
    fn new(input: &Input, unit: f64) -> Self {
        let (n, p) = (1 + usize::from(input.rows % 20), 1 + usize::from(input.columns % 6));
        // What multiplies f by `unit`: sums in any order are the same but for the exponent.
        let (of_entries, of_others) = match input.function {
            Kind::MaxAffine | Kind::Minimax => (unit, unit),
            Kind::Median => (1.0, 1.0),
            Kind::Weighted => (1.0, unit),
            Kind::Phase => (unit.sqrt(), unit),
        };
        let number = |list: &[Number], k: usize, unit: f64| -> T {
            let number = cycled(list, k);
            T::from_f64(unit) * if input.wild { number.wild() } else { number.tame() }
        };
        let entries = (0..n * p).map(|k| number(&input.numbers, k, of_entries)).collect();
        let other = |k: usize| {
            let other = number(&input.others, k, of_others);
            if input.function == Kind::Weighted && !input.wild { other.abs() } else { other }
        };
        Self { entries, others: (0..n).map(other).collect(), n, p }
    }

    fn row(&self, i: usize) -> impl Iterator<Item = f64> + Clone + '_ {
        self.entries[i * self.p..(i + 1) * self.p].iter().map(|a| a.to_f64())
    }

    fn other(&self, i: usize) -> f64 {
        self.others[i].to_f64()
    }

    /// f at a point, and the sum of the sizes of all that is added on the way.
    fn plain(&self, kind: Kind, x: &[f64]) -> (f64, f64) {
        let dot = |i: usize| self.row(i).zip(x).map(|(a, x)| a * x).sum::<f64>();
        let reach = |i: usize| self.row(i).zip(x).map(|(a, x)| (a * x).abs()).sum::<f64>();
        let far = |i: usize| self.row(i).zip(x).map(|(a, x)| (x - a) * (x - a)).sum::<f64>().sqrt();
        let wide = |i: usize| self.row(i).zip(x).map(|(a, x)| a.abs() + x.abs()).sum::<f64>();
        let rows = 0..self.n;
        match kind {
            Kind::MaxAffine => (
                rows.clone().map(|i| dot(i) + self.other(i)).fold(f64::NEG_INFINITY, f64::max),
                rows.map(|i| reach(i) + self.other(i).abs()).fold(0.0, f64::max),
            ),
            Kind::Minimax => (
                rows.clone().map(|i| (self.other(i) - dot(i)).abs()).fold(0.0, f64::max),
                rows.map(|i| reach(i) + self.other(i).abs()).fold(0.0, f64::max),
            ),
            Kind::Median => (rows.clone().map(far).sum(), rows.map(wide).sum()),
            Kind::Weighted => (
                rows.clone().map(|i| self.other(i) * far(i)).sum(),
                rows.map(|i| self.other(i) * wide(i)).sum(),
            ),
            Kind::Phase => {
                let share = 1.0 / self.n as f64;
                let value = rows.clone().map(|i| (dot(i) * dot(i) - self.other(i)).abs()).sum::<f64>();
                let size = rows.map(|i| reach(i) * reach(i) + self.other(i).abs()).sum::<f64>();
                (value * share, size * share)
            }
        }
    }

    /// How far rounding may carry f from the plain value.
    fn rounding(&self, size: f64) -> f64 {
        let terms = (self.n + 2 * self.p) as f64 + 8.0;
        4.0 * terms * (T::EPSILON.to_f64() * size + T::MIN_POSITIVE.to_f64())
    }

    /// What `work` makes of the function, or why there is none.
    fn with<R>(&self, kind: Kind, work: impl FnOnce(&mut dyn Oracle<T>) -> R) -> Result<R, Error> {
        let table = Table::new(&self.entries, self.n, self.p)?;
        let mut storage = vec![T::NAN; 2 * self.n.max(self.p)];
        Ok(match kind {
            Kind::MaxAffine => work(&mut MaxAffine::new(table, &self.others, true, &mut storage)?),
            Kind::Minimax => work(&mut Minimax::new(table, &self.others, &mut storage)?),
            Kind::Median => work(&mut GeometricMedian::new(table, &mut storage)?),
            Kind::Weighted => work(&mut GeometricMedian::new(table, &mut storage)?.weighted(&self.others)?),
            Kind::Phase => work(&mut PhaseRetrieval::new(table, &self.others)?),
        })
    }
}

/// How a run ended, and what it left.
#[derive(Debug)]
struct Found<T> {
    status: Status,
    steps: u32,
    value: T,
    bound: T,
    x: Vec<T>,
}

impl<T: Real> Found<T> {
    /// Everything by bits, values in another unit.
    fn seen(&self, unit: T) -> (Status, u32, [u64; 2], Vec<u64>) {
        let numbers = [self.value * unit, self.bound * unit].map(number_bits);
        (self.status, self.steps, numbers, bits(&self.x))
    }
}

fn check<T: Real>(input: &Input) {
    let data = Data::<T>::new(input, 1.0);
    if let Err(error) = data.with(input.function, |oracle| at_points(input, &data, oracle)) {
        return check_error(error, |name| if name == "values" { data.n * data.p } else { data.n });
    }
    // The same from dirt, from other dirt, and with plain scalars.
    let driven = |dirt: T| run(input, &data, dirt, None).map(|found| found.seen(T::ONE));
    if let Err(error) = thrice(driven) {
        return check_error(error, |_| data.p);
    }
    let found = run(input, &data, T::ZERO, None).expect("as before");
    let by_hand = run(input, &data, T::ONE, Some((found.status, found.steps))).expect("as before");
    assert_eq!(by_hand.seen(T::ONE), found.seen(T::ONE), "steps by hand");
    assert!(found.x.iter().all(|x| x.is_finite()), "{found:?}");
    match found.status {
        Status::StepLimit => assert_eq!(found.steps, u32::from(input.steps)),
        Status::Optimal => assert!(found.value <= found.bound, "{found:?}"),
        Status::Converged | Status::NotFinite => {}
        status => panic!("{status:?}"),
    }
    if !input.wild {
        truths(input, &data, &found);
        in_another_unit(input, &found);
    }
    if input.function == Kind::MaxAffine && !input.wild {
        affine_bound(input, &data);
    }
}

/// Value and slope at two points: those of plain loops, and a plane below a convex f.
fn at_points<T: Real>(input: &Input, data: &Data<T>, oracle: &mut dyn Oracle<T>) {
    assert_eq!(oracle.dimension(), data.p);
    let point = |from: usize| (0..data.p).map(|k| cycled(&input.start, k + from).tame()).collect::<Vec<T>>();
    let (x, z) = (point(0), point(data.p));
    let mut g = vec![T::NAN; data.p];
    let value = oracle.value_and_subgradient(&x, &mut g);
    if input.wild {
        return;
    }
    let wide = |x: &[T]| x.iter().map(|x| x.to_f64()).collect::<Vec<f64>>();
    let ((here, size), (there, other)) =
        (data.plain(input.function, &wide(&x)), data.plain(input.function, &wide(&z)));
    assert!((value.to_f64() - here).abs() <= data.rounding(size), "{value}, but {here}");
    assert!(value >= oracle.floor());
    if input.function != Kind::Phase {
        let along: f64 =
            g.iter().zip(z.iter().zip(&x)).map(|(g, (z, x))| g.to_f64() * (z.to_f64() - x.to_f64())).sum();
        assert!(there + data.rounding(size + other) >= here + along, "{there} below {here} + {along}");
    }
}

fn rule<T: Real>(input: &Input) -> Box<dyn StepRule<T>> {
    let length = T::from_f64(f64::from(input.length) / 32.0);
    match input.rule % 6 {
        0 => Box::new(Constant(length)),
        1 => Box::new(Diminishing(length)),
        2 => Box::new(Geometric::new(length, T::from_f64(0.9)).restarted(2)),
        3 => Box::new(Restarted::new(length, T::HALF, 4)),
        4 => Box::new(PathLevel::new(T::ZERO, length)),
        _ => Box::new(Polyak::new(T::ZERO)),
    }
}

/// Steps by hand, none of which makes the best value worse.
fn by_hand<T: Real, R: Run<Real = T>>(run: &mut R, (status, steps): (Status, u32), best: impl Fn(&R) -> T) {
    let mut last = best(run);
    for _ in 0..steps {
        run.step();
        assert!(best(run) <= last, "the best value rose from {last} to {}", best(run));
        last = best(run);
    }
    run.settle(status);
}

/// A run by the method's own loop, or of so many steps by hand to such an end.
fn run<T: Real>(
    input: &Input,
    data: &Data<T>,
    dirt: T,
    hand: Option<(Status, u32)>,
) -> Result<Found<T>, Error> {
    let p = data.p;
    let mut x: Vec<T> = (0..p).map(|k| cycled(&input.start, k).tame()).collect();
    if input.method == Method::Mirror {
        x.iter_mut().for_each(|x| *x = x.abs() + T::from_f64(0.0625));
    }
    let before = bits(&x);
    let ending = Ending::after(u32::from(input.steps));
    let (low, high) =
        if input.boxed { (T::from_f64(-2.0), T::from_f64(3.0)) } else { (-T::INFINITY, T::INFINITY) };
    let set = Interval::new(low, high)?;
    let (mut rule, mut storage) = (rule::<T>(input), vec![dirt; 5 * p]);
    let ended = data.with(input.function, |oracle| {
        let floor = oracle.floor();
        match input.method {
            Method::Projected => {
                let problem = Problem::new(oracle, set)?;
                let work = method::Workspace::new(&problem, true, &mut storage)?;
                let options = method::Options { ending, average: true, scale: T::ONE };
                if let Some(end) = hand {
                    let mut run = method::start(problem, &options, &mut *rule, &mut x, work)?;
                    by_hand(&mut run, end, |run| run.best().0);
                    return Ok((end, run.best().0, floor));
                }
                let outcome = method::solve(problem, &options, &mut *rule, &mut x, work, &mut ())?;
                Ok(((outcome.report.status, outcome.report.steps), outcome.value, outcome.lower_bound))
            }
            Method::Mirror => {
                let work = mirror::Workspace::new(&oracle, &mut storage)?;
                if let Some(end) = hand {
                    let mut run = mirror::start(oracle, &ending, &mut *rule, &mut x, work)?;
                    by_hand(&mut run, end, |run| run.bounds().0);
                    let (value, bound) = run.bounds();
                    return Ok((end, value, bound));
                }
                let outcome = mirror::solve(oracle, &ending, &mut *rule, &mut x, work, &mut ())?;
                Ok(((outcome.report.status, outcome.report.steps), outcome.value, outcome.lower_bound))
            }
            Method::Averaged(normalised) => {
                let problem = Problem::new(oracle, set)?;
                let work = dual_averaging::Workspace::new(&problem, &mut storage)?;
                let scale = T::from_f64(f64::from(input.length) / 32.0);
                let options = dual_averaging::Options { ending, normalised, scale, l1: l1(input) };
                if let Some(end) = hand {
                    let mut run = dual_averaging::start(problem, &options, &mut x, work)?;
                    by_hand(&mut run, end, |run| run.best().0);
                    return Ok((end, run.best().0, floor));
                }
                let outcome = dual_averaging::solve(problem, &options, &mut x, work, &mut ())?;
                Ok(((outcome.report.status, outcome.report.steps), outcome.value, outcome.lower_bound))
            }
        }
    })?;
    if ended.is_err() {
        assert_eq!(bits(&x), before, "{ended:?}, but x was touched");
    }
    ended.map(|((status, steps), value, bound)| Found { status, steps, value, bound, x })
}

fn l1<T: Real>(input: &Input) -> T {
    T::from_f64(f64::from(input.l1) / 16.0)
}

/// What is reported is that of the x that is left, which is in its set; no value is below a bound.
fn truths<T: Real>(input: &Input, data: &Data<T>, found: &Found<T>) {
    let x: Vec<f64> = found.x.iter().map(|x| x.to_f64()).collect();
    let (mut value, mut size) = data.plain(input.function, &x);
    if matches!(input.method, Method::Averaged(_)) {
        let term = l1::<f64>(input) * x.iter().map(|x| x.abs()).sum::<f64>();
        (value, size) = (value + term, size + term);
    }
    let told = found.value.to_f64();
    if told.is_finite() {
        assert!((told - value).abs() <= data.rounding(size), "{found:?}, but {value}");
    } else {
        assert_eq!(found.status, Status::NotFinite, "{found:?}");
    }
    let rounding = T::EPSILON.to_f64() * (data.p as f64 + 8.0);
    if input.method == Method::Mirror {
        if found.value < T::INFINITY && found.steps > 0 {
            let sum = x.iter().sum::<f64>();
            assert!(
                x.iter().all(|&x| x >= 0.0) && (sum - 1.0).abs() <= rounding,
                "{found:?} adds up to {sum}"
            );
        }
    } else if input.boxed && told.is_finite() {
        assert!(x.iter().all(|x| (-2.0..=3.0).contains(x)), "{x:?}");
    }
    if input.method != Method::Mirror || input.function == Kind::Phase {
        return;
    }
    // On the simplex nothing is larger on the way than where all coordinates are 1.
    let widest = data.plain(input.function, &vec![1.0; data.p]).1;
    let slack = (f64::from(found.steps) + 1.0) * data.rounding(widest);
    for from in 0..4 {
        let weights: Vec<f64> =
            (0..data.p).map(|k| cycled(&input.numbers, k + from).tame::<f64>().abs() + 1e-3).collect();
        let sum: f64 = weights.iter().sum();
        let z: Vec<f64> = weights.iter().map(|w| w / sum).collect();
        let (value, _) = data.plain(input.function, &z);
        assert!(found.bound.to_f64() <= value + slack, "{found:?}, but f = {value} at {z:?}");
    }
}

/// Four times the function: the same steps to the same x, where nothing depends on the unit.
fn in_another_unit<T: Real>(input: &Input, found: &Found<T>) {
    let lengths = f64::from(input.length) / 32.0 * f64::from(input.steps);
    let same = match input.method {
        Method::Projected => input.rule % 6 < 4,
        // Weights that underflow are held at the smallest normal number.
        Method::Mirror => input.rule % 6 < 4 && lengths < 16.0,
        Method::Averaged(normalised) => normalised && input.l1 == 0,
    };
    // Distances have no unit but that of the points.
    let same = same && input.function != Kind::Median;
    if same && found.status != Status::NotFinite {
        let data = Data::<T>::new(input, 4.0);
        let again = run(input, &data, T::NAN, None).expect("as before");
        let four = T::from_f64(4.0);
        assert_eq!(again.seen(T::ONE), found.seen(four), "in another unit");
    }
}

/// The bound that the averages of a maximum give, at points of the ball.
fn affine_bound<T: Real>(input: &Input, data: &Data<T>) {
    let table = Table::new(&data.entries, data.n, data.p).expect("sound numbers");
    let mut storage = vec![T::NAN; MaxAffine::<T>::required_len(data.n, true)];
    let mut f = MaxAffine::new(table, &data.others, true, &mut storage).expect("sound numbers");
    let mut scratch = vec![T::NAN; data.p];
    assert_eq!(f.lower_bound(T::ONE, &mut scratch), -T::INFINITY, "nothing was seen");
    let mut x = vec![T::ZERO; data.p];
    let mut storage = vec![T::NAN; 4 * data.p];
    let problem = Problem::new(&mut f, ()).expect("sound numbers");
    let work = method::Workspace::new(&problem, false, &mut storage).expect("memory");
    let options = method::Options { ending: Ending::after(u32::from(input.steps)), ..Default::default() };
    let length = T::from_f64((f64::from(input.length) + 1.0) / 32.0);
    method::solve(problem, &options, Constant(length), &mut x, work, &mut ()).expect("sound numbers");
    for from in 0..4 {
        let z: Vec<T> = (0..data.p).map(|k| cycled(&input.start, k + from).tame()).collect();
        let radius = southwell_fuzz::norm(z.iter().map(|z| z.to_f64()));
        let bound = f.lower_bound(T::from_f64(radius), &mut scratch).to_f64();
        let z: Vec<f64> = z.iter().map(|z| z.to_f64()).collect();
        let (value, _) = data.plain(Kind::MaxAffine, &z);
        let size = data.plain(Kind::MaxAffine, &vec![radius; data.p]).1;
        let slack = (f64::from(input.steps) + 1.0) * data.rounding(size);
        assert!(bound <= value + slack, "{bound} is no bound: f = {value} at {z:?}");
    }
}
