//! Every tuner on arbitrary sequences of contexts and losses: its probabilities are a distribution, its
//! arms exist, it repeats itself bit for bit, and a loss that it must ignore leaves no trace.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use southwell::Real;
use southwell::bandit::{
    BinnedTsallisInf, ChebCb, ChebOptions, Estimator, Grid, TsallisInf, TsallisOptions, Tuner, Unimodal,
    UnimodalOptions,
};
use southwell::subgradient::matrix::{Learned, Step};
use southwell_fuzz::{Number, bits, check_error};

#[derive(Arbitrary, Debug)]
struct Input {
    double: bool,
    tuner: Kind,
    reduced: bool,
    discount: Option<Number>,
    cap: Option<Number>,
    caution: Number,
    range: Option<(Number, Number)>,
    starts: u8,
    repeat: u8,
    rounds: Vec<Round>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Kind {
    One,
    Tsallis,
    Wide,
    Binned,
    Cheb,
    Straight,
    Walk,
    Steps,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Round {
    context: Number,
    word: u64,
    event: Event,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Event {
    /// A count, as solvers report.
    Count(u16),
    /// A count that depends on the arm.
    Valley(u8),
    /// Anything.
    Loss(Number),
    /// A loss that must be ignored.
    Bad(u8),
    /// No answer at all.
    Silence,
    /// An answer without a question.
    Twice(u8),
}

fuzz_target!(|input: Input| if input.double { dispatch::<f64>(&input) } else { dispatch::<f32>(&input) });

fn dispatch<T: Real>(input: &Input) {
    let discount = input.discount.map_or(T::ONE, |d| match d {
        // Close to one, as it should be; other numbers are mostly refused.
        Number::Sixteenths(n) => T::ONE - T::from_f64(f64::from(n.unsigned_abs()) / 256.0),
        other => other.wild(),
    });
    let trial_cap = input.cap.map(|cap| match cap {
        Number::Sixteenths(n) => T::from_f64(1.0 + f64::from(n.unsigned_abs()) / 16.0),
        other => other.wild(),
    });
    let (lower, upper) = input.range.map_or((T::ZERO, T::ONE), |(a, b)| (a.wild(), b.wild()));
    let estimator = if input.reduced { Estimator::ReducedVariance } else { Estimator::ImportanceWeighted };
    let tsallis = TsallisOptions { estimator, discount, trial_cap };
    let cheb = ChebOptions { discount };
    let caution = input.caution.wild();
    let walk = UnimodalOptions { caution, discount, trial_cap };
    let starts = usize::from(input.starts);
    let start = |_: T| starts;
    let range = (lower, upper);
    match input.tuner {
        Kind::One => run(input, TsallisInf::<T, 1>::new(tsallis), false, range),
        Kind::Tsallis => run(input, TsallisInf::<T, 5>::new(tsallis), false, range),
        Kind::Wide => run(input, TsallisInf::<T, 20>::new(tsallis), false, range),
        Kind::Binned => run(input, BinnedTsallisInf::<T, 3, 4>::new(lower, upper, tsallis), false, range),
        Kind::Cheb => run(input, ChebCb::<T, 5, 6>::new(lower, upper, cheb), false, range),
        Kind::Straight => run(input, ChebCb::<T, 2, 1>::new(lower, upper, cheb), false, range),
        Kind::Walk => run(input, Unimodal::<T, 20, 1>::new(lower, upper, start, walk), true, range),
        Kind::Steps => run(input, Unimodal::<T, 4, 5>::new(lower, upper, start, walk), true, range),
    }
}

/// The same answer to two tuners.
fn tell<T: Real>(tuners: [&mut impl Tuner<T>; 2], loss: T) {
    tuners.into_iter().for_each(|tuner| tuner.learn(loss));
}

/// What a tuner shows after a choice.
fn look<T: Real>(tuner: &impl Tuner<T>, arm: usize) -> (usize, usize, Vec<u64>, Option<u64>) {
    (arm, tuner.incumbent(), bits(tuner.probabilities()), tuner.budget().map(T::bits))
}

fn run<T: Real, B: Tuner<T> + Clone>(
    input: &Input,
    tuner: Result<B, southwell::Error>,
    certain: bool,
    (lower, upper): (T, T),
) {
    let mut tuner = match tuner {
        Ok(tuner) => tuner,
        Err(error) => return check_error(error, |_| 0),
    };
    learned(input, tuner.clone());
    let mut twin = tuner.clone();
    let arms = tuner.arms();
    let uniform = tuner.probabilities().iter().map(|p| p.to_f64()).sum::<f64>();
    assert!((uniform - 1.0).abs() < 1e-6 && tuner.probabilities().len() == arms);
    assert!(tuner.incumbent() < arms);

    let rounds =
        || input.rounds.iter().cycle().take(input.rounds.len() * (usize::from(input.repeat % 8) + 1));
    for round in rounds() {
        let place = round.context.tame::<T>().abs();
        let context = match round.context {
            Number::Sixteenths(_) => lower + (upper - lower) * (place / T::from_u32(8)),
            other => other.wild(),
        };
        let before = tuner.clone();
        let arm = tuner.choose_with(context, round.word);
        check_choice(&tuner, arm, certain);
        let seen = look(&tuner, arm);
        let repeated = twin.choose_with(context, round.word);
        assert_eq!(seen, look(&twin, repeated), "the same calls, another choice");

        match round.event {
            Event::Count(n) => tell([&mut tuner, &mut twin], T::from_u32(n.into())),
            Event::Valley(bottom) => {
                let away = arm.abs_diff(usize::from(bottom) % arms);
                tell([&mut tuner, &mut twin], T::from_usize(10 + away * away));
            }
            Event::Loss(loss) => tell([&mut tuner, &mut twin], loss.wild()),
            Event::Bad(which) => {
                tell(
                    [&mut tuner, &mut twin],
                    [T::NAN, T::INFINITY, -T::INFINITY, -T::ONE][usize::from(which % 4)],
                );
                // As if the round had not been: the next choice, and the one after it, are the same.
                let (mut with, mut without) = (tuner.clone(), before);
                for word in [round.word, !round.word] {
                    let pair = [with.choose_with(context, word), without.choose_with(context, word)];
                    assert_eq!(look(&with, pair[0]), look(&without, pair[1]), "an ignored loss left a trace");
                    with.learn(T::ONE);
                    without.learn(T::ONE);
                }
            }
            Event::Silence => {}
            Event::Twice(n) => {
                tell([&mut tuner, &mut twin], T::from_u32(n.into()));
                let settled = look(&tuner, 0);
                tell([&mut tuner, &mut twin], T::from_u32(1000));
                assert_eq!(settled, look(&tuner, 0), "an answer without a question was heard");
            }
        }
        assert!(tuner.incumbent() < arms);
    }

    let grid = Grid::new(T::ONE, T::TWO, arms as u32).expect("increasing");
    assert_eq!(grid.at_or_above(grid.value(tuner.incumbent())), tuner.incumbent());
}

/// A step rule's number drawn by the tuner: what the same tuner chooses from the same words.
fn learned<T: Real, B: Tuner<T> + Clone>(input: &Input, tuner: B) {
    let seed = u64::from(input.starts);
    let (mut twin, mut words) = (tuner.clone(), Xoshiro256PlusPlus::seed_from_u64(seed));
    // Arms beyond the grid have its last value.
    let grid = Grid::new(T::HALF, T::ONE, u32::from(input.repeat % 24) + 1).expect("increasing");
    let rule = |rho: T| Step::Held { eta0: T::ONE, rho, hold: 3 };
    let mut learned = Learned::new(tuner, grid, Xoshiro256PlusPlus::seed_from_u64(seed), rule);
    for round in &input.rounds {
        let context = round.context.wild();
        let arm = twin.choose_with(context, words.next_u64());
        assert_eq!(learned.next(context), rule(grid.value(arm)));
        let loss = match round.event {
            Event::Count(n) => T::from_u32(n.into()),
            Event::Loss(loss) => loss.wild(),
            _ => T::NAN,
        };
        learned.learn(loss);
        twin.learn(loss);
        assert_eq!(learned.incumbent(), rule(grid.value(twin.incumbent())));
        assert_eq!(look(learned.tuner(), arm), look(&twin, arm));
    }
}

fn check_choice<T: Real>(tuner: &impl Tuner<T>, arm: usize, certain: bool) {
    let arms = tuner.arms();
    let p = tuner.probabilities();
    assert!(arm < arms && tuner.incumbent() < arms && p.len() == arms);
    if certain {
        let ones = p.iter().filter(|&&p| p == T::ONE).count();
        let zeros = p.iter().filter(|&&p| p == T::ZERO).count();
        assert!(ones == 1 && zeros == arms - 1 && p[arm] == T::ONE, "{p:?}");
        return;
    }
    assert!(p.iter().all(|&p| p > T::ZERO && p <= T::ONE), "{p:?}");
    // A few roundings an arm.
    let tolerance = arms as f64 * if T::EPSILON.to_f64() > 1e-10 { 1e-6 } else { 1e-14 };
    let sum: f64 = p.iter().map(|p| p.to_f64()).sum();
    assert!((sum - 1.0).abs() <= tolerance, "the probabilities {p:?} sum to {sum}");
    if let Some(budget) = tuner.budget() {
        assert!(budget > T::ZERO, "a budget of {budget}");
    }
}
